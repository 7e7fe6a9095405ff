"""Promotion: what speaks for it, what forbids it, and how clones' instances are ordered."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts
from scheduler.test_history import records
from scheduler.test_ordering import before

from reconciler.model import constraint, observed, plan, resource
from reconciler.model.action import Task
from reconciler.model.agent import AgentName
from reconciler.model.observed import OperationStatus, Presence
from reconciler.model.resource import OnFail
from reconciler.model.role import Role
from reconciler.scheduler import pipeline

NAMES = ("n1", "n2", "n3")


def _clone(**meta: str) -> resource.Clone:
    return resource.Clone(
        "c", strategies.primitive("p"), meta=strategies.sets(promotable="true", **meta)
    )


def _plan(clone, *constraints, states=None, scores=None, others=(), nodes=NAMES) -> plan.Plan:
    """Return the plan for a promotable clone with promotion scores by node."""
    known = {one.name: "stopped" for one in others}
    found = {name: {"p": "stopped", **known, **(states or {}).get(name, {})} for name in nodes}
    attributes = {name: {"master-p": value} for name, value in (scores or {}).items()}
    return pipeline.schedule(
        facts.wanted(clone, *others, constraints=constraints, nodes=nodes),
        facts.seen(found, attributes=attributes),
    )


def _priorities(due: plan.Plan) -> dict[str, int]:
    return {node: score for found in due.promotion_scores.values() for node, score in found.items()}


def _moves(due: plan.Plan) -> set[tuple[str, str, str]]:
    kept = plan.ChangeKind.LEAVE
    return {(one.kind.value, one.source, one.target) for one in due.changes if one.kind is not kept}


def _role_location(score: int) -> constraint.Location:
    return constraint.Location("r", ("c",), "n1", score, role=Role.PROMOTED)


@pytest.mark.parametrize(
    ("own", "liking", "role", "expected"),
    [
        (None, 10, 0, -1),
        (None, 10, 50, 59),
        ("-10", 1, 0, -10),
        ("-10", 10, 50, 50),
        ("5", 10, 50, 65),
        ("5", 10, -9, -4),
    ],
)
def test_a_liking_for_the_node_counts_only_for_what_may_be_promoted(own, liking, role, expected):
    """A promotion score that is negative with its role's locations is not lifted by any other."""
    constraints = [facts.location("c", "n1", liking)]
    if role:
        constraints.append(_role_location(role))

    due = _plan(_clone(), *constraints, scores={} if own is None else {"n1": own})

    assert _priorities(due)["n1"] == expected


@pytest.mark.parametrize(
    ("dependent", "primary", "score", "expected"),
    [
        (("c", Role.PROMOTED), ("b", None), 100_000, 5 + 7_000),
        (("c", Role.PROMOTED), ("b", None), 1_000_000, 1_000_000),
        (("c", Role.PROMOTED), ("b", None), -100, 5 - 100),
        (("c", Role.UNPROMOTED), ("b", None), 1_000_000, -1_000_000),
        (("c", Role.UNPROMOTED), ("b", None), -100, 5 + 100),
        (("b", None), ("c", Role.PROMOTED), 100_000, 5 + 2 * 7_000),
        (("b", None), ("c", Role.UNPROMOTED), 100_000, 5 + 7_000),
    ],
)
def test_company_counts_for_promotion(dependent, primary, score, expected):
    """Company that must be kept or avoided counts as such, other by what it wishes itself."""
    pair = constraint.Colocation(
        "k", dependent[0], primary[0], score, dependent_role=dependent[1], primary_role=primary[1]
    )
    liking = facts.location("b", "n1", 70_000)
    other = strategies.primitive("b")

    due = _plan(_clone(), pair, liking, others=(other,), scores={"n1": "5"})

    assert _priorities(due)["n1"] == expected


def test_a_node_that_the_clone_dislikes_takes_no_instance():
    """Neither stickiness nor a promotion score lets an instance stay where its clone may not be."""
    states = {"n1": {"p": "running"}}

    due = _plan(_clone(), facts.location("c", "n1", -1), states=states, scores={"n1": "5"})

    assert all("n1" not in where for where in due.placement.values())


def test_the_instance_with_the_better_promotion_score_is_placed_first():
    """An idle instance that may be promoted anywhere comes before one that is active elsewhere."""
    states = {"n2": {"p": "running"}, "n3": {"p": "running"}}

    due = _plan(_clone(), states=states, scores={"n1": "10", "n2": "5", "n3": "15"})

    assert _moves(due) == {("start", "", "n1"), ("promote", "n3", "n3")}


