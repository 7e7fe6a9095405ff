"""Reading manifests for a verb: findings go to stderr, and an invalid manifest ends the verb."""

from __future__ import annotations

import pathlib
from collections.abc import Collection, Sequence

from reconciler.cli import terminal
from reconciler.cli.quit import Quit
from reconciler.errors import diagnostic
from reconciler.errors.exit_status import ExitStatus
from reconciler.frozen import frozen
from reconciler.manifest import load
from reconciler.model.desired import Desired
from reconciler.render import diagnostics, styled, values

DEFAULT = "manifests"


@frozen
class Manifests:
    """Valid manifests.

    Attributes:
        paths: as the person named them.
        digest: of their contents.
    """

    desired: Desired
    paths: tuple[str, ...]
    digest: str


def named(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the paths given, or ``manifests`` where there are none and it is there.

    Raises:
        Quit: there are none.
    """
    if paths:
        return tuple(paths)
    if not pathlib.Path(DEFAULT).exists():
        raise Quit(
            ExitStatus.INVALID_MANIFEST,
            f"no PATH was given, and there is no {DEFAULT}/ here",
            fix="name a manifest directory, or write a first one: reconcile init",
        )
    return (DEFAULT,)


def read(
    paths: Sequence[str],
    *,
    form: str = "text",
    warn: bool = False,
    mute: Collection[str] = (),
    pacemaker: bool = False,
) -> Manifests:
    """Return the manifests; whatever refuses them has been shown.

    Args:
        paths: as given.
        form: with ``json``, findings that refuse the manifests are JSON on stdout too.
        warn: show warnings too; notes are for ``validate`` alone.
        mute: codes of warnings that are about to be dealt with.
        pacemaker: fence devices are resources, as Pacemaker has them.

    Raises:
        Quit: they are invalid.
    """
    wanted = named(paths)
    loaded = load.load(wanted, pacemaker=pacemaker)
    if loaded.desired is None:
        show(loaded)
        if form == "json":
            terminal.output().text(values.text(as_json(loaded)))
        raise Quit(ExitStatus.INVALID_MANIFEST)
    if warn:
        show(loaded, mute, least=diagnostic.Severity.WARNING)
    return Manifests(loaded.desired, wanted, loaded.digest)


def again(paths: Sequence[str]) -> Desired:
    """Return the manifests read anew, while a verb keeps running.

    Raises:
        InvalidInputError: they are invalid.
    """
    loaded = load.load(paths)
    if loaded.desired is None:
        raise diagnostic.InvalidInputError(loaded.diagnostics)
    return loaded.desired


def show(
    loaded: load.Loaded,
    mute: Collection[str] = (),
    least: diagnostic.Severity = diagnostic.Severity.NOTE,
) -> None:
    """Write what was found to stderr, with its source lines; ``least``: what counts at least."""
    order = tuple(diagnostic.Severity)
    shown = order[: order.index(least) + 1]
    found = [one for one in loaded.diagnostics if one.code not in mute and one.severity in shown]
    if not found:
        return
    screen = terminal.error()
    screen.lines(diagnostics.lines(found, loaded.sources))
    if diagnostic.has_errors(loaded.diagnostics):
        screen.lines([styled.EMPTY, diagnostics.summary(loaded.diagnostics)])


def as_json(loaded: load.Loaded) -> dict[str, object]:
    """Return what was found as JSON."""
    return {
        "format_version": values.FORMAT_VERSION,
        "valid": loaded.desired is not None,
        "digest": loaded.digest,
        "diagnostics": diagnostics.as_json(loaded.diagnostics),
    }
