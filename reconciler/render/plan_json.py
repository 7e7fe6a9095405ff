"""A plan for programs. Same plan, same bytes."""

from __future__ import annotations

import hashlib

from reconciler.model.action import Action
from reconciler.model.plan import Change, FenceDecision, Plan
from reconciler.render import diagnostics, levels, moment, plan_text, sentences, symbols, values

_PASSING = frozenset({"reason", "position", "revision", "level"})
"""What may differ between two plans that do the same."""


def as_json(due: Plan, *, name: str = "") -> dict[str, object]:
    """Return a plan as a JSON value.

    Secrets appear as references, as in the plan itself. Scores are left to ``explain``: a plan for
    a thousand resources stays readable by a program that wants its steps.
    """
    found = levels.of_actions(due)
    return {
        "format_version": values.FORMAT_VERSION,
        "cluster": name,
        "observation": due.observation,
        "empty": due.empty,
        "summary": _summary(due),
        "changes": [_change(one) for one in due.changes],
        "fencing": [_decision(one) for one in due.fencing],
        "actions": [_action(one, found.get(one.key, 0)) for one in due.actions],
        "edges": [{"before": edge.before, "after": edge.after} for edge in due.edges],
        "placement": {
            resource: {node: role.value for node, role in nodes.items()}
            for resource, nodes in due.placement.items()
        },
        "diagnostics": diagnostics.as_json(due.diagnostics),
        "recheck_at": None if due.recheck_at is None else moment.rfc3339(due.recheck_at),
    }


def digest(due: Plan) -> str:
    """Return the SHA-256 of what a plan does, to tell whether two plans are the same.

    Reasons, positions, history revisions and the observation's id are left out: they may differ
    although every step is the same, and each action is checked against its node's revision again
    when it is carried out.
    """
    body = {
        "actions": [_without(_action(one, 0)) for one in due.actions],
        "edges": [(edge.before, edge.after) for edge in due.edges],
        "changes": [_without(_change(one)) for one in due.changes],
        "fencing": [(one.node, one.task.value, one.blocked is None) for one in due.fencing],
    }
    return hashlib.sha256(values.compact(body).encode()).hexdigest()


def _without(body: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name not in _PASSING}


def _summary(due: Plan) -> dict[str, int]:
    counted = plan_text.counts(due)
    result = {kind.value: counted[kind] for kind in symbols.CHANGES}
    result["blocked"] = len(due.blocked)
    result["fence"] = sum(one.blocked is None for one in due.fencing)
    result["fence-blocked"] = sum(one.blocked is not None for one in due.fencing)
    return result


def _change(one: Change) -> dict[str, object]:
    return {
        "resource": one.resource,
        "instance": one.instance,
        "kind": one.kind.value,
        "blocked": one.blocked,
        "from": {"node": one.source, "role": one.role.value},
        "to": {"node": one.target, "role": one.next_role.value},
        "reason": sentences.reason_json(one.reason),
        "position": sentences.position_json(one.origin),
    }


def _decision(one: FenceDecision) -> dict[str, object]:
    return {
        "node": one.node,
        "task": one.task.value,
        "reason": sentences.reason_json(one.reason),
        "blocked": sentences.reason_json(one.blocked),
    }


def _action(one: Action, level: int) -> dict[str, object]:
    return {
        "key": one.key,
        "level": level,
        "kind": one.kind.value,
        "task": one.task.value,
        "resource": one.resource,
        "instance": one.instance,
        "node": one.node,
        "router": one.router,
        "agent": str(one.agent) if one.agent else None,
        "interval_ms": one.interval_ms,
        "timeout_ms": one.timeout_ms,
        "start_delay_ms": one.start_delay_ms,
        "params": {name: str(value) for name, value in one.params.items()},
        "meta": dict(one.meta),
        "expected_rc": int(one.expected_rc),
        "fatal": one.fatal,
        "probe": one.probe,
        "source": one.source,
        "target": one.target,
        "revision": one.revision,
        "reason": sentences.reason_json(one.reason),
        "position": sentences.position_json(one.origin),
    }
