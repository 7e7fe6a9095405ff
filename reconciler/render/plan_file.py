"""Plan files: what ``plan --out`` writes and ``apply`` reads back, and when one is stale.

A plan file does not carry orders: it carries what a person has seen and approved. ``apply`` plans
anew, and goes on only where that gives the very same steps from the very same manifests.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from reconciler.frozen import frozen
from reconciler.model.plan import Plan
from reconciler.render import moment, plan_json, values

KIND = "reconciler-plan"
AGE_MAX_S = 24 * 3600
"""An approval older than a day is asked for again."""
_CLOCKS_DIFFER_S = 300
SIZE_MAX = 64 * 1024 * 1024


class PlanFileError(Exception):
    """The file is no plan file, or not one that this release can read; the text says why."""


@frozen
class Basis:
    """What a plan is made from.

    Attributes:
        tool: release of this program.
        at: when, seconds since 1970.
        cluster: name of the cluster.
        paths: the manifests, as they were named.
        manifests: digest of their contents.
        prune: whether what is no longer in the manifests is stopped.
    """

    tool: str
    at: int
    cluster: str
    paths: tuple[str, ...]
    manifests: str
    prune: bool = False


@frozen
class Saved:
    """What a plan file says.

    Attributes:
        steps: digest of what the plan does.
        observation: id of the observation that it was made from.
        plan: the plan as JSON, for people and programs that read the file.
    """

    basis: Basis
    steps: str
    observation: str
    plan: dict[str, Any]


def save(due: Plan, basis: Basis) -> str:
    """Return the text of the plan file for a plan."""
    body: dict[str, object] = {
        "format_version": values.FORMAT_VERSION,
        "kind": KIND,
        "basis": dataclasses.asdict(basis),
        "steps": plan_json.digest(due),
        "observation": due.observation,
        "plan": plan_json.as_json(due, name=basis.cluster),
    }
    return values.text({**body, "integrity": _integrity(body)})


def _integrity(body: dict[str, object]) -> str:
    return hashlib.sha256(values.compact(body).encode()).hexdigest()


def looks_like_one(text: str) -> bool:
    """Tell whether a text that starts like this can be a plan file at all."""
    return text.lstrip()[:1] == "{"


def parse(text: str) -> Saved:
    """Return what a plan file says.

    Raises:
        PlanFileError: it is none, it was cut off or changed, or another release wrote it.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanFileError(f"it is cut off or no plan file: {error}") from None
    if not isinstance(body, dict) or body.get("kind") != KIND:
        raise PlanFileError("it is no plan file")
    if body.get("format_version") != values.FORMAT_VERSION:
        raise PlanFileError(
            f"it has format_version {body.get('format_version')!r},"
            f" this release reads {values.FORMAT_VERSION}"
        )
    if body.pop("integrity", None) != _integrity(body):
        raise PlanFileError("it was changed after it was written (its integrity digest differs)")
    try:
        basis = Basis(**body["basis"])
        return Saved(
            dataclasses.replace(basis, paths=tuple(basis.paths)),
            body["steps"],
            body["observation"],
            body["plan"],
        )
    except (TypeError, KeyError) as error:
        raise PlanFileError(f"it is incomplete: {error}") from None


def stale(saved: Saved, now: Basis) -> str:
    """Return why a plan file does not hold for these manifests any more; empty: it does.

    Whether the cluster has changed is only known from a new plan: see ``changed``.
    """
    then = saved.basis
    if then.cluster != now.cluster:
        return f"it is for cluster {then.cluster!r}, the manifests are for {now.cluster!r}"
    if then.manifests != now.manifests:
        return (
            f"the manifests have changed since (digest {then.manifests[:12]} then,"
            f" {now.manifests[:12]} now)"
        )
    if then.tool != now.tool:
        return f"release {then.tool} wrote it, this is {now.tool}"
    if not -_CLOCKS_DIFFER_S <= now.at - then.at <= AGE_MAX_S:
        made = moment.rfc3339(then.at)
        return f"it was made at {made}, and holds for {moment.length(AGE_MAX_S)}"
    return ""


def changed(saved: Saved, due: Plan) -> str:
    """Return why the steps that are due now are not those of the file; empty: they are."""
    now = plan_json.digest(due)
    if saved.steps == now:
        return ""
    if due.empty:
        return "the cluster has changed since: nothing is left to do (was it applied already?)"
    return (
        "the cluster has changed since, other steps are due now"
        f" (digest {saved.steps[:12]} then, {now[:12]} now)"
    )
