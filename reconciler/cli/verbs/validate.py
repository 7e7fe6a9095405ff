"""``reconcile validate``: check manifests, contacting no node."""

from __future__ import annotations

import click

from reconciler.cli import manifests, params, terminal
from reconciler.errors import diagnostic
from reconciler.errors.exit_status import ExitStatus
from reconciler.manifest import load
from reconciler.render import diagnostics, styled, values


@click.command()
@params.paths
@params.output("text", "json", "github")
@click.option("--strict", is_flag=True, help="Let warnings refuse the manifests too.")
def validate(paths: tuple[str, ...], form: str, strict: bool) -> int:
    """Check manifests and say what is wrong, where, and what was probably meant.

    Contacts no node. Every finding of the run is shown.
    """
    wanted = manifests.named(paths)
    loaded = load.load(wanted)
    warned = any(one.severity is diagnostic.Severity.WARNING for one in loaded.diagnostics)
    refused = loaded.desired is None or (strict and warned)
    if form == "json":
        terminal.output().text(values.text(manifests.as_json(loaded)))
    elif form == "github":
        terminal.output().text(diagnostics.github(loaded.diagnostics))
    else:
        manifests.show(loaded)
        if loaded.desired is not None and not refused:
            terminal.output().lines([_verdict(loaded)])
    return int(ExitStatus.INVALID_MANIFEST if refused else ExitStatus.SUCCESS)


def _verdict(loaded: load.Loaded) -> styled.Line:
    found = loaded.desired
    counts = (
        (
            (len(found.nodes), "node"),
            (len(found.resources), "resource"),
            (len(found.constraints), "constraint"),
            (len(found.fencing.devices), "fence device"),
        )
        if found
        else ()
    )
    listed = ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counts)
    return styled.line(
        styled.span("Valid: ", styled.Style.GOOD), f"{found.name if found else ''}, {listed}."
    )
