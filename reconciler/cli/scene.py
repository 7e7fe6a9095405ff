"""Where a simulation takes place: what is desired, what was observed, and what has happened to it."""

from __future__ import annotations

import dataclasses
import enum

import click

from reconciler.cib import property as properties
from reconciler.cli import cib_file, input_file
from reconciler.errors.diagnostic import InvalidInputError
from reconciler.frozen import frozen
from reconciler.model.desired import Desired
from reconciler.model.node import NodeKind
from reconciler.model.observed import Observed


class Source(enum.Enum):
    """Where the observation comes from."""

    LIVE = "live"
    OBSERVED = "observed"
    CIB = "cib"


@frozen
class Scene:
    """Desired state, and the cluster as it was observed.

    Attributes:
        fencing: whether a node that falls silent may still run what it ran. Without fencing Pacemaker
            takes it for down, and so does a simulation from a CIB.
    """

    desired: Desired
    observed: Observed
    source: Source = Source.OBSERVED
    fencing: bool = True

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that are configured or were seen."""
        wanted = (one.name for one in self.desired.nodes)
        return tuple(dict.fromkeys([*wanted, *self.observed.nodes]))

    def remote(self, name: str) -> bool:
        """Tell whether a node is no member, so that it is there while the connection to it is up."""
        seen = self.observed.nodes.get(name)
        kinds = {one.kind for one in self.desired.nodes if one.name == name}
        return bool(seen is not None and seen.remote) or bool(kinds - {NodeKind.MEMBER})


def of(
    paths: tuple[str, ...],
    *,
    observed: str | None,
    cib: str | None,
    at: float | None,
    form: str,
    command: str = "simulate",
) -> Scene:
    """Return the scene of a simulation.

    Args:
        paths: the manifests, as they were named.
        observed: observation file to be used instead of looking at the cluster.
        cib: CIB to be used instead of manifests.
        at: the time that counts, seconds since 1970; None: that of the observation.
        form: of the output.
        command: for which the cluster is looked at.

    Raises:
        Quit: something cannot be read, or no node answers.
        click.UsageError: sources that exclude each other.
    """
    if cib is not None:
        if paths or observed is not None:
            message = "--cib stands for manifests and observation; name no other source"
            raise click.UsageError(message)
        held = cib_file.imported(cib, now=at)
        fencing = properties.fencing_enabled(held.desired.properties)
        return Scene(held.desired, held.observed, Source.CIB, fencing)
    from reconciler.cli import manifests

    if observed is None:
        wanted = manifests.read(paths, form=form, warn=True).desired
        seen = _live(wanted, command)
    else:
        seen = recorded(observed)
        theirs = _of_pacemaker(seen)
        wanted = manifests.read(paths, form=form, warn=True, pacemaker=theirs).desired
    if at is not None:
        seen = dataclasses.replace(seen, now=at)
    return Scene(wanted, seen, Source.LIVE if observed is None else Source.OBSERVED)


def _of_pacemaker(seen: Observed) -> bool:
    """Tell whether Pacemaker was seen: it runs its fence devices as resources."""
    return any(
        history.agent is not None and history.agent.standard == "stonith"
        for node in seen.nodes.values()
        for history in node.histories.values()
    )


def _live(wanted: Desired, command: str) -> Observed:
    """Look at the cluster; the adapters are imported for it only."""
    from reconciler.cli import look

    seen = look.at(wanted, command=command)
    seen.require_answers()
    return seen.observed


def recorded(path: str) -> Observed:
    """Return what an observation file holds. Raises Quit where it cannot be read."""
    from reconciler.render import observation

    fix = "write one with: reconcile status --save-observed FILE"
    try:
        text = input_file.text(path, characters_max=observation.CHARACTERS_MAX, fix=fix)
        return observation.parse(text, path)
    except InvalidInputError as error:
        raise input_file.refused(path, error) from None