def test_instances_without_promotion_keep_the_order_of_their_numbers():
    """How much an instance likes its own node does not put it before others."""
    states = {"n1": {"p": "running"}, "n2": {"p": "running"}}
    likings = [facts.location("c", f"n{number}", 5 * number) for number in (1, 2, 3)]

    due = _plan(_clone(), *likings, states=states)

    assert _moves(due) == {("move", "n1", "n3"), ("start", "", "n1")}


def test_a_score_counts_for_no_instance_known_elsewhere_where_the_node_must_be_asked_anew():
    """Where a start failed so long ago that it counts no more, nothing is known either."""
    failed = strategies.record("start", 1, 2)
    found = facts.seen({"n1": {}, "n2": {"p": "running"}}, attributes={"n1": {"master-p": "10"}})
    known = observed.ResourceHistory("p", strategies.AGENT, (failed,))
    node = dataclasses.replace(found.nodes["n1"], histories={"p": known})
    clone = _clone(failure_timeout="60s")
    due = pipeline.schedule(
        facts.wanted(clone),
        dataclasses.replace(found, nodes={**found.nodes, "n1": node}),
    )

    assert due.promotion_scores == {"p:0": {"n2": -1}, "p:1": {"n1": 10}}


@pytest.mark.parametrize(("rc", "pulled"), [(1, 100), (7, 0)])
def test_an_instance_is_known_nowhere_where_the_only_node_has_to_be_asked_anew(rc, pulled):
    """A probe that failed long ago is about no instance, so that every score counts for it."""
    found = facts.seen({"n1": {"p": "running"}, "n2": {"p": "stopped"}, "n3": {}})
    asked = strategies.record("monitor", rc, 1, 7)
    known = dataclasses.replace(found.nodes["n2"].histories["p"], operations=(asked,))
    nodes = {
        **found.nodes,
        "n2": dataclasses.replace(found.nodes["n2"], histories={"p": known}),
        "n3": dataclasses.replace(found.nodes["n3"], attributes={"master-p": "100"}),
    }
    clone = resource.Clone(
        "c",
        strategies.primitive("p", failure_timeout="60s"),
        meta=strategies.sets(promotable="true", clone_max="2"),
    )
    due = pipeline.schedule(
        facts.wanted(clone, nodes=NAMES), dataclasses.replace(found, nodes=nodes)
    )

    assert due.ledgers["p:1"]["n3"].score == pulled


def test_an_instance_that_can_be_told_apart_has_its_own_score_beside_another():
    """That another one is active on the node does not take away what its own says."""
    clone = _clone(globally_unique="true", clone_max="2", clone_node_max="2")
    due = pipeline.schedule(
        facts.wanted(clone, nodes=("n1",)),
        facts.seen(
            {"n1": {"p:0": "running", "p:1": "running"}}, attributes={"n1": {"master-p:1": "10"}}
        ),
    )

    assert due.promotion_scores["p:1"] == {"n1": 10}


def test_the_score_of_a_numbered_instance_is_not_that_of_an_anonymous_one():
    """Only the name under which the history is kept says whose promotion score it is."""
    due = pipeline.schedule(
        facts.wanted(_clone(), nodes=("n1",)),
        facts.seen({"n1": {"p": "stopped"}}, attributes={"n1": {"master-p:0": "10"}}),
    )

    assert _priorities(due)["n1"] == -1


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"n1": {}, "n2": {}}, {"n1": 10, "n2": 75}),
        ({"n1": {"p": "running"}, "n2": {}}, {"n1": -1, "n2": 75}),
        ({"n1": {"p:0": "running"}, "n2": {"p": "stopped"}}, {"n1": 10, "n2": -1}),
        ({"n1": {"p:0": "running"}, "n2": {"p:0": "stopped"}}, {"n1": 10, "n2": 75}),
    ],
)
def test_a_numbered_score_counts_for_the_instance_as_long_as_no_history_names_it(states, expected):
    """Old agents set a score for each instance; a history without number has no part in them."""
    scores = {"n1": {"master-p:0": "10"}, "n2": {"master-p:1": "75"}}
    due = pipeline.schedule(facts.wanted(_clone()), facts.seen(states, attributes=scores))

    assert _priorities(due) == expected


