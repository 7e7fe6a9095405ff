"""Tests of plans as text, JSON, files and graphs."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess

import pytest

from reconciler.model import plan
from reconciler.render import graph, levels, plan_file, plan_json, plan_text, styled, values

BASIS = plan_file.Basis("0.1.0", 1_767_323_045, "vip_cluster", ("manifests",), "abc123def4567890")


def test_first_plan_text(golden, first_plan):
    """A first plan: two starts with reasons and positions, four levels, a summary."""
    golden("plan-first.txt", styled.plain(plan_text.lines(first_plan, name="vip_cluster")))


def test_rich_plan_text(golden, rich_plan):
    """Fencing comes first, what is blocked says what to do, and the summary counts it all."""
    golden("plan-rich.txt", styled.plain(plan_text.lines(rich_plan, name="vip_cluster")))


def test_rich_plan_text_on_a_narrow_terminal(golden, rich_plan):
    """On 60 columns long reasons continue below their own column."""
    lines = styled.fold(plan_text.lines(rich_plan, name="vip_cluster"), 60)

    assert all(len(one.text) <= 60 for one in lines)
    golden("plan-rich-60.txt", styled.plain(lines))


def test_an_empty_plan_says_that_nothing_is_to_do():
    """A converged cluster gives one line."""
    due = plan.Plan(changes=(plan.Change("p_vip", plan.ChangeKind.LEAVE, source="ha-1"),))

    shown = styled.plain(plan_text.lines(due, name="vip_cluster"))

    assert shown == "Nothing to do: the cluster is as desired, 1 resource checked.\n"


def test_json_golden(golden, rich_plan):
    """The JSON of a plan has a version, stable codes and positions."""
    text = values.text(plan_json.as_json(rich_plan, name="vip_cluster"))

    assert json.loads(text)["format_version"] == 1
    golden("plan-rich.json", text)


def test_levels_follow_the_longest_chain(first_plan):
    """Probes are level 1, the first start 2, what follows it 3; a pseudo action adds nothing."""
    found = levels.of_actions(first_plan)

    assert found["probe:p_vip:ha-1"] == 1
    assert found["probed"] == 1
    assert found["start:p_vip"] == 2
    assert found["start:p_vip2"] == found["monitor:p_vip"] == 3


def test_steps_merge_the_same_work_on_many_nodes(first_plan):
    """Six probes are one step."""
    first = levels.steps(first_plan)[0]

    assert [step.text for step in first] == ["probe p_vip, p_vip2 on ha-1, ha-2, ha-3"]
    assert first[0].count == 6


def test_digest_tells_plans_apart_but_not_their_observations(first_plan, rich_plan):
    """The digest covers the steps, not from which observation they came."""
    again = dataclasses.replace(first_plan, observation="another", recheck_at=5.0)

    assert plan_json.digest(again) == plan_json.digest(first_plan)
    assert plan_json.digest(rich_plan) != plan_json.digest(first_plan)


def test_a_plan_file_is_read_back(first_plan):
    """What was saved is what is read."""
    saved = plan_file.parse(plan_file.save(first_plan, BASIS))

    assert saved.basis == BASIS
    assert plan_file.stale(saved, BASIS) == ""
    assert plan_file.changed(saved, first_plan) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cluster": "other"}, "for cluster 'vip_cluster'"),
        ({"manifests": "0" * 64}, "manifests have changed"),
        ({"tool": "9.9"}, "release 0.1.0"),
        ({"at": BASIS.at + 90_000}, "holds for 1 d"),
    ],
)
def test_a_plan_file_is_stale_where_its_basis_differs(first_plan, change, words):
    """Other manifests, cluster, release or a day later: the file is refused, and says why."""
    saved = plan_file.parse(plan_file.save(first_plan, BASIS))

    assert words in plan_file.stale(saved, dataclasses.replace(BASIS, **change))


def test_a_plan_file_is_stale_once_it_was_applied(first_plan):
    """When nothing is left to do, the file says that it was probably applied already."""
    saved = plan_file.parse(plan_file.save(first_plan, BASIS))

    assert "applied already" in plan_file.changed(saved, plan.Plan())


@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("ha-2", "ha-1", 1),
        lambda text: text.replace('"format_version": 1', '"format_version": 99', 1),
        lambda _: "{}",
        lambda _: "[" * 100_000,
        lambda _: "",
    ],
    ids=["cut", "edited", "version", "other", "deep", "empty"],
)
def test_a_damaged_plan_file_is_refused(first_plan, harm):
    """A file that was cut, edited or never was a plan file is refused, never half believed."""
    with pytest.raises(plan_file.PlanFileError):
        plan_file.parse(harm(plan_file.save(first_plan, BASIS)))


def test_dot_golden(golden, first_plan):
    """The graph of a plan in Graphviz's language, one cluster for each node."""
    golden("plan-first.dot", graph.dot(graph.of_plan(first_plan, "vip_cluster")))


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_graphviz_reads_the_dot(rich_plan, desired):
    """Graphviz accepts plans and constraint graphs, also with odd names."""
    for one in (graph.of_plan(rich_plan, 'a"b\\'), graph.of_constraints(desired)):
        subprocess.run(
            ["dot", "-Tcanon"], input=graph.dot(one).encode(), check=True, capture_output=True
        )


def test_mermaid_golden(golden, desired):
    """The graph of the constraints as a Mermaid flowchart."""
    golden("constraints.mmd", graph.mermaid(graph.of_constraints(desired)))
