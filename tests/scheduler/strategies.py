"""Generated clusters: what people want and what was seen, for properties that must always hold."""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st

from reconciler.model import attribute, constraint, desired, fencing, node, observed, resource
from reconciler.model.agent import AgentName
from reconciler.model.observed import OperationRecord, OperationStatus, Presence
from reconciler.model.resource import OnFail
from reconciler.scheduler import digest

AGENT = AgentName("ocf", "reconciler", "Dummy")
NOW = 1_700_000_000.0
DIGESTS = observed.Digests(all=digest.digest({}))
FAILURES = ("monitor-failed", "stop-failed", "start-failed")
STATES = ("unknown", "stopped", "running", *FAILURES)


def sets(**pairs: str) -> attribute.AttributeSets:
    """Return one block of name-value pairs, underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in pairs.items()}
    return (attribute.AttributeSet(named),) if named else ()


def record(
    operation: str, rc: int, call: int, expected: int = 0, interval_ms: int = 0
) -> OperationRecord:
    """Return a finished operation, an hour old."""
    status = OperationStatus.DONE
    return OperationRecord(
        operation,
        interval_ms,
        call,
        rc,
        status,
        expected_rc=expected,
        changed_at=NOW - 3600,
        run_at=NOW - 3600,
        digests=DIGESTS,
    )


def history(name: str, state: str) -> observed.ResourceHistory | None:
    """Return the history that a state leaves on a node."""
    probe = record("monitor", 7, 1, 7)
    start = record("start", 0, 2)
    records = {
        "stopped": (probe,),
        "running": (probe, start),
        "monitor-failed": (probe, start, record("monitor", 1, 3, 0, 10_000)),
        "stop-failed": (probe, start, record("stop", 1, 3)),
        "start-failed": (probe, record("start", 1, 2)),
        "promoted": (probe, start, record("promote", 0, 3)),
    }.get(state)
    return None if records is None else observed.ResourceHistory(name, AGENT, records)


def primitive(name: str, **meta: str) -> resource.Primitive:
    """Return a primitive with one recurring monitor."""
    monitor = resource.Operation("monitor", 10_000)
    return resource.Primitive(name, AGENT, operations=(monitor,), meta=sets(**meta))


_STOP_POLICIES = (None, None, None, OnFail.BLOCK, OnFail.FENCE, OnFail.RESTART, OnFail.STANDBY)
"""What people may say of a stop that fails; not that nobody minds, which they would regret."""


@st.composite
def _primitives(draw: st.DrawFn, name: str) -> resource.Primitive:
    monitor, stop = draw(st.sampled_from([None, *OnFail])), draw(st.sampled_from(_STOP_POLICIES))
    operations = (
        resource.Operation("monitor", 10_000, on_fail=monitor),
        resource.Operation("stop", 0, on_fail=stop),
    )
    return dataclasses.replace(primitive(name, **draw(_metas())), operations=operations)


def _metas() -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "priority": st.sampled_from(["0", "5"]),
            "target_role": st.sampled_from(["Started", "Stopped"]),
            "resource_stickiness": st.sampled_from(["0", "1", "100", "INFINITY"]),
            "is_managed": st.sampled_from(["true", "true", "true", "false"]),
            "migration_threshold": st.sampled_from(["1", "3"]),
            "multiple_active": st.sampled_from(["stop_start", "stop_only", "block"]),
            "requires": st.sampled_from(["fencing", "quorum", "nothing"]),
        },
    )


@st.composite
def _resources(draw: st.DrawFn) -> tuple[resource.Resource, ...]:
    found: list[resource.Resource] = [
        draw(_primitives(f"p{number}")) for number in range(draw(st.integers(1, 3)))
    ]
    if draw(st.booleans()):
        found.append(resource.Group("g", (primitive("g1"), draw(_primitives("g2")))))
    if draw(st.booleans()):
        meta = {
            "interleave": draw(st.sampled_from(["true", "false"])),
            "promotable": draw(st.sampled_from(["true", "false"])),
            "notify": draw(st.sampled_from(["true", "false"])),
            "clone_max": draw(st.sampled_from(["1", "2", "5"])),
        }
        child: resource.Primitive | resource.Group = primitive("cp")
        if draw(st.integers(0, 3)) == 0:
            child = resource.Group("cg", (primitive("cp"), primitive("cq")))
        found.append(resource.Clone("c", child, meta=sets(**meta)))
    return tuple(found)


@st.composite
def _constraints(
    draw: st.DrawFn, names: tuple[str, ...], nodes: tuple[str, ...]
) -> tuple[constraint.Constraint, ...]:
    scores = st.sampled_from([-1_000_000, -50, 1, 100, 1_000_000])
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(
        lambda pair: pair[0] != pair[1]
    )
    found: list[constraint.Constraint] = [
        constraint.Location(f"l{number}", (resource_,), node_, score)
        for number, (resource_, node_, score) in enumerate(
            draw(
                st.lists(
                    st.tuples(st.sampled_from(names), st.sampled_from(nodes), scores), max_size=3
                )
            )
        )
    ]
    if len(names) > 1:
        for number, (one, other) in enumerate(draw(st.lists(pairs, max_size=2))):
            found.append(constraint.Colocation(f"k{number}", one, other, draw(scores)))
        for number, (one, other) in enumerate(draw(st.lists(pairs, max_size=3))):
            kind = draw(st.sampled_from(constraint.OrderKind))
            found.append(constraint.Order(f"o{number}", one, other, kind=kind))
    return tuple(found)


def _fencing(kind: str, nodes: tuple[str, ...]) -> fencing.Fencing:
    hosts = {"all": nodes, "some": nodes[:1], "none": ()}[kind]
    if not hosts:
        return fencing.NO_FENCING
    return fencing.Fencing((fencing.FenceDevice("f", "fence_ipmilan", hosts=hosts),))


@st.composite
def clusters(draw: st.DrawFn) -> tuple[desired.Desired, observed.Observed]:
    """Generate a cluster: desired and observed that belong together."""
    nodes = tuple(f"n{number}" for number in range(draw(st.integers(1, 4))))
    resources = draw(_resources())
    names = tuple(one.name for one in resources)
    devices = draw(st.sampled_from(["all", "some", "none"]))
    properties = {
        "fencing_enabled": draw(st.sampled_from(["true", "true", "false"])),
        "no_quorum_policy": draw(st.sampled_from(["stop", "freeze", "ignore", "demote"])),
        "symmetric_cluster": draw(st.sampled_from(["true", "true", "true", "false"])),
        "concurrent_fencing": draw(st.sampled_from(["true", "false"])),
        "shutdown_lock": draw(st.sampled_from(["false", "false", "true"])),
        "have_watchdog": draw(st.sampled_from(["false", "false", "true"])),
    }
    wanted = desired.Desired(
        "test",
        properties=sets(**properties),
        nodes=tuple(
            node.Node(name, standby=draw(st.sampled_from([False, False, True]))) for name in nodes
        ),
        resources=resources,
        constraints=draw(_constraints(names, nodes)),
        fencing=_fencing(devices, nodes),
    )
    return wanted, draw(_observed(wanted, nodes))


@st.composite
def _observed(
    draw: st.DrawFn, wanted: desired.Desired, nodes: tuple[str, ...]
) -> observed.Observed:
    seen: dict[str, observed.ObservedNode] = {}
    lonely = st.sampled_from([0, *range(len(nodes))])
    homes = {
        member.name: draw(lonely) for one in wanted.resources for member in resource.primitives(one)
    }
    cloned = {
        member.name
        for one in wanted.resources
        if isinstance(one, resource.Clone)
        for member in resource.primitives(one)
    }
    promotable = {
        member.name
        for one in wanted.resources
        if attribute.always(one.meta, "promotable") == "true"
        for member in resource.primitives(one)
    }
    for number, name in enumerate(nodes):
        histories = {}
        for member, home in homes.items():
            states = STATES if home == number or member in cloned else STATES[:2]
            if member in promotable and home == number:
                states = (*STATES, "promoted", "promoted", "promoted")
            if draw(st.integers(0, 9)) == 0:
                states = STATES
            found = history(member, draw(st.sampled_from(states)))
            if found is not None:
                locked = draw(st.integers(0, 9)) == 0
                histories[member] = dataclasses.replace(found, locked_at=NOW - 60 if locked else 0)
        presence = draw(
            st.sampled_from([Presence.ONLINE, Presence.ONLINE, Presence.ONLINE, *Presence])
        )
        seen[name] = observed.ObservedNode(
            name,
            presence,
            attributes={"master-cp": "10"} if draw(st.booleans()) else {},
            expected_up=presence is not Presence.OFFLINE,
            shutdown=draw(st.integers(0, 9)) == 0,
            histories={
                member: found
                for member, found in histories.items()
                if found.locked_at or presence is not Presence.OFFLINE
            },
        )
    return observed.Observed(NOW, draw(st.sampled_from([True, True, False])), seen, dc=nodes[0])


@st.composite
def lost_promoted(draw: st.DrawFn) -> tuple[desired.Desired, observed.Observed]:
    """Generate a promotable clone whose instances run, one of them promoted on a lost node."""
    nodes = tuple(f"n{number}" for number in range(draw(st.integers(3, 5))))
    devices = draw(st.sampled_from(["all", "all", "some", "none"]))
    properties = {"fencing_enabled": draw(st.sampled_from(["true", "true", "false"]))}
    clone = resource.Clone(
        "c",
        primitive("cp", requires=draw(st.sampled_from(["fencing", "fencing", "quorum"]))),
        meta=sets(promotable="true", notify=draw(st.sampled_from(["true", "false"]))),
    )
    wanted = desired.Desired(
        "test",
        properties=sets(**properties),
        nodes=tuple(node.Node(name) for name in nodes),
        resources=(clone,),
        fencing=_fencing(devices, nodes),
    )
    # A controller that has just begun knows nothing of what runs on a silent node.
    remembered = draw(st.booleans())
    seen = {}
    for number, name in enumerate(nodes):
        state = "promoted" if number == 0 else draw(st.sampled_from(["running", "stopped"]))
        found = history("cp", state)
        assert found is not None
        seen[name] = observed.ObservedNode(
            name,
            Presence.UNKNOWN if number == 0 else Presence.ONLINE,
            attributes={"master-cp": draw(st.sampled_from(["5", "10"]))},
            histories={"cp": found} if number or remembered else {},
        )
    return wanted, observed.Observed(NOW, quorate=True, nodes=seen, dc=nodes[1])
