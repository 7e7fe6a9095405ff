"""``reconcile apply``: bring the cluster to the desired state.

Without a plan file it shows the plan and asks; with one it does exactly that, or refuses.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import click

from reconciler.cli import acting, compose, look, manifests, params, release, running, terminal
from reconciler.cli.quit import Quit
from reconciler.cli.verbs import plan as plan_verb
from reconciler.clock import SystemClock
from reconciler.controller import loop
from reconciler.controller.context import Context
from reconciler.controller.result import Result
from reconciler.errors.exit_status import ExitStatus
from reconciler.model import observed, plan
from reconciler.model.desired import Desired
from reconciler.render import plan_file, plan_json, values

DEADLINE_S = 600.0


@click.command()
@params.paths
@params.output("text", "json")
@params.yes
@click.option(
    "--timeout",
    type=params.Duration(),
    default=DEADLINE_S,
    metavar="DURATION",
    help="Begin nothing after this time.  [default: 10min]",
)
@params.lock_timeout
@click.option("--prune", is_flag=True, help="Stop what is no longer in the manifests.")
def apply(
    *,
    paths: tuple[str, ...],
    form: str,
    yes: bool,
    timeout: float,
    lock_timeout: float,
    prune: bool,
) -> int:
    """Bring the cluster to what the manifests say, and wait until it is there.

    PATH is a manifest file or directory, or a plan that was saved by plan --out. Shows the plan and
    asks first; --yes or a saved plan is the approval.
    """
    saved = _saved(paths)
    read = manifests.read(saved.basis.paths if saved else paths, form=form, warn=True)
    if saved is not None:
        _require_basis(saved, read)
        prune = saved.basis.prune
    wanted = compose.pruning(read.desired) if prune else read.desired
    approved = _approved(wanted, saved, yes=yes, form=form)

    async def converge(context: Context, stop: running.Stop) -> Result:
        return await loop.converge(
            context,
            wanted,
            deadline_s=timeout,
            approve=_approval(approved),
            lock_timeout_s=lock_timeout,
            stop=stop.event,
        )

    result, status = acting.carry_out(wanted, "apply", converge)
    if form == "json":
        terminal.output().text(values.text(as_json(result, wanted.name)))
    return status


def _approved(
    wanted: Desired, saved: plan_file.Saved | None, *, yes: bool, form: str
) -> str | None:
    """Show what is due and have it approved; return the digest of what was, None: anything."""
    seen = look.at(wanted, command="apply")
    seen.require_answers()
    if saved is not None:
        stale = plan_file.changed(saved, seen.plan)
        if stale:
            raise Quit(ExitStatus.STALE, f"stale plan: {stale}", fix="look anew: reconcile plan")
        return saved.steps
    if plan_verb.at_rest(seen.plan):
        return None
    if form == "text":
        plan_verb.show(seen.plan, wanted.name, form)
    if yes or seen.plan.empty:
        return None
    if not terminal.can_ask():
        raise Quit(
            ExitStatus.APPROVAL_NEEDED,
            "approval is needed, and there is no terminal to ask on",
            fix="approve with --yes, or save the plan with plan --out and apply that file",
        )
    if not terminal.ask("Do this? Only 'yes' is taken for a yes:", "yes"):
        raise Quit(ExitStatus.APPROVAL_NEEDED, "not approved, nothing was done")
    return plan_json.digest(seen.plan)


def _approval(approved: str | None) -> loop.Approve:
    """Return what answers for the person: the first plan must be the one that was approved.

    Later plans follow from what became of the first one.
    """

    async def answer(due: plan.Plan, _: observed.Observed, number: int) -> loop.Approval:
        if number > 1 or approved is None or plan_json.digest(due) == approved:
            return loop.Approval.YES
        return loop.Approval.STALE

    return answer


def _saved(paths: Sequence[str]) -> plan_file.Saved | None:
    """Return the plan file that the paths name; None where they name manifests.

    Raises:
        Quit: it is a plan file, but none that can be used.
    """
    if len(paths) != 1 or not pathlib.Path(paths[0]).is_file():
        return None
    path = pathlib.Path(paths[0])
    if path.suffix in {".yaml", ".yml"}:
        return None
    try:
        with path.open(encoding="utf-8") as stream:
            return plan_file.parse(stream.read(plan_file.SIZE_MAX))
    except OSError as error:
        raise Quit(ExitStatus.ERROR, f"{path}: {error.strerror}") from None
    except (plan_file.PlanFileError, UnicodeDecodeError) as error:
        reason = "it is no text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise Quit(
            ExitStatus.STALE,
            f"stale plan: {path}: {reason}",
            fix="make a new one: reconcile plan --out FILE",
        ) from None


def _require_basis(saved: plan_file.Saved, read: manifests.Manifests) -> None:
    now = plan_file.Basis(
        tool=release.version(),
        at=int(SystemClock().now()),
        cluster=read.desired.name,
        paths=read.paths,
        manifests=read.digest,
    )
    stale = plan_file.stale(saved, now)
    if stale:
        raise Quit(ExitStatus.STALE, f"stale plan: {stale}", fix="look anew: reconcile plan")


def as_json(result: Result, name: str) -> dict[str, object]:
    """Return what came of a run as JSON."""
    return {
        "format_version": values.FORMAT_VERSION,
        "cluster": name,
        "state": result.state.value,
        "converged": result.ok,
        "actions": result.actions,
        "plans": result.cycles,
        "silent": list(result.silent),
        "message": result.message,
        "blocked": [
            {"subject": one.subject, "node": one.node, "code": one.code, "detail": one.detail}
            for one in result.blocked
        ],
        "holder": None
        if result.holder is None
        else {
            "host": result.holder.host,
            "user": result.holder.user,
            "pid": result.holder.pid,
            "command": result.holder.command,
        },
    }
