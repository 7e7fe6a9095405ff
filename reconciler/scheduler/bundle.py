"""Bundles: containers spread as a clone's instances are, and a clone that runs inside of them.

Every container is a guest node on which exactly one instance of that clone can run, and nothing
else. Pacemaker Explained, "Bundles".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.model import remote as implied
from reconciler.model import resource
from reconciler.model.role import Role
from reconciler.model.score import INFINITY, Term, TermKind
from reconciler.scheduler import replica
from reconciler.scheduler.instance import Instance
from reconciler.scheduler.nodes import Node

if TYPE_CHECKING:
    from reconciler.scheduler.expansion import Expansion
    from reconciler.scheduler.placement import Placing
    from reconciler.scheduler.ranking import Ranking
    from reconciler.scheduler.situation import Situation


def instance_on(
    expansion: Expansion, candidates: Sequence[Instance], node: Node
) -> Instance | None:
    """Return which of a clone's instances a node is for; None where any can run there."""
    clone = candidates[0].in_clone
    if clone is None or clone.outer is None:
        return None
    bundle, number = expansion.owners.get(node.name, (None, -1))
    if bundle is not clone.outer:
        return None
    return next((one for one in candidates if one.clone_child.number == number), None)


def host(placing: Placing, child: Instance) -> int:
    """Return the node of the container that an instance runs inside of, by its number."""
    clone = child.in_clone
    if clone is None or clone.outer is None or child.clone_child.number is None:
        return -1
    return placing.chosen[clone.outer.children[child.clone_child.number].index]


def speaking(placing: Placing, child: Instance, where: int) -> Node | None:
    """Return the node whose attributes speak for the promotion of an instance, if there is one.

    ``container-attribute-target`` says whether agents inside of containers set those of the host:
    of the one where the container runs now, wherever it will go (measured).
    """
    clone, number = child.in_clone, child.clone_child.number
    outside = child.meta.texts.get("container-attribute-target") == "host"
    if clone is None or clone.outer is None or number is None or not outside:
        return placing.nodes[where]
    running = placing.situation.standing[clone.outer.children[number].index].running
    return placing.nodes[running[0]] if running else None


def with_role(placing: Placing, held: Instance, role: Role | None) -> bool:
    """Tell whether what runs inside of a container is to have a role; None: any."""
    outer = held.parent
    if role is None or outer is None or outer.inner is None:
        return role is None
    placing.place(outer.inner)
    child = outer.inner.children[outer.children.index(held)]
    return placing.next_role[child.index] is role


def admits(expansion: Expansion, one: Instance, node: Node) -> bool:
    """Tell whether a resource can be on a node at all, as far as bundles go."""
    if not expansion.bundles:
        return True
    clone = one if one.outer is not None else one.in_clone
    outer = clone.outer if clone is not None else None
    bundle, number = expansion.owners.get(node.name, (None, -1))
    if bundle is not outer:
        return False
    return outer is None or one is clone or one.clone_child.number == number


def hosts(situation: Situation, chosen: Sequence[int]) -> dict[str, int]:
    """Return the node that each connection leads to, by the connection's name.

    It is the one where the container is going to be, or else where it is (measured).
    """
    found = {}
    for name, (bundle, number) in situation.expansion.owners.items():
        held = bundle.children[number].index
        where = (
            chosen[held] if chosen[held] >= 0 else next(iter(situation.standing[held].running), -1)
        )
        if where >= 0:
            found[name] = where
    return found


def company(expansion: Expansion, one: Instance) -> Iterator[Instance]:
    """Yield what goes with a bundle's containers, in the order in which it is placed (measured)."""
    if one.bundle is None:
        return
    for number in range(len(one.children)):
        for made in (replica.ip(one.bundle, number), replica.connection(one.bundle, number)):
            found = expansion.by_name.get(made.name) if made is not None else None
            if found is not None:
                yield found
    if one.inner is not None:
        yield one.inner


def confine(ranking: Ranking, situation: Situation) -> None:
    """Let what runs inside of a bundle run there and nowhere else, and nothing else run there."""
    expansion = situation.expansion
    ban = Term(TermKind.NOT_ALLOWED, -INFINITY)
    for one in expansion.all if expansion.bundles else ():
        for node in situation.nodes:
            if not admits(expansion, one, node):
                ranking.forbid(one, node.index, ban)
            elif node.name in expansion.owners:
                ranking.clear(one, node.index)


def enter(expansion: Expansion, wanted: resource.Bundle) -> None:
    """Enter a bundle: containers, their addresses and connections, and what runs inside."""
    bundle = expansion.collect(wanted)
    for number in range(wanted.container.count):
        expansion.put_inside(bundle, replica.holder(wanted, number))
    for number in range(wanted.container.count):
        address = replica.ip(wanted, number)
        if address is not None:
            bundle.addresses.append(expansion.imply(bundle, address))
        if wanted.child is not None:
            expansion.imply(bundle, replica.connection(wanted, number))
    inner = replica.inside(wanted)
    if inner is not None:
        bundle.inner = expansion.imply(bundle, inner)
        bundle.inner.outer = bundle
    expansion.bundles.append(bundle)
    for number in range(wanted.container.count) if wanted.child is not None else ():
        expansion.owners[implied.replica(wanted, number)] = (bundle, number)
    expansion.counted.update(made.name for made in implied.implied((wanted,)))
