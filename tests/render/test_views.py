"""Tests of explanations, status, history and the resolved manifest."""

from __future__ import annotations

import dataclasses
import json

from reconciler.model import plan, score
from reconciler.model.role import Role
from reconciler.render import explain, failures, history, manifest, moment, status, styled, values

NOW = 1_767_323_045.0


def state(desired, seen, due) -> status.Status:
    """A status with devices, one fencing and somebody who acts."""
    return status.Status(
        desired,
        seen,
        due,
        devices=(
            status.Device("ipmi_ha_1", "fence_ipmilan", ("ha-1",), ok=True),
            status.Device("pdu", "fence_apc", ("ha-2",), ok=False, message="timeout after 5 s"),
        ),
        fenced=(status.Fenced(NOW - 3600, "ha-3", confirmed=True, device="pdu"),),
        lease=status.Lease("root", "ci-7", 4242, "reconcile watch", NOW - 90, 12.0),
    )


def test_explain_prints_the_ledger(golden, first_plan, desired, seen):
    """Sum, terms with their lines, the chosen node and its margin, and the counted failure."""
    golden("explain.txt", styled.plain(explain.lines(first_plan, desired, seen, "p_vip")))


def test_explain_overview(golden, first_plan):
    """Without a resource: every score, one column for each node."""
    golden("scores.txt", styled.plain(explain.overview(first_plan)))


def test_explain_says_when_no_node_is_possible(first_plan, desired, seen):
    """All scores negative is said in words."""
    banned = score.Ledger((score.Term(score.TermKind.UNAVAILABLE, -score.INFINITY),))
    due = dataclasses.replace(
        first_plan, ledgers={"p_vip": {"ha-1": banned, "ha-2": banned}}, placement={}
    )

    assert "No node is possible" in styled.plain(explain.lines(due, desired, seen, "p_vip"))


def test_explain_covers_what_is_inside_a_clone(rich_plan, desired):
    """The name of a clone stands for its instances, in their natural order."""
    assert explain.instances(rich_plan, desired, "pgsql_ha") == ("pgsql:0", "pgsql:1")
    assert explain.instances(rich_plan, desired, "nothing") == ()


def test_explain_json(first_plan, desired, seen):
    """The JSON carries each term with its position, and the sum."""
    body = json.loads(values.text(explain.as_json(first_plan, desired, seen, "p_vip")))

    best = body["resources"][0]["nodes"][0]
    assert (best["node"], best["score"], best["chosen"]) == ("ha-2", 100, True)
    assert best["terms"][0]["position"] == {"file": "vip.yaml", "line": 42, "column": 3}


def test_status_golden(golden, desired, seen, rich_plan):
    """Nodes, resources by kind, failures, fencing, who acts, and what is due."""
    golden("status.txt", styled.plain(status.lines(state(desired, seen, rich_plan))))


def test_status_json_is_complete(desired, seen, rich_plan):
    """The JSON tells quorum, presence, roles and failures by stable words."""
    body = json.loads(values.text(status.as_json(state(desired, seen, rich_plan))))

    assert body["quorate"] is True
    assert body["converged"] is False
    assert {one["node"]: one["presence"] for one in body["nodes"]}["ha-3"] == "unknown"
    assert body["failures"][0]["rc"] == 7
    assert body["lease"]["pid"] == 4242


def test_status_of_a_converged_cluster(desired, seen):
    """With nothing due, the last line says so."""
    due = plan.Plan(
        changes=(plan.Change("p_vip", plan.ChangeKind.LEAVE, source="ha-1", role=Role.STARTED),)
    )

    assert styled.plain(status.lines(status.Status(desired, seen, due))).endswith("As desired.\n")


def test_failures_read_counts_limits_and_expiry(desired, seen):
    """A failure knows its count, its threshold and when it stops counting."""
    (one,) = failures.found(desired, seen)

    assert failures.count_text(one) == "fail-count 1 of 3"
    assert failures.text(one) == "not running (rc 7): address is gone"
    assert one.expires_at == one.at + 60


def test_history_golden(golden):
    """Events stand below their run, with their facts; empty facts are left out."""
    events = [
        (NOW, "r1", "run-began", {"command": "reconcile apply"}),
        (NOW + 1, "r1", "action-ended", {"key": "start:p_vip", "outcome": "success", "rc": None}),
        (NOW + 9, "r2", "node-fenced", {"node": "ha-3", "device": "pdu"}),
    ]

    golden("history.txt", styled.plain(history.lines(events)))
    assert history.as_json(events)[0]["at"] == "2026-01-02T03:04:05Z"


def test_manifest_sections_golden(golden, desired):
    """Properties, nodes, resources, constraints and fencing as resolved, secrets by reference."""
    parts = [styled.plain(section(desired)) for section in manifest.SECTIONS.values()]

    golden("manifest.txt", "\n".join(parts))


def test_lengths_of_time():
    """Lengths use at most two units."""
    shown = [moment.length(seconds) for seconds in (-1, 0.44, 12.9, 200, 7260, 90_000)]

    assert shown == ["0 s", "0.4 s", "12 s", "3 min 20 s", "2 h 1 min", "1 d 1 h"]


def test_fold_keeps_styles_and_words():
    """Folding breaks between words only, and loses no character but the blanks between."""
    line = styled.line("aaa bbb ", styled.span("ccc ddd", styled.Style.BAD), hang=2)

    folded = styled.fold([line], 9)

    assert [one.text for one in folded] == ["aaa bbb", "  ccc ddd"]
    assert folded[1].spans[-1].style is styled.Style.BAD
