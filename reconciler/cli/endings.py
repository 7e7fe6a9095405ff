"""Operations as a person names them, with how they end: ``db:monitor:10s@n1=7``."""

from __future__ import annotations

import re
from collections.abc import Mapping

import click

from reconciler.cli import names
from reconciler.cli.scene import Scene
from reconciler.model import duration, resource
from reconciler.model.action import Task
from reconciler.scheduler import options as settings
from reconciler.scheduler import rule
from reconciler.transition import event

FORM = "RSC:TASK[:INTERVAL]@NODE[=RC]"
_PROBE = "probe"
_RUN = (Task.START, Task.STOP, Task.MONITOR, Task.PROMOTE, Task.DEMOTE, Task.RELOAD)
_MIGRATED = (Task.MIGRATE_TO, Task.MIGRATE_FROM)
_TASKS: Mapping[str, Task] = {one.value: one for one in (*_RUN, *_MIGRATED)} | {
    _PROBE: Task.MONITOR
}
_PATTERN = re.compile(
    rf"(?P<resource>.+):(?P<task>{'|'.join(_TASKS)})(?::(?P<interval>[^:]+))?"
    r"@(?P<node>[^@=]+)(?:=(?P<rc>\d{1,3}))?"
)
_RC_FAILED = 1


def parsed(option: str, text: str, scene: Scene) -> event.Operation:
    """Return the operation that a text means.

    Args:
        option: the switch that it was given to, for messages.
        text: as in ``FORM``; without RC it fails with the generic error.
        scene: has the resources and nodes that there are.

    Raises:
        click.UsageError: it has another form, or names what is not there.
    """
    found = _PATTERN.fullmatch(text)
    if found is None:
        message = f"{option} {text!r} is not {FORM}; TASK is one of {', '.join(_TASKS)}"
        raise click.UsageError(message)
    primitive = _primitive(found["resource"], scene)
    node, task = found["node"], _TASKS[found["task"]]
    names.require("node", node, scene.nodes)
    rc = _RC_FAILED if found["rc"] is None else int(found["rc"])
    cluster = settings.cluster(scene.desired, rule.Clock(scene.observed.now))
    return event.Operation(
        found["resource"],
        task,
        _interval(option, found, primitive),
        node,
        rc,
        agent=primitive.agent,
        fatal=task is Task.START and cluster.start_failure_is_fatal,
    )


def _primitive(name: str, scene: Scene) -> resource.Primitive:
    known = {one.name: one for top in scene.desired.resources for one in resource.primitives(top)}
    base, _, number = name.rpartition(":")
    if name not in known and number.isdecimal() and base in known:
        return known[base]
    for top in scene.desired.resources:
        if top.name == name and name not in known:
            inside = ", ".join(one.name for one in resource.primitives(top))
            message = f"{name!r} has no operations itself; name what is in it: {inside}"
            raise click.UsageError(message)
    names.require("resource", name, known)
    return known[name]


def _interval(option: str, found: re.Match[str], primitive: resource.Primitive) -> int:
    """Return the interval that is meant, in milliseconds; of a monitor, the configured one."""
    recurring = found["task"] == Task.MONITOR.value
    configured = sorted(
        {one.interval_ms for one in primitive.operations if one.name == "monitor"} - {0}
    )
    listed = ", ".join(duration.text(one) for one in configured) or "none"
    if found["interval"] is None:
        if recurring and len(configured) != 1:
            message = f"{option}: which monitor of {primitive.name!r}? Its intervals: {listed}"
            raise click.UsageError(message)
        return configured[0] if recurring else 0
    milliseconds = duration.parse_ms(found["interval"])
    if milliseconds is None:
        message = f"{option}: {found['interval']!r} is no length of time; write e.g. 10s"
        raise click.UsageError(message)
    if recurring and milliseconds not in {0, *configured}:
        message = (
            f"{option}: no monitor of {primitive.name!r} every {duration.text(milliseconds)};"
            f" its intervals: {listed}"
        )
        raise click.UsageError(message)
    return milliseconds


def words(operation: event.Operation) -> str:
    """Return an operation as a phrase: ``monitor every 10s of db on n1``."""
    task = operation.task.value
    if operation.interval_ms:
        task += f" every {duration.text(operation.interval_ms)}"
    elif operation.task is Task.MONITOR:
        task = _PROBE
    return f"{task} of {operation.resource} on {operation.node}"
