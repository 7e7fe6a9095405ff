"""The whole script: on a copy of the CIB, in the order in which things need each other.

Nothing of the cluster changes before the last line, which pushes the copy.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from reconciler.model import attribute, desired, fencing, node, resource
from reconciler.model import property as options
from reconciler.render.pcs import command, constraints, resources, rules

_HEAD = """\
#!/bin/sh
# Made by: reconcile export --format pcs. Read it before you run it, on a node of a cluster that is set
# up and has no resources yet. Secrets are taken from the environment; pcs wants them as arguments, so
# that whoever may list the processes of this machine can see them while it runs.
set -eu
work=$(mktemp)
trap 'rm -f "$work"' EXIT
command pcs cluster cib "$work"
pcs() { command pcs -f "$work" "$@"; }"""
_TAIL = """
# All or nothing: until here only a copy was changed.
command pcs cluster cib-push "$work\""""
_OLDER_WORDS = {("no-quorum-policy", "fence"): "suicide"}


def text(wanted: desired.Desired, levels: Iterable[fencing.FencingLevel]) -> str:
    """Return the script.

    Args:
        wanted: what is wanted, with fence devices among the resources as Pacemaker has them.
        levels: in which order devices are tried.
    """
    made = resources.made(wanted.resources)
    lines = [
        _HEAD,
        *command.section("Properties", _properties(wanted.properties)),
        *command.section("Defaults", _defaults(wanted)),
        *command.section("Nodes", _nodes(wanted.nodes)),
        *_resources(wanted.resources),
        *command.section("Fencing levels", _levels(levels)),
        *command.section("Tags", _tags(wanted)),
        *command.section(
            "Constraints", constraints.constraints(wanted.constraints, made, wanted.tags)
        ),
        _TAIL,
    ]
    return "\n".join(lines) + "\n"


def _resources(found: Iterable[resource.Resource]) -> Iterator[str]:
    """Yield sections of devices and of resources; their order decides between equal nodes."""
    for devices, some in itertools.groupby(found, key=resources.devices_alone):
        made = (line for one in some for line in resources.commands(one))
        yield from command.section("Fencing" if devices else "Resources", made)


def _properties(sets: attribute.AttributeSets) -> Iterator[str]:
    found = {
        options.LEGACY.get(name, name): _OLDER_WORDS.get((name, str(value)), value)
        for name, value in command.always(sets).items()
        if not _internal(name)
    }
    if found:
        yield command.words("pcs", "property", "set", "--force", *command.pairs(found))
    if command.conditional(sets):
        yield command.unsaid("properties with rules", "pcs sets them without")


def _internal(name: str) -> bool:
    option = options.CLUSTER.find(name)
    return option is not None and option.internal


def _defaults(wanted: desired.Desired) -> Iterator[str]:
    parts = (
        (("resource", "defaults"), wanted.resource_defaults),
        (("resource", "op", "defaults"), wanted.operation_defaults),
    )
    for head, sets in parts:
        for one in attribute.merged(sets):
            condition = ["rule", *rules.words(one.rule)] if one.rule is not None else []
            yield command.words(
                *("pcs", *head, "set", "create", "meta"), *command.pairs(one.pairs), *condition
            )


def _nodes(found: Iterable[node.Node]) -> Iterator[str]:
    for one in found:
        pairs = command.always(one.attributes)
        pairs.update({flag: "true" for flag in ("standby", "maintenance") if getattr(one, flag)})
        if pairs:
            yield command.words("pcs", "node", "attribute", one.name, *command.pairs(pairs))
        capacity = command.always(one.utilization)
        if capacity:
            yield command.words("pcs", "node", "utilization", one.name, *command.pairs(capacity))


def _levels(found: Iterable[fencing.FencingLevel]) -> Iterator[str]:
    for one in found:
        head = ("pcs", "stonith", "level", "add", str(one.index), one.target)
        # pcs does not find devices that are in a group.
        yield command.words(*head, *one.devices, "--force")


def _tags(wanted: desired.Desired) -> Iterator[str]:
    for name, members in wanted.tags.items():
        yield command.words("pcs", "tag", "create", name, *members)
