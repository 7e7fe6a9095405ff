"""Keeping a result: in the history, on the disk, and told to the subscribers, in this order."""

from __future__ import annotations

from typing import Any, Dict, List

from reconciler.executor import node as shared
from reconciler.executor import operation as op
from reconciler.executor import refusal


async def record(node: shared.Node, operation: op.Operation) -> bool:
    """Keep a result, make it durable, tell subscribers; returns whether it is durable.

    Where the disk refuses, the result is still true: it is told, and written again later.
    """
    resource, history = operation["resource"], node.history
    before = dict(history.transient)
    history.record(resource, operation)
    durable = True
    try:
        await node.journal.commit("history")
    except refusal.RefusedError:
        durable = False
        node.journal.retry()
    happened: List[Dict[str, Any]] = [
        {
            "event": "operation",
            "resource": resource,
            "revision": history.revision(resource),
            "operation": operation,
        }
    ]
    happened += [
        node.attribute_event("transient", name, value)
        for name, value in history.transient.items()
        if before.get(name) != value and name.endswith(_suffix(operation))
    ]
    node.changed(*happened)
    return durable


def _suffix(operation: op.Operation) -> str:
    return f"{operation['resource']}#{operation['operation']}_{operation['interval_ms']}"
