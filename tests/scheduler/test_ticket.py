"""Tickets: what a site does with resources whose ticket it lacks."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies
from scheduler import test_rules as facts

from reconciler.model import constraint, observed, plan, resource
from reconciler.model.constraint import LossPolicy
from reconciler.model.reason import ReasonCode
from reconciler.model.role import Role
from reconciler.model.score import Stage

GRANTED = observed.TicketState(granted=True)
STANDBY = observed.TicketState(granted=True, standby=True)
REVOKED = observed.TicketState(granted=False)


def _due(
    ticket: observed.TicketState | None,
    policy: LossPolicy | None = None,
    *,
    states=None,
    fencing: bool = True,
) -> plan.Plan:
    """Return the plan for a primitive with a ticket, running on n1 unless ``states`` says other."""
    wanted = facts.wanted(
        strategies.primitive("p"),
        constraints=[constraint.Ticket("t-p", "t", ("p",), None, policy)],
        fencing_enabled=str(fencing).lower(),
    )
    if fencing:
        wanted = dataclasses.replace(
            wanted,
            fencing=facts.fencing.Fencing(
                (facts.fencing.FenceDevice("f", "fence_ipmilan", hosts=("n1", "n2")),)
            ),
        )
    seen = facts.seen(states or {"n1": {"p": "running"}, "n2": {"p": "stopped"}})
    tickets = {} if ticket is None else {"t": ticket}
    return facts.pipeline.schedule(wanted, dataclasses.replace(seen, tickets=tickets))


@pytest.mark.parametrize(("ticket", "target"), [(GRANTED, "n1"), (STANDBY, ""), (REVOKED, "")])
def test_a_resource_runs_only_while_the_ticket_holds(ticket, target):
    """Without the ticket, or with the ticket in standby, the resource is stopped."""
    assert facts.change(_due(ticket), "p").target == target


def test_a_ticket_bans_members_and_not_their_group():
    """What a group may do elsewhere its own scores still say."""
    wanted = facts.wanted(
        resource.Group("g", (strategies.primitive("a"), strategies.primitive("b"))),
        constraints=[constraint.Ticket("t-g", "t", ("g",), None, LossPolicy.STOP)],
    )
    due = facts.pipeline.schedule(wanted, facts.seen())
    banned = {"n1": -facts.INFINITY, "n2": -facts.INFINITY}

    assert [dict(one.scores) for one in due.moments if one.stage is Stage.GROUP] == [
        {"n1": 0, "n2": 0},
        banned,
        banned,
    ]


def test_an_unknown_ticket_is_not_granted():
    """A resource whose ticket the site never heard of is not started."""
    idle = {"n1": {"p": "stopped"}, "n2": {"p": "stopped"}}

    assert facts.change(_due(GRANTED, states=idle), "p").target
    assert not facts.change(_due(None, states=idle), "p").target


def test_a_lost_ticket_can_fence():
    """With loss-policy fence the node where the resource runs is fenced; standby fences nobody."""
    due = _due(REVOKED, LossPolicy.FENCE)

    assert [(one.node, one.reason.code) for one in due.fencing] == [("n1", ReasonCode.TICKET)]
    assert not _due(STANDBY, LossPolicy.FENCE).fencing


def test_a_lost_ticket_can_freeze():
    """With loss-policy freeze a running resource is left as it is, an idle one is not started."""
    idle = {"n1": {"p": "stopped"}, "n2": {"p": "stopped"}}

    assert facts.change(_due(REVOKED, LossPolicy.FREEZE), "p").target == "n1"
    assert not facts.change(_due(REVOKED, LossPolicy.FREEZE, states=idle), "p").target
    assert not facts.change(_due(STANDBY, LossPolicy.FREEZE), "p").target


@pytest.mark.parametrize(
    ("policy", "role"),
    [(None, Role.UNPROMOTED), (LossPolicy.DEMOTE, Role.UNPROMOTED), (LossPolicy.STOP, None)],
)
def test_a_ticket_for_the_promoted_role_demotes(policy, role):
    """Without the ticket nothing is promoted; with loss-policy stop it does not run at all."""
    wanted = facts.wanted(
        resource.Clone("c", strategies.primitive("p"), meta=strategies.sets(promotable="true")),
        constraints=[constraint.Ticket("t-c", "t", ("c",), Role.PROMOTED, policy)],
    )
    seen = facts.seen(attributes={"n1": {"master-p": "10"}})

    granted = facts.pipeline.schedule(wanted, dataclasses.replace(seen, tickets={"t": GRANTED}))
    revoked = facts.pipeline.schedule(wanted, dataclasses.replace(seen, tickets={"t": REVOKED}))

    assert Role.PROMOTED in _roles(granted)
    assert _roles(revoked) == ({role} if role else set())


def _roles(due: plan.Plan) -> set[Role]:
    """Return the roles in which a plan wants anything to run."""
    return {role for where in due.placement.values() for role in where.values()}


def _frozen(*resources: resource.Resource, constraints=(), states) -> plan.Plan:
    """Return the plan with a lost ticket of p that freezes."""
    frozen = constraint.Ticket("t-p", "t", ("p",), None, LossPolicy.FREEZE)
    wanted = facts.wanted(*resources, constraints=[frozen, *constraints])
    seen = facts.seen(states)
    return facts.pipeline.schedule(wanted, dataclasses.replace(seen, tickets={"t": REVOKED}))


def test_a_frozen_resource_is_not_even_monitored():
    """What a lost ticket freezes gets no actions at all."""
    states = {"n1": {"p": "running"}, "n2": {"p": "stopped"}}

    assert not _frozen(strategies.primitive("p"), states=states).actions


def test_what_follows_a_frozen_resource_in_its_group_is_stopped():
    """A frozen member cannot start, so the members behind it do not run."""
    group = resource.Group("g", (strategies.primitive("p"), strategies.primitive("q")))
    states = {"n1": {"p": "running", "q": "running"}, "n2": {"p": "stopped", "q": "stopped"}}
    due = _frozen(group, states=states)

    assert facts.change(due, "p").kind is plan.ChangeKind.LEAVE
    assert facts.change(due, "q").kind is plan.ChangeKind.STOP


def test_what_is_colocated_with_a_frozen_resource_still_starts():
    """A frozen resource runs, so what must run beside it can."""
    beside = constraint.Colocation("k", "q", "p", facts.INFINITY)
    states = {"n1": {"p": "running", "q": "stopped"}, "n2": {"p": "stopped", "q": "stopped"}}
    resources = (strategies.primitive("p"), strategies.primitive("q"))

    due = _frozen(*resources, constraints=[beside], states=states)

    assert facts.change(due, "q").kind is plan.ChangeKind.START
    assert not facts.change(due, "q").blocked


def _lost_with(role: Role, state: str, *, fencing: bool) -> plan.Plan:
    """Return the plan for a promotable clone whose role needs a ticket, or its node is fenced."""
    wanted = facts.wanted(
        resource.Clone("c", strategies.primitive("p"), meta=strategies.sets(promotable="true")),
        constraints=[constraint.Ticket("t-c", "t", ("c",), role, LossPolicy.FENCE)],
        nodes=("n1",),
        fencing_enabled=str(fencing).lower(),
    )
    device = facts.fencing.FenceDevice("f", "fence_ipmilan", hosts=("n1",))
    wanted = dataclasses.replace(wanted, fencing=facts.fencing.Fencing((device,)))
    seen = facts.seen({"n1": {"p": state}}, attributes={"n1": {"master-p": "10"}})
    return facts.pipeline.schedule(wanted, seen)


@pytest.mark.parametrize(
    ("role", "state", "fenced"),
    [
        (Role.PROMOTED, "promoted", True),
        (Role.PROMOTED, "running", False),
        (Role.UNPROMOTED, "running", True),
        (Role.UNPROMOTED, "promoted", False),
    ],
)
def test_a_node_is_fenced_for_the_role_that_needs_the_ticket(role, state, fenced):
    """In another role the resource is left as it is, and so is its node."""
    due = _lost_with(role, state, fencing=True)

    assert bool(due.fencing) == fenced
    assert fenced or _roles(due)


@pytest.mark.parametrize("state", ["promoted", "running"])
def test_without_fencing_a_lost_ticket_stops_what_would_be_fenced(state):
    """Even in another role than the one that needs the ticket."""
    assert not _roles(_lost_with(Role.PROMOTED, state, fencing=False))


@pytest.mark.parametrize("policy", [LossPolicy.FENCE, LossPolicy.FREEZE])
def test_a_ticket_for_being_stopped_touches_nothing_that_runs(policy):
    """Losing it neither fences nor freezes."""
    wanted = facts.wanted(
        dataclasses.replace(strategies.primitive("f"), agent=facts.AgentName("stonith", "", "x")),
        strategies.primitive("p"),
        constraints=[constraint.Ticket("t-p", "t", ("p",), Role.STOPPED, policy)],
        fencing_enabled="true",
    )
    seen = facts.seen({"n1": {"p": "running"}, "n2": {"p": "stopped"}})
    due = facts.pipeline.schedule(wanted, dataclasses.replace(seen, tickets={"t": REVOKED}))

    assert not due.fencing
    assert facts.change(due, "p").target


def test_what_nobody_manages_is_bound_to_its_node_though_a_ticket_freezes_it():
    """A lost ticket that freezes is no reason to let go of what was left alone before."""
    wanted = facts.wanted(
        strategies.primitive("p", is_managed="false"),
        constraints=[constraint.Ticket("t-p", "t", ("p",), None, LossPolicy.FREEZE)],
    )
    due = facts.pipeline.schedule(wanted, facts.seen({"n1": {"p": "running"}, "n2": {}}))

    assert due.ledgers["p"]["n1"].score == facts.INFINITY
