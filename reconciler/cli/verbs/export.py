"""``reconcile export``: manifests, or a CIB, as a CIB or as ``pcs`` commands."""

from __future__ import annotations

import click

from reconciler.cli import cib_file, params, saving, scene, terminal
from reconciler.cli.quit import Quit
from reconciler.errors import diagnostic, position
from reconciler.errors.exit_status import ExitStatus
from reconciler.frozen import frozen
from reconciler.model import desired, fencing, observed, resource, secret
from reconciler.render import diagnostics

_CIB, _PCS = "cib", "pcs"


@frozen
class _Found:
    """What is exported; fence devices are resources here, as Pacemaker has them."""

    desired: desired.Desired
    levels: tuple[fencing.FencingLevel, ...]
    observed: observed.Observed | None


@click.command()
@params.paths
@click.option(
    "--format",
    "form",
    type=click.Choice((_CIB, _PCS)),
    default=_CIB,
    show_default=True,
    help="The XML that cibadmin takes, or a shell script of pcs commands.",
)
@click.option("--cib", metavar="FILE", help="Instead of manifests: a CIB; - is stdin.")
@click.option("--observed", metavar="FILE", help="Write this observation as the status of the CIB.")
@click.option("--out", metavar="FILE", help="Write this file instead of stdout.")
def export(
    paths: tuple[str, ...], form: str, cib: str | None, observed: str | None, out: str | None
) -> int:
    """Write manifests as a CIB, or as commands that make one.

    Secrets are never written: a CIB says where each is to be found, which is listed on stderr, and
    the commands take it from there. With a status, crm_simulate decides about the CIB as simulate
    does.
    """
    found = _from_cib(cib, paths, observed) if cib is not None else _from_manifests(paths, observed)
    if form == _CIB:
        from reconciler.cib import write

        text = write.text(found.desired, found.levels, found.observed)
        _list_secrets(found.desired)
    else:
        from reconciler.render.pcs import script

        text = script.text(found.desired, found.levels)
    if out is None:
        terminal.output().text(text)
    else:
        saving.save(out, text)
    return int(ExitStatus.SUCCESS)


def _from_cib(cib: str, paths: tuple[str, ...], seen: str | None) -> _Found:
    if paths or seen is not None:
        message = "--cib stands for manifests and observation; name no other source"
        raise click.UsageError(message)
    from reconciler.cli import adoption

    found = adoption.adopted(cib_file.imported(cib))
    return _Found(found.content.desired, found.content.levels, found.observed)


def _from_manifests(paths: tuple[str, ...], seen: str | None) -> _Found:
    from reconciler.cli import manifests
    from reconciler.manifest import load

    loaded = load.load(manifests.named(paths), pacemaker=True)
    if loaded.desired is None:
        manifests.show(loaded)
        raise Quit(ExitStatus.INVALID_MANIFEST)
    status = scene.recorded(seen) if seen is not None else None
    return _Found(loaded.desired, loaded.fencing.levels, status)


def _list_secrets(wanted: desired.Desired) -> None:
    """Say which values have to be put in, on stderr."""
    listed = [
        diagnostic.Diagnostic(
            "secret-not-written",
            f"{one.name}: put the value of {name} in, which is a {value}",
            position.Position(f"cib:{one.name}"),
            diagnostic.Severity.WARNING,
        )
        for top in wanted.resources
        for one in resource.primitives(top)
        for sets in one.params
        for name, value in sets.pairs.items()
        if isinstance(value, secret.SecretRef)
    ]
    if listed:
        terminal.error().lines(diagnostics.lines(listed, {}))
