"""Constraints as commands (pcs(8), "constraint")."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping

from reconciler.model import constraint, score
from reconciler.model.role import Role
from reconciler.render.pcs import command, rules


def constraints(
    found: Iterable[constraint.Constraint],
    made: frozenset[str],
    tags: Mapping[str, tuple[str, ...]],
) -> Iterator[str]:
    """Yield a command for each constraint; what came of one with several rules needs several.

    Args:
        found: the constraints.
        made: resources that the script makes; pcs finds nothing else here, tags neither.
        tags: names that stand for several resources.
    """
    seen: dict[str, int] = {}
    for each in found:
        one = _spelt_out(each, tags)
        lacking = sorted(set(constraint.names(one)) - made)
        if lacking:
            yield command.unsaid(one.id, f"pcs finds no resource {', '.join(lacking)}")
            continue
        number = seen[one.id] = seen.get(one.id, 0) + 1
        identity = one.id if number == 1 else f"{one.id}-{number}"
        match one:
            case constraint.Location():
                yield from _location(one, identity, first=number == 1)
            case constraint.Ticket():
                yield _ticket(one, identity)
            case _:
                yield _relation(one, identity)


def _spelt_out(
    one: constraint.Constraint, tags: Mapping[str, tuple[str, ...]]
) -> constraint.Constraint:
    """Return a constraint on single resources with what the tags in it stand for."""
    if not isinstance(one, constraint.Location | constraint.Ticket):
        return one
    members = (tags.get(name, (name,)) for name in one.resources)
    return dataclasses.replace(one, resources=tuple(itertools.chain.from_iterable(members)))


def _role(role: Role | None) -> list[str]:
    return [role.value] if role is not None else []


def _location(one: constraint.Location, identity: str, *, first: bool) -> Iterator[str]:
    head = ("pcs", "constraint", "location")
    named = [f"regexp%{one.pattern}"] if one.pattern else [*one.resources]
    discovery = one.discovery is not constraint.ResourceDiscovery.ALWAYS
    # pcs does not know Started here, which is every role.
    limited = one.role not in {None, Role.STARTED}
    role = [f"role={one.role.value}"] if one.role is not None and limited else []
    for number, name in enumerate(named):
        own = identity if number == 0 else f"{identity}-{name}"
        found = [f"resource-discovery={one.discovery.value}"] if discovery else []
        if one.rule is None and role:
            # pcs knows a role in rules only
            told = [f"constraint-id={own}", *role, f"score={score.text(one.score)}"]
            test = ("#uname", "eq", one.node or "")
            yield command.words(*head, name, "rule", *found, *told, *test)
        elif one.rule is None:
            node, weight = one.node or "", score.text(one.score)
            yield command.words(*head, "add", own, name, node, weight, *found)
        else:
            weight = score.text(one.score)
            told = [
                f"score-attribute={one.score_attribute}"
                if one.score_attribute
                else f"score={weight}"
            ]
            condition = [*role, *told, *rules.words(one.rule)]
            if first:
                yield command.words(*head, name, "rule", *found, f"constraint-id={own}", *condition)
            else:
                base = one.id if number == 0 else f"{one.id}-{name}"
                yield command.words("pcs", "constraint", "rule", "add", base, *condition)


def _relation(one: constraint.Constraint, identity: str) -> str:
    head = ("pcs", "constraint")
    match one:
        case constraint.Colocation():
            options = [f"id={identity}"]
            options += [f"node-attribute={one.node_attribute}"] if one.node_attribute else []
            options += _flag("influence", one.influence)
            return command.words(
                *head,
                *("colocation", "add", *_role(one.dependent_role), one.dependent),
                *("with", *_role(one.primary_role), one.primary, score.text(one.score)),
                *options,
            )
        case constraint.ColocationSets():
            options = [f"id={identity}", f"score={score.text(one.score)}"]
            options += _flag("influence", one.influence)
            return command.words(*head, "colocation", *_sets(one.sets), "setoptions", *options)
        case constraint.Order():
            options = [f"id={identity}", f"kind={one.kind.value}"]
            options += _flag("symmetrical", one.symmetrical)
            options += [] if one.require_all else ["require-all=false"]
            then = (one.then_action or one.first_action, one.then)
            return command.words(
                *head, "order", one.first_action, one.first, "then", *then, *options
            )
        case constraint.OrderSets():
            options = [f"id={identity}", f"kind={one.kind.value}"]
            options += _flag("symmetrical", one.symmetrical)
            return command.words(*head, "order", *_sets(one.sets), "setoptions", *options)
        case constraint.Location() | constraint.Ticket():
            return ""


def _flag(name: str, value: bool | None) -> list[str]:
    return [] if value is None else [f"{name}={str(value).lower()}"]


def _sets(sets: Iterable[constraint.ResourceSet]) -> Iterator[str]:
    for one in sets:
        yield from ("set", *one.resources)
        yield from _flag("sequential", one.sequential)
        if not one.require_all:
            yield "require-all=false"
        if one.action is not None:
            yield f"action={one.action}"
        if one.role is not None:
            yield f"role={one.role.value}"
        if one.score is not None:
            yield f"score={score.text(one.score)}"


def _ticket(one: constraint.Ticket, identity: str) -> str:
    options = [f"id={identity}"]
    policy = [f"loss-policy={one.loss_policy.value}"] if one.loss_policy else []
    if len(one.resources) == 1:
        return command.words(
            *("pcs", "constraint", "ticket", "add", one.ticket),
            *(*_role(one.role), one.resources[0], *policy, *options),
        )
    role = [f"role={one.role.value}"] if one.role is not None else []
    ends = ("setoptions", f"ticket={one.ticket}", *policy, *options)
    return command.words("pcs", "constraint", "ticket", "set", *one.resources, *role, *ends)