def test_a_promoted_instance_of_what_cannot_be_promoted_any_more_is_restarted():
    """Only a stop takes the role away from a resource that no longer has roles."""
    due = pipeline.schedule(
        facts.wanted(strategies.primitive("p")),
        facts.seen({"n1": {"p": "promoted"}, "n2": {"p": "stopped"}}),
    )

    assert _moves(due) == {("restart", "n1", "n1")}


def test_nothing_is_promoted_while_a_partition_is_frozen():
    """Without quorum and with the policy freeze a running instance stays in its role."""
    due = pipeline.schedule(
        facts.wanted(_clone(), no_quorum_policy="freeze"),
        facts.seen(
            {"n1": {"p": "running"}, "n2": {"p": "stopped"}},
            attributes={"n1": {"master-p": "10"}},
            quorate=False,
        ),
    )

    assert ("promote", "n1", "n1") not in _moves(due)


def test_a_failure_with_on_fail_stop_stops_the_whole_clone():
    """Instances that cannot be told apart are all kept down by the failure of one."""
    monitor = resource.Operation("monitor", 10_000, on_fail=resource.OnFail.STOP)
    member = resource.Primitive("p", strategies.AGENT, operations=(monitor,))
    states = {"n1": {"p": "monitor-failed"}, "n2": {"p": "stopped"}}

    due = pipeline.schedule(facts.wanted(resource.Clone("c", member)), facts.seen(states))

    assert _moves(due) == {("stop", "n1", "")}


def test_a_resource_is_kept_to_the_nodes_where_alone_it_is_looked_for():
    """Exclusive discovery forbids all other nodes, whatever their scores."""
    constraints = [
        facts.location("p", "n1", 100),
        constraint.Location("x", ("p",), "n2", 0, discovery=constraint.ResourceDiscovery.EXCLUSIVE),
    ]

    due = pipeline.schedule(
        facts.wanted(strategies.primitive("p"), constraints=constraints), facts.seen()
    )

    assert facts.change(due, "p").target == "n2"


def test_an_instance_is_promoted_once_those_that_go_are_gone():
    """Whoever stops does so before anybody else is promoted, whatever its role was."""
    states = {name: {"p": "running"} for name in NAMES}
    away = facts.location("c", "n1", -1)
    due = _plan(_clone(), away, states=states, scores={"n2": "5"})
    edges: dict[str, set[str]] = {}
    for edge in due.edges:
        edges.setdefault(edge.after, set()).add(edge.before)

    assert "c_stopped_0" in edges["c_promote_0"]


_UNPROMOTED = (("start", 0),)
_PROMOTED = (*_UNPROMOTED, ("promote", 0))


def _beside(done, *, on_fail=None, maintenance=True) -> plan.Plan:
    """Return the plan where n1 has a history and n2, which is not promoted, the better score."""
    operations = [resource.Operation("monitor", 11_000, role=Role.PROMOTED, on_fail=on_fail)]
    operations += [resource.Operation("demote", on_fail=on_fail)]
    primitive = resource.Primitive("p", strategies.AGENT, operations=tuple(operations))
    wanted = facts.wanted(
        resource.Clone("c", primitive, meta=strategies.sets(promotable="true", promoted_max="1"))
    )
    nodes = tuple(
        dataclasses.replace(one, maintenance=maintenance and one.name == "n1")
        for one in wanted.nodes
    )
    seen = {}
    for name, past, score in (("n1", done, "5"), ("n2", _UNPROMOTED, "50")):
        known = observed.ResourceHistory("p", strategies.AGENT, records(*past))
        seen[name] = observed.ObservedNode(
            name, Presence.ONLINE, histories={"p": known}, attributes={"master-p": score}
        )
    return pipeline.schedule(
        dataclasses.replace(wanted, nodes=nodes), observed.Observed(strategies.NOW, True, seen)
    )


@pytest.mark.parametrize(
    "done",
    [
        _PROMOTED,
        (*_PROMOTED, ("demote", 1)),
        (*_PROMOTED, ("demote", 8)),
        (*_PROMOTED, ("demote", 1, OperationStatus.TIMEOUT)),
    ],
)
def test_nobody_is_promoted_beside_a_promoted_instance_in_maintenance(done):
    """What is promoted, or may be, and may not be demoted keeps its place, whatever the scores."""
    assert not [one for one in _beside(done).actions if one.task is Task.PROMOTE]


