"""Situations that the views are shown with, and the golden texts that they are compared with."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest

from reconciler.errors.diagnostic import Diagnostic, Severity
from reconciler.errors.position import Position
from reconciler.model import (
    action,
    agent,
    attribute,
    constraint,
    fencing,
    node,
    observed,
    plan,
    resource,
    score,
    secret,
)
from reconciler.model.reason import Reason, ReasonCode
from reconciler.model.role import Role

GOLDEN = pathlib.Path(__file__).parent / "golden"
IPADDR2 = agent.AgentName("ocf", "heartbeat", "IPaddr2")
STATEFUL = agent.AgentName("ocf", "reconciler", "Stateful")
NOW = 1_767_323_045.0


def at(line: int, column: int = 3) -> Position:
    """A place in the example manifest."""
    return Position("vip.yaml", line, column)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the golden file of a name; with ``--update`` write it instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; see --update"

    return compare


@pytest.fixture
def desired():
    """Three nodes, two addresses, a promotable clone, one fence device."""
    from reconciler.model.desired import Desired

    def vip(name: str, line: int, ip: str) -> resource.Primitive:
        return resource.Primitive(
            name,
            IPADDR2,
            params=(attribute.AttributeSet({"ip": ip, "cidr_netmask": "24"}),),
            meta=(attribute.AttributeSet({"migration-threshold": "3", "failure-timeout": "60s"}),),
            operations=(resource.Operation("monitor", interval_ms=2000, timeout_ms=20_000),),
            origin=at(line),
        )

    return Desired(
        "vip_cluster",
        properties=(attribute.AttributeSet({"fencing-enabled": "true"}),),
        nodes=tuple(
            node.Node(f"ha-{number}", address=f"192.168.0.{number}", origin=at(10 + number))
            for number in (1, 2, 3)
        ),
        resources=(
            vip("p_vip", 20, "192.168.0.200"),
            vip("p_vip2", 24, "192.168.0.201"),
            resource.Clone(
                "pgsql_ha",
                resource.Primitive("pgsql", STATEFUL, origin=at(31)),
                meta=(attribute.AttributeSet({"promotable": "true", "notify": "true"}),),
                origin=at(30),
            ),
        ),
        constraints=(
            constraint.Colocation("c1", "p_vip2", "p_vip", score.INFINITY, origin=at(40)),
            constraint.Order("o1", "p_vip", "p_vip2", origin=at(41)),
            constraint.Location("l1", ("p_vip",), node="ha-2", score=100, origin=at(42)),
        ),
        resource_defaults=(attribute.AttributeSet({"resource-stickiness": "100"}),),
        fencing=fencing.Fencing(
            devices=(
                fencing.FenceDevice(
                    "ipmi_ha_1",
                    "fence_ipmilan",
                    params=(
                        attribute.AttributeSet(
                            {
                                "ip": "10.0.108.120",
                                "password": secret.SecretRef(
                                    secret.SecretSource.ENV, ("IPMI_HA_1",)
                                ),
                            }
                        ),
                    ),
                    hosts=("ha-1",),
                    origin=at(50),
                ),
            ),
            levels=(fencing.FencingLevel("ha-1", 1, ("ipmi_ha_1",)),),
        ),
    )


@pytest.fixture
def seen():
    """ha-2 in standby, ha-3 silent, one failed monitor on ha-1."""
    record = observed.OperationRecord(
        "monitor",
        2000,
        call=7,
        rc=7,
        status=observed.OperationStatus.DONE,
        changed_at=NOW - 30,
        reason="address is gone",
    )
    return observed.Observed(
        NOW,
        quorate=True,
        nodes={
            "ha-1": observed.ObservedNode(
                "ha-1",
                observed.Presence.ONLINE,
                attributes={
                    "fail-count-p_vip#monitor_2000": "1",
                    "last-failure-p_vip#monitor_2000": str(int(NOW) - 30),
                },
                histories={"p_vip": observed.ResourceHistory("p_vip", IPADDR2, (record,), 4)},
            ),
            "ha-2": observed.ObservedNode("ha-2", observed.Presence.ONLINE, standby=True),
            "ha-3": observed.ObservedNode("ha-3", observed.Presence.UNKNOWN, since=NOW - 600),
        },
        id="0123456789abcdef",
    )


@pytest.fixture
def first_plan():
    """A first apply on three nodes: probes, then two starts in order, then the monitors."""
    placed = Reason(ReasonCode.PLACED, origin=at(20))
    probes = tuple(
        action.Action(
            f"probe:{name}:{host}",
            action.ActionKind.RESOURCE,
            action.Task.MONITOR,
            resource=name,
            node=host,
            agent=IPADDR2,
            probe=True,
            expected_rc=7,
        )
        for name in ("p_vip", "p_vip2")
        for host in ("ha-1", "ha-2", "ha-3")
    )
    gate = action.Action("probed", action.ActionKind.PSEUDO, action.Task.NOTHING)
    starts = tuple(
        action.Action(
            f"start:{name}",
            action.ActionKind.RESOURCE,
            action.Task.START,
            resource=name,
            node="ha-2",
            agent=IPADDR2,
            params={"ip": "192.168.0.200"},
            reason=placed,
            origin=at(20),
        )
        for name in ("p_vip", "p_vip2")
    )
    monitor = action.Action(
        "monitor:p_vip",
        action.ActionKind.RESOURCE,
        action.Task.MONITOR,
        resource="p_vip",
        node="ha-2",
        agent=IPADDR2,
        interval_ms=2000,
    )
    edges = [plan.Edge(one.key, gate.key) for one in probes]
    edges += [plan.Edge(gate.key, one.key) for one in starts]
    edges += [
        plan.Edge("start:p_vip", "start:p_vip2"),
        plan.Edge("start:p_vip", "monitor:p_vip"),
    ]
    return plan.Plan(
        actions=tuple(sorted((*probes, gate, *starts, monitor), key=lambda one: one.key)),
        edges=tuple(sorted(edges)),
        changes=(
            plan.Change(
                "p_vip",
                plan.ChangeKind.START,
                target="ha-2",
                next_role=Role.STARTED,
                reason=placed,
                origin=at(20),
            ),
            plan.Change(
                "p_vip2",
                plan.ChangeKind.START,
                target="ha-2",
                next_role=Role.STARTED,
                reason=Reason(ReasonCode.PLACED, origin=at(24)),
                origin=at(24),
            ),
        ),
        open_nodes={"p_vip": {"ha-1": 0, "ha-2": 0}},
        ledgers={
            "p_vip": {
                "ha-1": score.Ledger((score.Term(score.TermKind.BASE, 0),)),
                "ha-2": score.Ledger(
                    (score.Term(score.TermKind.LOCATION, 100, at(42), "l1"),),
                ),
                "ha-3": score.Ledger(
                    (score.Term(score.TermKind.UNAVAILABLE, -score.INFINITY),),
                ),
            }
        },
        placement={"p_vip": {"ha-2": Role.STARTED}, "p_vip2": {"ha-2": Role.STARTED}},
        observation="0123456789abcdef",
    )


@pytest.fixture
def rich_plan():
    """One of everything: a fencing, a move, a recovery, a promotion, something blocked."""
    lost = Reason(ReasonCode.NODE_LOST, "ha-3", "no answer for 12 s")
    fence = action.Action(
        "fence:ha-3", action.ActionKind.FENCE, action.Task.REBOOT, node="ha-3", reason=lost
    )
    stop = action.Action(
        "stop:p_vip2",
        action.ActionKind.RESOURCE,
        action.Task.STOP,
        resource="p_vip2",
        node="ha-1",
    )
    start = action.Action(
        "start:p_vip2",
        action.ActionKind.RESOURCE,
        action.Task.START,
        resource="p_vip2",
        node="ha-2",
    )
    promote = action.Action(
        "promote:pgsql:1",
        action.ActionKind.RESOURCE,
        action.Task.PROMOTE,
        resource="pgsql",
        instance=1,
        node="ha-2",
    )
    return plan.Plan(
        actions=(fence, promote, start, stop),
        edges=tuple(
            sorted(
                (
                    plan.Edge("fence:ha-3", "promote:pgsql:1"),
                    plan.Edge("stop:p_vip2", "start:p_vip2"),
                )
            )
        ),
        changes=(
            plan.Change(
                "p_vip",
                plan.ChangeKind.RECOVER,
                source="ha-1",
                target="ha-1",
                role=Role.STARTED,
                next_role=Role.STARTED,
                reason=Reason(ReasonCode.FAILED, "", "monitor: not running", at(20)),
            ),
            plan.Change(
                "p_vip2",
                plan.ChangeKind.MOVE,
                source="ha-1",
                target="ha-2",
                role=Role.STARTED,
                next_role=Role.STARTED,
                reason=Reason(ReasonCode.STANDBY, "ha-1", origin=at(11)),
            ),
            plan.Change(
                "pgsql",
                plan.ChangeKind.PROMOTE,
                instance=1,
                source="ha-2",
                target="ha-2",
                role=Role.UNPROMOTED,
                next_role=Role.PROMOTED,
                reason=Reason(ReasonCode.PROMOTION, "pgsql", origin=at(30)),
            ),
            plan.Change(
                "pgsql",
                plan.ChangeKind.START,
                instance=0,
                target="ha-1",
                next_role=Role.UNPROMOTED,
                reason=Reason(ReasonCode.CANNOT_FENCE, "ha-3", origin=at(30)),
                blocked=True,
            ),
            plan.Change("quiet", plan.ChangeKind.LEAVE, source="ha-2", role=Role.STARTED),
        ),
        fencing=(
            plan.FenceDecision("ha-3", action.Task.REBOOT, lost),
            plan.FenceDecision(
                "ha-4",
                action.Task.OFF,
                Reason(ReasonCode.STOP_FAILED, "db"),
                Reason(ReasonCode.CANNOT_FENCE, "ha-4"),
            ),
        ),
        diagnostics=(
            Diagnostic(
                "order-cycle",
                "a is ordered after b and b after a",
                at(41),
                Severity.WARNING,
                related=((at(42), "and here"),),
            ),
        ),
        recheck_at=NOW + 60,
    )
