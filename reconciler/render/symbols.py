"""The signs and words of changes: one table for plan, progress and explanations."""

from __future__ import annotations

from reconciler.frozen import frozen
from reconciler.model import action, plan
from reconciler.render.styled import Style


@frozen
class Symbol:
    """How a kind of change is shown.

    Attributes:
        sign: one ASCII character, so that it can be searched for and survives every terminal.
        verb: the word in the plan's rows.
        counted: the words of the summary: ``2 to start``.
    """

    sign: str
    verb: str
    counted: str
    style: Style


CHANGES: dict[plan.ChangeKind, Symbol] = {
    plan.ChangeKind.START: Symbol("+", "start", "to start", Style.GOOD),
    plan.ChangeKind.STOP: Symbol("-", "stop", "to stop", Style.BAD),
    plan.ChangeKind.MOVE: Symbol(">", "move", "to move", Style.CHANGE),
    plan.ChangeKind.MIGRATE: Symbol(">", "migrate", "to migrate", Style.CHANGE),
    plan.ChangeKind.RESTART: Symbol("~", "restart", "to restart", Style.CHANGE),
    plan.ChangeKind.RECOVER: Symbol("*", "recover", "to recover", Style.CHANGE),
    plan.ChangeKind.RELOAD: Symbol("~", "reload", "to reload", Style.CHANGE),
    plan.ChangeKind.PROMOTE: Symbol("^", "promote", "to promote", Style.GOOD),
    plan.ChangeKind.DEMOTE: Symbol("v", "demote", "to demote", Style.BAD),
    plan.ChangeKind.RE_PROMOTE: Symbol("^", "re-promote", "to re-promote", Style.CHANGE),
    plan.ChangeKind.LEAVE: Symbol("=", "leave", "unchanged", Style.FAINT),
}
"""Every kind of change; a test holds the table complete."""

BLOCKED = Symbol("!", "blocked", "blocked", Style.WARNING)
FENCE = Symbol("x", "fence", "to fence", Style.FENCE)

TASKS: dict[action.Task, str] = {
    action.Task.START: "start",
    action.Task.STOP: "stop",
    action.Task.PROMOTE: "promote",
    action.Task.DEMOTE: "demote",
    action.Task.MONITOR: "monitor",
    action.Task.MIGRATE_TO: "migrate away",
    action.Task.MIGRATE_FROM: "migrate in",
    action.Task.RELOAD: "reload",
    action.Task.RELOAD_AGENT: "reload",
    action.Task.NOTIFY: "notify",
    action.Task.CANCEL: "cancel the monitor of",
    action.Task.DELETE: "forget the history of",
    action.Task.CLEAR_FAILCOUNT: "clear the fail count of",
    action.Task.SHUTDOWN: "shut down",
    action.Task.OFF: "fence (off)",
    action.Task.REBOOT: "fence (reboot)",
    action.Task.ON: "unfence",
    action.Task.NOTHING: "pass",
}
"""What an action does, as a verb before the resource's name."""