@pytest.mark.parametrize("last", [("monitor/11", 1), ("demote", 1), ("stop", 1)])
def test_nobody_is_promoted_beside_a_promoted_instance_that_is_blocked(last):
    """What failed while promoted, and may not be acted on, keeps its place."""
    due = _beside((*_PROMOTED, last), on_fail=OnFail.BLOCK, maintenance=False)

    assert not [one for one in due.actions if one.task is Task.PROMOTE]


@pytest.mark.parametrize(
    "done",
    [_UNPROMOTED, (*_PROMOTED, ("demote", 0)), (*_PROMOTED, ("demote", 1), ("monitor", 0))],
)
def test_an_instance_in_maintenance_that_is_known_to_be_demoted_keeps_nobody_down(done):
    """Once it has told that it is not promoted, another may be."""
    promoted = [one.node for one in _beside(done).actions if one.task is Task.PROMOTE and one.node]

    assert promoted == ["n2"]


@pytest.mark.parametrize(
    ("score", "followed", "promotion"),
    [
        (facts.INFINITY, (172, 130), {"n1": 61, "n2": 25}),
        (500_000, (139, 117), {"n1": 56, "n2": 23}),
        (-500_000, (86, 93), {"n1": 46, "n2": 19}),
    ],
)
def test_what_promotion_adds_to_a_clone_reaches_what_is_placed_after_it(score, followed, promotion):
    """In a circle the primary is placed last: it keeps nobody down, and hears of promotion."""
    circle = (
        constraint.Colocation("k1", "c", "a", score, Role.PROMOTED),
        constraint.Colocation("k2", "a", "c", 100),
        facts.location("a", "n1", 10),
        facts.location("a", "n2", 4),
    )
    due = pipeline.schedule(
        facts.wanted(strategies.primitive("a"), _clone(), constraints=circle),
        facts.seen(
            {name: {"p": "running"} for name in ("n1", "n2")},
            attributes={"n1": {"master-p": "50"}, "n2": {"master-p": "20"}},
        ),
    )

    assert tuple(due.ledgers["a"][name].score for name in ("n1", "n2")) == followed
    assert _priorities(due) == promotion


def test_what_is_left_alone_shares_no_scores_with_who_follows_its_role():
    """Whoever must be with a promoted instance gets its scores only if it is managed."""
    due = _plan(
        _clone(is_managed="false"),
        constraint.Colocation("k", "a", "c", facts.INFINITY, None, Role.PROMOTED),
        states={"n1": {"p": "promoted"}},
        others=(strategies.primitive("a"),),
        nodes=("n1", "n2"),
    )

    assert {name: due.ledgers["a"][name].score for name in ("n1", "n2")} == {
        "n1": 0,
        "n2": -facts.INFINITY,
    }


def test_every_instance_that_must_be_with_a_promoted_one_gets_its_scores():
    """Not only the first of them is told what speaks for the promoted one's node."""
    leader = resource.Clone("d", strategies.primitive("q"), meta=strategies.sets(promotable="true"))
    due = pipeline.schedule(
        facts.wanted(
            _clone(),
            leader,
            constraints=[constraint.Colocation("k", "d", "c", facts.INFINITY, None, Role.PROMOTED)],
        ),
        facts.seen(attributes={"n2": {"master-p": "1000"}}),
    )

    assert [due.ledgers[f"q:{each}"]["n2"].terms[-1].value for each in "01"] == [1000, 1000]


def test_nothing_speaks_for_what_shall_be_unpromoted():
    """Its target role alone counts for the order in which instances are promoted."""
    due = _plan(
        _clone(target_role="Unpromoted"),
        _role_location(100),
        states={name: {"p": "running"} for name in NAMES},
        scores={"n1": "50"},
    )

    assert set(_priorities(due).values()) == {-facts.INFINITY}


def test_who_must_be_promoted_with_a_clone_may_be_where_it_would_have_to_be():
    """What must be with any instance of a clone is seen to in placing, and adds nothing here."""
    other = resource.Clone("d", strategies.primitive("q"))
    pair = constraint.Colocation("k", "c", "d", facts.INFINITY, dependent_role=Role.PROMOTED)
    wanted = facts.wanted(_clone(), other, constraints=[pair])

    assert _priorities(pipeline.schedule(wanted, facts.seen())) == {"n1": -1, "n2": -1}


