"""How the work grows with the cluster, counted in calls: no clock, so no machine is too slow for it."""

from __future__ import annotations

import sys

import pytest

from reconciler.cib import read
from reconciler.cli import recorded
from reconciler.model.reason import ReasonCode
from reconciler.scheduler import digest, pipeline

CHAIN = 10
FACTOR_MAX = 12
"""Ten times the primitives may take this many times as many calls."""
NODES_FACTOR_MAX = 6
"""Ten times the nodes: much of the work does not depend on them."""

RUNNING = (("start", 0, 0), ("monitor", 10_000, 0))
IDLE = (("monitor", 0, 7),)
DIGESTS = {0: digest.digest({}), 10_000: digest.digest({"CRM_meta_timeout": "20000"})}


def cib(primitives, nodes, case):
    """Return a cluster of groups and chains that are ordered, colocated and kept apart.

    Args:
        primitives: how many; of each ten, the first three are a group.
        nodes: how many.
        case: cold: nothing was ever asked; idle: all runs; lost: all ran, and node 1 fell silent.
    """
    names = [f"r{number}" for number in range(primitives)]
    chains = [names[first : first + CHAIN] for first in range(0, primitives, CHAIN)]
    wanted = {name: place % nodes + 1 for place, chain in enumerate(chains) for name in chain}
    for chain in chains:
        wanted[chain[5]] = wanted[chain[0]] % nodes + 1
    resources = "".join(
        f'<group id="g-{chain[0]}">{"".join(map(_primitive, chain[:3]))}</group>'
        f"{''.join(map(_primitive, chain[3:]))}"
        for chain in chains
    )
    constraints = "".join(_constraints(chain, wanted) for chain in chains)
    status = "".join(_node_state(number, nodes, wanted, case) for number in range(1, nodes + 1))
    members = "".join(f'<node id="{n}" uname="n{n}"/>' for n in range(1, nodes + 1))
    return (
        '<cib have-quorum="1" execution-date="1700000000"><configuration><crm_config/>'
        f'<nodes>{members}</nodes><resources><primitive id="fence" class="stonith" type="x"/>'
        f"{resources}</resources><constraints>{constraints}</constraints></configuration>"
        f"<status>{status}</status></cib>"
    )


def _primitive(name):
    return (
        f'<primitive id="{name}" class="ocf" provider="heartbeat" type="Dummy"><operations>'
        f'<op id="{name}-m" name="monitor" interval="10s"/></operations></primitive>'
    )


def _constraints(chain, wanted):
    group = f"g-{chain[0]}"
    preferred = {group: wanted[chain[0]]} | {name: wanted[name] for name in chain[3:]}
    locations = "".join(
        f'<rsc_location id="l-{name}" rsc="{name}" node="n{node}" score="100"/>'
        for name, node in preferred.items()
    )
    return locations + (
        f'<rsc_colocation id="c-{group}" rsc="{chain[3]}" with-rsc="{group}" score="INFINITY"/>'
        f'<rsc_colocation id="w-{group}" rsc="{chain[4]}" with-rsc="{chain[3]}" score="50"/>'
        f'<rsc_colocation id="a-{group}" rsc="{chain[5]}" with-rsc="{chain[3]}" score="-INFINITY"/>'
        f'<rsc_order id="o-{group}" first="{group}" then="{chain[3]}"/>'
        f'<rsc_order id="p-{group}" first="{chain[3]}" then="{chain[4]}" kind="Optional"/>'
    )


def _node_state(number, nodes, wanted, case):
    lost = case == "lost" and number == 1
    there = ("true", "online", "member") if not lost else ("false", "offline", "down")
    histories = (
        "" if case == "cold" else _history("fence", RUNNING[:1] if number == nodes else IDLE)
    )
    for name, where in wanted.items() if case != "cold" else ():
        histories += _history(name, RUNNING if where == number else IDLE)
    return (
        f'<node_state id="{number}" uname="n{number}" in_ccm="{there[0]}" crmd="{there[1]}" '
        f'join="{there[2]}" expected="member"><lrm id="{number}"><lrm_resources>{histories}'
        "</lrm_resources></lrm></node_state>"
    )


def _history(name, operations):
    kind = (
        'class="stonith" type="x"'
        if name == "fence"
        else ('class="ocf" provider="heartbeat" type="Dummy"')
    )
    records = "".join(
        f'<lrm_rsc_op id="{name}_{task}_{interval}" operation="{task}" interval="{interval}" '
        f'call-id="{call}" rc-code="{rc}" op-status="0" op-digest="{DIGESTS[interval]}" transition-key="{call}:1:{rc}:u"/>'
        for call, (task, interval, rc) in enumerate(operations, 1)
    )
    return f'<lrm_resource id="{name}" {kind}>{records}</lrm_resource>'


def calls(work):
    """Return how many functions are called while ``work`` runs."""
    counted = 0

    def count(_frame, event, _argument):
        nonlocal counted
        counted += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


def _decide(text):
    return lambda: recorded.record(read.read(text))


@pytest.mark.parametrize("case", ["cold", "lost", "idle"])
def test_ten_times_the_primitives(case):
    """Reading, scheduling and running ten times as many resources is at most twelve times the work."""
    few, many = (calls(_decide(cib(size, 3, case))) for size in (40, 400))

    assert many <= FACTOR_MAX * few, (few, many)


@pytest.mark.parametrize("case", ["cold", "lost", "idle"])
def test_ten_times_the_nodes(case):
    """Ten times as many nodes are at most six times the work, although each is asked for everything."""
    few, many = (calls(_decide(cib(40, size, case))) for size in (3, 30))

    assert many <= NODES_FACTOR_MAX * few, (few, many)


def test_nothing_to_do():
    """Where all runs where it should, the plan is empty and nothing waits for anything."""
    imported = read.read(cib(40, 3, "idle"))
    due = pipeline.schedule(imported.desired, imported.observed)

    assert (due.actions, due.edges, due.fencing, due.empty) == ((), (), (), True)


def test_a_lost_node():
    """The lost node is fenced, and only what ran on it starts elsewhere."""
    imported = read.read(cib(40, 3, "lost"))
    due = pipeline.schedule(imported.desired, imported.observed)
    moved = [one for one in due.changes if one.source and one.source != one.target]

    assert [(one.node, one.reason.code) for one in due.fencing] == [("n1", ReasonCode.NODE_LOST)]
    assert moved
    assert {one.source for one in moved} == {"n1"}
