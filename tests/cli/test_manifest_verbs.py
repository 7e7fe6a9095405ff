"""Tests of the verbs that contact no node: init, validate, show, schema, graph, completion."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest


def test_validate_says_what_was_found_valid(reconcile, manifests):
    """Valid manifests give one line on stdout and 0; the default path is ./manifests."""
    named, default = reconcile("validate", str(manifests)), reconcile("validate")

    assert named.status == default.status == 0
    assert default.out == ("Valid: trial, 3 nodes, 2 resources, 3 constraints, 3 fence devices.\n")


def test_validate_points_at_every_mistake(reconcile, manifests):
    """Two mistakes are both found: file, line, column, code, nearest name, source line."""
    path = manifests / "cluster.yaml"
    text = path.read_text().replace("with: p_vip,", "with: p_vib,")
    path.write_text(text.replace("cidr_netmask: 24}\n    op", "cidr_netmask: 24}\n    opp"))

    ended = reconcile("validate")

    assert ended.status == 65
    assert re.search(r"manifests/cluster\.yaml:\d+:\d+: error\[[a-z-]+\]: ", ended.err)
    assert "did you mean 'p_vip'" in ended.err
    assert "'operations'" in ended.err
    assert "^~" in ended.err
    assert "2 errors" in ended.err
    assert ended.out == ""


def test_validate_as_json_and_for_github(reconcile, manifests):
    """The machine formats carry file, line, column and code on stdout."""
    path = manifests / "cluster.yaml"
    path.write_text(path.read_text().replace("with: p_vip,", "with: p_vib,"))

    body = json.loads(reconcile("validate", "-o", "json").out)
    github = reconcile("validate", "-o", "github")

    assert body["valid"] is False
    (one,) = [each for each in body["diagnostics"] if each["severity"] == "error"]
    assert one["file"] == "manifests/cluster.yaml"
    assert one["line"] > 0
    assert github.status == 65
    assert "::error file=manifests/cluster.yaml,line=19,col=42," in github.out


def test_plan_and_apply_refuse_invalid_manifests_before_anything_else(reconcile, manifests):
    """The other verbs refuse the same findings with 65; with JSON they are on stdout too."""
    path = manifests / "cluster.yaml"
    path.write_text(path.read_text().replace("with: p_vip,", "with: p_vib,"))

    for verb in ("plan", "apply", "status", "watch"):
        assert reconcile(verb).status == 65
    body = json.loads(reconcile("plan", "-o", "json").out)
    assert body["diagnostics"]


def test_no_manifests_is_65_and_says_what_to_do(reconcile, tmp_path, monkeypatch):
    """Without a path and without ./manifests, init is offered."""
    monkeypatch.chdir(tmp_path)

    ended = reconcile("validate")

    assert ended.status == 65
    assert "reconcile init" in ended.err


def test_init_writes_valid_manifests_and_never_overwrites(reconcile, tmp_path, monkeypatch):
    """What init writes is valid; a second init changes nothing."""
    monkeypatch.chdir(tmp_path)
    assert reconcile("init").status == 0
    before = {path.name: path.read_text() for path in (tmp_path / "manifests").iterdir()}

    again = reconcile("init")

    assert reconcile("validate").status == 0
    assert again.status == 1
    assert before == {path.name: path.read_text() for path in (tmp_path / "manifests").iterdir()}


@pytest.mark.usefixtures("manifests")
def test_show_lists_all_constraints_and_no_secret(reconcile):
    """``show constraints`` has a sentence for each; ``show`` has secrets as references only."""
    shown = reconcile("show", "constraints").out
    everything = reconcile("show").out

    assert "p_vip prefers node n1  50" in shown
    assert "p_vip2 with p_vip  INFINITY" in shown
    assert "start p_vip then start p_vip2" in shown
    assert "secretRef(file: " in everything
    assert "0123456789ab" not in everything


def test_schema_is_json(reconcile):
    """The schema can be parsed and is one."""
    assert "$schema" in json.loads(reconcile("schema").out)


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_the_graph_of_constraints_is_read_by_graphviz(reconcile, manifests):
    """The output of ``graph --of constraints`` is valid dot."""
    shown = reconcile("graph", "--of", "constraints", str(manifests))

    subprocess.run(["dot", "-Tcanon"], input=shown.out.encode(), check=True, capture_output=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_the_program(reconcile, shell):
    """Each shell gets a script for ``reconcile``."""
    assert "reconcile" in reconcile("completion", shell).out


def test_an_empty_manifest_is_refused(reconcile, manifests):
    """No resources at all is not taken for "stop everything"; no node is asked."""
    path = manifests / "cluster.yaml"
    head, rest = path.read_text().split("resources:\n")
    path.write_text(head + "fencing:\n" + rest.split("fencing:\n")[1])

    ended = reconcile("apply", "--yes")

    assert ended.status == 65
    assert "resources" in ended.err


@pytest.mark.usefixtures("manifests")
def test_a_silent_cluster_is_an_error_and_not_an_empty_plan(reconcile):
    """Where no node answers, plan says so instead of guessing."""
    ended = reconcile("plan")

    assert ended.status == 1
    assert "no node answers" in ended.err
    assert "n1, n2, n3" in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["standby", "n4"], "n1, n2, n3"),
        (["cleanup", "p_vipp"], "p_vip"),
        (["fence", "n11"], "n1"),
        (["sandbox", "kill", "m1"], "n1"),
    ],
)
@pytest.mark.usefixtures("manifests")
def test_unknown_names_are_wrong_usage(reconcile, words, near):
    """A node or resource that the manifest does not have is refused with 64 and what there is."""
    ended = reconcile(*words)

    assert ended.status == 64
    assert near in ended.err


@pytest.mark.usefixtures("manifests")
def test_fencing_needs_the_name_again(reconcile):
    """Without a terminal and without --confirm-fence: 3, and the option is named."""
    without, wrong = reconcile("fence", "n1"), reconcile("fence", "n1", "--confirm-fence=n2")

    assert without.status == wrong.status == 3
    assert "--confirm-fence=n1" in without.err


@pytest.mark.parametrize("harm", [lambda _: "{}", lambda text: text[:-40], lambda _: "\udc80"])
@pytest.mark.usefixtures("manifests")
def test_a_damaged_plan_file_is_stale(reconcile, tmp_path, harm):
    """A plan file that was cut, or is none, is refused with 5."""
    path = tmp_path / "a.plan"
    path.write_text(
        harm('{"kind": "reconciler-plan", "x": "' + "y" * 100 + '"}'), errors="surrogateescape"
    )

    ended = reconcile("apply", str(path))

    assert ended.status == 5
    assert "stale plan" in ended.err