@pytest.mark.parametrize(
    ("interleave", "role", "gone", "promoted"),
    [
        ("true", None, {"n2", "n3"}, set()),
        ("false", None, {"n2", "n3"}, {"n1"}),
        ("true", Role.UNPROMOTED, {"n2", "n3"}, set()),
    ],
)
def test_who_needs_a_partner_to_be_unpromoted_goes_without_one(interleave, role, gone, promoted):
    """In interleaved clones who has one is not promoted, and nobody moves to where one is."""
    other = resource.Clone(
        "d", strategies.primitive("q"), meta=strategies.sets(clone_max="1", promotable="true")
    )
    due = pipeline.schedule(
        facts.wanted(
            _clone(interleave=interleave),
            other,
            constraints=[
                constraint.Colocation("k", "c", "d", facts.INFINITY, Role.UNPROMOTED, role)
            ],
            nodes=NAMES,
        ),
        facts.seen(
            {name: {"p": "running", "q": "stopped"} for name in NAMES}
            | {"n1": {"p": "running", "q": "running"}},
            attributes={"n1": {"master-p": "5"}, "n2": {"master-p": "10"}},
        ),
    )

    moves = _moves(due)
    assert {source for kind, source, _ in moves if kind == "stop"} == gone
    assert {target for kind, _, target in moves if kind == "promote"} == promoted
    assert "move" not in {kind for kind, _, _ in moves}


def test_who_may_not_be_beside_an_unpromoted_instance_comes_once_it_has_stopped():
    """That role is left by a promotion or by a stop."""
    due = _plan(
        _clone(clone_max="1"),
        facts.location("a", "n1", 100),
        constraint.Colocation("k", "c", "a", -facts.INFINITY, Role.UNPROMOTED),
        states={"n1": {"p": "running"}},
        others=(strategies.primitive("a"),),
        nodes=("n1", "n2"),
    )

    assert "p:0_stop_0@n1" in before(due, "a_start_0@n1")


@pytest.mark.parametrize(
    ("standard", "grouped", "active"),
    [("ocf", False, True), ("systemd", False, False), ("systemd", True, True)],
)
def test_what_can_have_no_roles_is_in_no_promotable_clone(standard, grouped, active):
    """It counts as not configured, and so does a clone of nothing else."""
    agent = AgentName(standard, "reconciler" if standard == "ocf" else "", "Dummy")
    plain = dataclasses.replace(strategies.primitive("q"), agent=agent)
    child = resource.Group("g", (plain, strategies.primitive("p"))) if grouped else plain
    clone = resource.Clone("c", child, meta=strategies.sets(promotable="true"))
    rule = constraint.Colocation("k", "z", "c", facts.INFINITY)
    target = facts.wanted(clone, strategies.primitive("z"), constraints=[rule], nodes=("n1",))
    due = pipeline.schedule(target, facts.seen({"n1": {}}))
    started = {one.resource for one in due.actions if one.task is Task.START and one.real}

    assert started == {"z", *(("p" if grouped else "q",) if active else ())}


@pytest.mark.parametrize(("maximum", "promoted"), [("2", True), ("3", False)])
def test_where_instances_are_few_the_promoted_role_is_drawn_to_a_clone(maximum, promoted):
    """An optional colocation of a role with a clone says who is promoted if nodes are left out."""
    other = resource.Clone("d", strategies.primitive("q"), meta=strategies.sets(clone_max="1"))
    pair = constraint.Colocation("k", "c", "d", 100, dependent_role=Role.PROMOTED)
    likes = [facts.location(name, "n1", 5) for name in "cd"]
    wanted = facts.wanted(_clone(clone_max=maximum), other, constraints=[pair, *likes], nodes=NAMES)
    due = pipeline.schedule(wanted, facts.seen({name: {} for name in NAMES}))

    assert (_priorities(due)["n1"] > 0) is promoted


@pytest.mark.parametrize(
    ("active", "maximum", "expected"),
    [("n1", "2", -1_001), ("n1", "3", -1), ("n3", "2", -2_001)],
)
def test_what_one_role_likes_is_heard_each_time_that_an_instance_is_placed(
    active, maximum, expected
):
    """What the unpromoted like counts against promotion: twice for one that has to leave its node."""
    pair = constraint.Colocation("k", "c", "q", 1_000, dependent_role=Role.UNPROMOTED)
    due = _plan(
        _clone(clone_max=maximum),
        pair,
        facts.location("q", "n1", facts.INFINITY),
        facts.location("c", "n1", 50),
        states={active: {"p": "running"}, "n2": {"p": "running"}},
        others=(strategies.primitive("q"),),
    )

    assert _priorities(due)["n1"] == expected


