"""Tests of the parts behind the verbs: verdicts, progress, places, the sandbox of a manifest."""

from __future__ import annotations

import pathlib
import stat

import pytest

from reconciler.cli import compose, lines, live, places, sandboxes, terminal, verdict
from reconciler.cli import manifests as reader
from reconciler.cli.quit import Quit
from reconciler.controller.result import Blockage, Result, State
from reconciler.model import action, outcome, plan
from reconciler.ports import fencing, nodes
from reconciler.render import styled, waiting
from reconciler.secrets.store import Store


def start(name: str, key: str = "") -> action.Action:
    """A start on n1."""
    return action.Action(
        key or f"start:{name}",
        action.ActionKind.RESOURCE,
        action.Task.START,
        resource=name,
        node="n1",
    )


CHAIN = plan.Plan(
    actions=(
        start("a"),
        start("b"),
        action.Action("x:gate", action.ActionKind.PSEUDO, action.Task.NOTHING),
    ),
    edges=(plan.Edge("start:a", "x:gate"), plan.Edge("x:gate", "start:b")),
)


def test_every_state_has_a_status_and_only_success_is_0():
    """The table is complete, and nothing but a converged or done run is 0."""
    assert set(verdict.STATUSES) == set(State)
    for state, status in verdict.STATUSES.items():
        assert (status == 0) == Result(state).ok


def test_a_blocked_run_says_what_why_and_what_to_do():
    """The verdict names the resource, the reason in words and the command that helps."""
    result = Result(
        State.BLOCKED,
        blocked=(Blockage("db:0", "n1", "cannot-fence", "BMC silent"),),
        silent=("n1",),
    )

    said = styled.plain(verdict.lines(result))

    assert "db:0 on n1: no fence device can prove it off (BMC silent)" in said
    assert "BMC silent" in said
    assert "reconcile fence list" in said
    assert "no answer from n1" in said


def test_a_held_lease_names_its_holder():
    """Who acts, where, with which process, since when."""
    holder = nodes.LeaseHolder("i", "ci-7", "deploy", 42, "reconcile watch", 1_767_323_045.0)

    said = styled.plain(verdict.lines(Result(State.LEASE_HELD, holder=holder)))

    for word in ("reconcile watch", "deploy", "ci-7", "42", "2026-01-02T03:04:05Z"):
        assert word in said


def test_what_waits_is_seen_through_pseudo_actions():
    """The start of b waits for the start of a, not for the gate between them."""
    known = waiting.before(CHAIN)

    assert known == {"start:a": (), "start:b": ("start:a",)}
    ((step, missing),) = waiting.waiting(CHAIN, known, frozenset(), frozenset({"start:a"}))
    assert (step.resource, missing[0].resource) == ("b", "a")
    assert waiting.waiting(CHAIN, known, frozenset({"start:a"}), frozenset()) == ()


def test_plain_progress_has_a_line_for_each_end(capsys):
    """Outcomes, exit codes, messages and fence replies are all said."""
    told = lines.Lines()
    told.ended(start("a"), outcome.Outcome(outcome.OutcomeKind.SUCCESS, 0, began_at=1, ended_at=2))
    told.ended(start("b"), outcome.Outcome(outcome.OutcomeKind.FAILURE, 1, "no\x1b[2J device"))
    reply = fencing.FenceReply(ok=False, fault=fencing.FenceFault.TIMEOUT, message="5 s")
    told.fencing("n1", fencing.FenceStep(1, "pdu", fencing.FenceVerb.OFF, 2, reply))
    told.note("again")

    said = capsys.readouterr().err

    assert "ok       start a on n1  1 s" in said
    assert "FAILED   start b on n1  0 s: rc 1, no\\x1b[2J device" in said
    assert "n1: pdu (level 1) off, attempt 2: failed (timeout): 5 s" in said
    assert "note     again" in said


def test_progress_never_raises_when_nobody_reads():
    """A closed stderr does not end a transition."""

    class Closed:
        def isatty(self):
            return False

        def write(self, _):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

        def fileno(self):
            raise OSError

    lines.Lines(terminal.Screen(Closed())).note("x")


def test_the_drawn_progress_shows_running_and_waiting():
    """While a runs: where and how long, and that b waits for it; then b is free."""
    now = [100.0]
    drawn = live.Live(terminal.error(), clock=lambda: now[0])
    drawn.planned(1, CHAIN)
    drawn.began(start("a"))
    now[0] = 103.0

    shown = styled.plain(drawn.rows())

    assert "0 of 2 steps" in shown
    assert "start a on n1  3 s" in shown
    assert "start b on n1  waits for start a on n1" in shown


def test_the_state_directory_follows_the_environment(monkeypatch, tmp_path):
    """RECONCILE_STATE_DIR wins; else the user's state home where not root."""
    monkeypatch.setenv("RECONCILE_STATE_DIR", str(tmp_path))
    assert places.sandbox("c") == tmp_path / "sandbox" / "c"
    monkeypatch.delenv("RECONCILE_STATE_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "x"))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert places.state() == tmp_path / "x" / "reconciler"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert places.state() == pathlib.Path("/var/lib/reconciler")


def test_a_sandbox_follows_the_manifest(manifests):
    """Nodes, addresses and BMCs come from nodes and loopback IPMI devices."""
    wanted = _read(manifests)

    made = sandboxes.specification(wanted, Store())

    assert (made.nodes[0].name, made.nodes[0].address) == ("n1", "192.168.99.1")
    assert [one.bmc.port for one in made.nodes] == [6301, 6302, 6303]
    assert made.nodes[0].bmc.password == "0123456789ab"
    assert "0123456789ab" not in repr(made)


def test_missing_secrets_of_simulated_bmcs_are_made_once(manifests):
    """The file is made 0600, short enough for the simulator, and left alone afterwards."""
    path = manifests / ".secrets" / "ipmi"
    path.unlink()
    wanted = _read(manifests)

    assert sandboxes.make_secrets(wanted) == (path,)
    text = path.read_text().strip()
    assert sandboxes.make_secrets(wanted) == ()
    assert path.read_text().strip() == text
    assert 8 <= len(text) <= 16
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_secret_is_made_for_a_device_elsewhere(manifests):
    """A device that is not on this machine keeps its secret to its owner."""
    (manifests / ".secrets" / "ipmi").unlink()
    path = manifests / "cluster.yaml"
    path.write_text(path.read_text().replace("ip: 127.0.0.1", "ip: 192.0.2.1"))

    assert sandboxes.make_secrets(_read(manifests)) == ()


def test_a_manifest_without_sandbox_nodes_is_refused(manifests):
    """There is nothing to raise, and that is said."""
    path = manifests / "cluster.yaml"
    path.write_text(path.read_text().replace("192.168.99.1}", "192.168.99.1, connection: ssh}"))
    path.write_text(path.read_text().replace("192.168.99.2}", "192.168.99.2, connection: ssh}"))
    path.write_text(path.read_text().replace("192.168.99.3}", "192.168.99.3, connection: ssh}"))

    with pytest.raises(Quit, match="connection: sandbox"):
        sandboxes.specification(_read(manifests), Store())


def test_pruning_wins_over_the_manifest(manifests):
    """With --prune the first word on removed resources is that they are stopped."""
    wanted = compose.pruning(_read(manifests))

    named = [one.pairs for one in wanted.properties if "stop-removed-resources" in one.pairs]
    assert named[0] == {"stop-removed-resources": "true"}


def _read(directory: pathlib.Path):
    return reader.read((str(directory),)).desired
