"""The scheduler: (desired, observed) -> plan, as passes over values, one concept each.

Pure and deterministic: the same inputs give the same plan, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.errors import diagnostic
from reconciler.frozen import frozen
from reconciler.model import desired as desired_state
from reconciler.model import observed, plan
from reconciler.model.role import Role
from reconciler.model.status import ClusterStatus
from reconciler.scheduler import (
    assembly,
    bundle,
    bundle_order,
    circumstance,
    cleanup,
    clearing,
    cluster_status,
    colocation,
    colocation_order,
    containment,
    contradiction,
    creation,
    cycle,
    expansion,
    fencing,
    health,
    location,
    migration,
    nodes,
    notification,
    operation,
    options,
    ordering,
    parameters,
    placement,
    probe,
    probe_order,
    promotion,
    quorum,
    ranking,
    recurring,
    remote,
    restart,
    rule,
    sequence,
    settle,
    shutdown_lock,
    situation,
    step,
    stickiness,
    summary,
    survey,
    ticket,
    unfencing,
    unplaceable,
    usage,
    utilization,
)


def schedule(desired: desired_state.Desired, observed: observed.Observed) -> plan.Plan:
    """Return what has to be done so that the observed becomes the desired.

    Args:
        desired: what people want.
        observed: what was seen; its ``now`` is the only time that counts.
    """
    return _plan(_examine(desired, observed))


def assess(
    desired: desired_state.Desired, observed: observed.Observed
) -> tuple[ClusterStatus, plan.Plan]:
    """Return ``status`` and ``schedule`` of the same observation, which is read only once."""
    found = _examine(desired, observed)
    return cluster_status.read(found.standing, found.settings), _plan(found)


def foresee(desired: desired_state.Desired) -> tuple[diagnostic.Diagnostic, ...]:
    """Return the resources that could run nowhere, even if every node were up."""
    found = _examine(*unplaceable.hypothetical(desired))
    _, _, assignment = _placed(found)
    ledgers = ranking.Ledgers(assignment.ranking, found.standing.expansion)
    return tuple(unplaceable.find(unplaceable.Outcome(found.standing, assignment, ledgers)))


def _placed(
    found: _Examined,
) -> tuple[tuple[location.Wish, ...], colocation.Pairs, placement.Assignment]:
    """Return locations and colocations as they count, and what they make of the placement."""
    desired, settings, standing = found.desired, found.settings, found.standing
    wishes = location.resolve(desired, standing.expansion, standing.nodes, found.clock)
    bans = ticket.resolve(desired, found.observed, standing, fencing=settings.fencing_enabled)
    scores = _rank(standing, settings, wishes, bans)
    pairs = colocation.lower(desired, standing, _implied(standing))
    promotions = promotion.Scores((*wishes, *bans), found.observed.quorate)
    return wishes, pairs, placement.assign(standing, scores, pairs, settings, promotions)


def _findings(
    found: _Examined,
    assignment: placement.Assignment,
    ledgers: ranking.Ledgers,
    circles: tuple[diagnostic.Diagnostic, ...],
) -> Iterator[diagnostic.Diagnostic]:
    """Yield what can never be as it is wanted.

    A circle among the actions that are due is told by the orders that make it, if they are known.
    """
    written = tuple(contradiction.find(found.desired))
    lines = {place for one in written for place, _ in one.related}
    for one in circles:
        if not {one.position, *(place for place, _ in one.related)} <= lines:
            yield one
    yield from (one for one in written if one.severity is diagnostic.Severity.ERROR)
    yield from unplaceable.find(unplaceable.Outcome(found.standing, assignment, ledgers))


def _plan(found: _Examined) -> plan.Plan:
    desired, observed, clock = found.desired, found.observed, found.clock
    settings, operations, standing = found.settings, found.operations, found.standing

    wishes, pairs, assignment = _placed(found)
    remote.doubt(standing, settings)

    hosts = bundle.hosts(standing, assignment.chosen)
    values = parameters.Parameters(desired, standing.nodes, clock, hosts)
    discovery = probe.Discovery(wishes)
    sequences = (
        *sequence.lower(desired, standing.expansion),
        *containment.sequences(standing.expansion),
        *bundle_order.sequences(standing.expansion),
    )
    case = circumstance.Circumstances(
        desired, observed, settings, standing, assignment, operations, values
    )
    migration.resume(standing, assignment)
    migrating = migration.candidates(standing, assignment)
    while True:
        steps, decisions = _settled(case, pairs, discovery, sequences, migrating)
        given_up = migration.degraded(steps, standing, migrating)
        if not given_up:
            break
        migrating -= given_up
    restart.drop(steps)
    creation.resume(steps)
    # What a circle blocks is not done, so nobody is told of it.
    circles = cycle.resolve(steps)[1] if notification.are_wanted(standing.expansion) else ()
    notification.create(steps, case)
    edges, more = cycle.resolve(steps)

    maker = assembly.Assembly(case)
    actions, order = assembly.actions(maker, steps, edges)
    ledgers = ranking.Ledgers(assignment.ranking, standing.expansion)
    changes = summary.changes(steps, standing, assignment)
    steps.dissolve()
    return plan.Plan(
        actions=actions,
        edges=order,
        changes=changes,
        fencing=decisions,
        ledgers=ledgers,
        moments=ranking.Moments(assignment.ranking, standing.expansion, ledgers),
        promotion_scores=assignment.promotion_scores,
        promotion_ledgers=assignment.promotion_ledgers,
        open_nodes=placement.OpenNodes(standing, assignment),
        placement=_placement(standing, assignment),
        usage=usage.told(standing, assignment),
        diagnostics=tuple(_findings(found, assignment, ledgers, (*circles, *more))),
        observation=observed.id,
        recheck_at=clock.next_change,
    )


def _settled(
    case: circumstance.Circumstances,
    pairs: colocation.Pairs,
    discovery: probe.Discovery,
    sequences: tuple[sequence.Sequence, ...],
    migrating: set[int],
) -> tuple[step.Steps, tuple[plan.FenceDecision, ...]]:
    """Return the steps for a placement, settled, and the nodes that have to be fenced."""
    standing, assignment = case.situation, case.assignment
    steps = step.Steps(len(standing.expansion.all))
    creation.create(steps, case)
    migration.create(steps, standing, assignment, migrating)
    restart.check(steps, case)
    containment.restart(steps, case)
    probe.create(steps, case, discovery)
    recurring.create(steps, case)
    decisions = (*fencing.decide(steps, case), *unfencing.decide(steps, case))
    fencing.order(steps, case)
    restart.postpone(steps)
    followings, leading = ordering.apply(steps, standing, assignment, sequences)
    colocation_order.apply(steps, standing, pairs, leading)
    followings += containment.followings(steps, case)
    followings += bundle_order.followings(steps, standing.expansion)
    probe_order.apply(steps, case, followings)
    restart.order(steps)
    cleanup.create(steps, case)
    clearing.create(steps, case)
    shutdown_lock.forget(steps, case)
    cleanup.shut_down(steps, standing, case.seen.dc)
    remote.order(steps, case)
    containment.bind(steps, case)
    bundle_order.bind(steps, case)
    migration.order(steps, standing, migrating)
    utilization.order(steps, standing, assignment.capacity)
    creation.take_turns(steps, case.situation)
    settle.settle(steps)
    return steps, decisions


def status(
    desired: desired_state.Desired, observed: observed.Observed, *, under_way: bool = True
) -> ClusterStatus:
    """Return the cluster as it is now: nodes with their flags, resources with their roles.

    Args:
        desired: what people want.
        observed: what was seen.
        under_way: tell what resources are on the way to; else only the roles that they have.
    """
    found = _examine(desired, observed)
    return cluster_status.read(found.standing, found.settings, under_way=under_way)


@frozen
class _Examined:
    """An observation that has been read: what stands, and what reading it took."""

    desired: desired_state.Desired
    observed: observed.Observed
    clock: rule.Clock
    settings: options.Cluster
    operations: operation.Reader
    standing: situation.Situation


def _examine(desired: desired_state.Desired, observed: observed.Observed) -> _Examined:
    clock = rule.Clock(observed.now)
    settings = options.cluster(desired, clock)
    operations = operation.Reader(desired.operation_defaults, clock)
    known = nodes.compile_nodes(desired, observed, settings)
    quorum.doom(known, settings, observed)
    tree = expansion.expand(desired, options.Reader(desired, clock))
    standing = survey.read(desired, tree, known, settings, operations)
    clearing.review(standing, desired, operations, clock)
    return _Examined(desired, observed, clock, settings, operations, standing)


def _rank(
    standing: situation.Situation,
    settings: options.Cluster,
    wishes: tuple[location.Wish, ...],
    bans: tuple[location.Wish, ...],
) -> ranking.Ranking:
    """Return the scores before anything is placed."""
    scores = ranking.Ranking(standing.expansion, standing.nodes, symmetric=settings.symmetric)
    healths = tuple(health.wishes(standing.nodes, standing.expansion, settings))
    if not settings.symmetric:
        location.opt_in(scores, standing.expansion, (*wishes, *healths))
    location.apply(scores, wishes)
    location.exclude(scores, wishes)
    location.apply(scores, healths)
    location.apply(scores, bans)
    remote.forbid(scores, standing)
    stickiness.apply(scores, standing, settings)
    shutdown_lock.apply(scores, standing, settings)
    stickiness.ban(scores, standing)
    bundle.confine(scores, standing)
    stickiness.limit(scores, standing, settings)
    return scores


def _implied(standing: situation.Situation) -> Iterator[colocation.Pair]:
    """Yield the colocations that nobody wrote."""
    yield from containment.pairs(standing)
    yield from bundle_order.pairs(standing.expansion)


def _placement(
    standing: situation.Situation, assignment: placement.Assignment
) -> dict[str, dict[str, Role]]:
    found: dict[str, dict[str, Role]] = {}
    for one in standing.expansion.all:
        if one.is_primitive:
            where = assignment.chosen[one.index]
            found[one.name] = (
                {}
                if where == nodes.NOWHERE
                else {standing.nodes[where].name: assignment.next_role[one.index]}
            )
    return found