@pytest.mark.parametrize(("ordered", "targets"), [(True, set()), (False, {"n1", "n2"})])
def test_what_may_be_unpromoted_only_beside_what_runs_nowhere_does_not_start(ordered, targets):
    """It is found out only where something is ordered after the start of that."""
    pair = constraint.Colocation("k", "c", "q", facts.INFINITY, dependent_role=Role.UNPROMOTED)
    due = _plan(
        _clone(),
        pair,
        *(facts.location("q", name, -facts.INFINITY) for name in ("n1", "n2")),
        *([constraint.Order("o", "q", "z")] if ordered else []),
        others=(strategies.primitive("q"), strategies.primitive("z")),
        nodes=("n1", "n2"),
    )
    starts = {one.node for one in due.actions if one.task is Task.START and one.real}

    assert starts == targets


@pytest.mark.parametrize(("idle", "promoted"), [("n2", "n1"), ("n1", "n2"), ("", "n2")])
def test_of_instances_without_limit_one_that_is_active_is_promoted(idle, promoted):
    """Only among those that are, or are not, all of what their members say is compared."""
    names = ("a", "b")
    group = resource.Group("g", tuple(strategies.primitive(name) for name in names))
    clone = resource.Clone("c", group, meta=strategies.sets(promotable="true"))
    states = {
        where: dict.fromkeys(names, "stopped" if where == idle else "running")
        for where in ("n1", "n2")
    }
    scores = {"n1": {"master-a": "INFINITY", "master-b": "10"}}
    scores["n2"] = {"master-a": "INFINITY", "master-b": "INFINITY"}
    due = pipeline.schedule(facts.wanted(clone), facts.seen(states, attributes=scores))

    assert {one.node for one in due.actions if one.task is Task.PROMOTE and one.real} == {promoted}


def test_no_member_is_promoted_apart_from_another_that_nobody_manages():
    """A cloned group is promoted where it is, and it is nowhere while its members are apart."""
    members = (strategies.primitive("p"), strategies.primitive("q", is_managed="false"))
    group = resource.Group("g", members, meta=strategies.sets(ordered="false"))
    meta = strategies.sets(promotable="true", globally_unique="true", clone_max="1")
    states = {
        "n1": {"p:0": "promoted", "q:0": "promoted"},
        "n2": {"p:0": "stopped", "q:0": "stopped"},
    }
    due = pipeline.schedule(
        facts.wanted(
            resource.Clone("c", group, meta=meta),
            constraints=[constraint.Location("l", ("c",), "n1", -1_000_000)],
        ),
        facts.seen(states),
    )

    assert {one.source: one.target for one in due.changes if one.resource == "p"} == {"n1": "n2"}
    assert due.placement["p:0"] == {"n2": Role.UNPROMOTED}
    assert "" in due.promotion_scores["g:0"]


@pytest.mark.parametrize(("role", "expected"), [("Started", 15), ("Stopped", -facts.INFINITY)])
def test_no_member_is_promoted_without_the_others(role, expected):
    """Nothing speaks for an instance of a cloned group of which a member is to run nowhere."""
    members = (strategies.primitive("a"), strategies.primitive("b", target_role=role))
    clone = resource.Clone(
        "c", resource.Group("g", members), meta=strategies.sets(promotable="true", clone_max="1")
    )
    scores = {"n1": {"master-a": "10", "master-b": "5"}}
    states = {"n1": {"a": "stopped", "b": "stopped"}}
    wanted = facts.wanted(clone, nodes=("n1",))
    due = pipeline.schedule(wanted, facts.seen(states, attributes=scores))

    assert due.promotion_scores["g:0"] == {"n1": expected}


@pytest.mark.parametrize(("role", "usable"), [(Role.UNPROMOTED, True), (None, False)])
def test_who_must_be_with_what_is_unpromoted_may_be_where_that_is_blocked(role, usable):
    """Who must be with any instance, whatever its role, may not."""
    pair = constraint.Colocation("k", "d", "c", facts.INFINITY, primary_role=role)
    states = {"n1": {"p": "stop-failed"}}
    bans = [facts.location("c", name, -facts.INFINITY) for name in NAMES[1:]]
    due = _plan(_clone(), pair, *bans, states=states, others=(strategies.primitive("d"),))

    assert (due.ledgers["d"]["n1"].score >= 0) is usable
