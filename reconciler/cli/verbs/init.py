"""``reconcile init``: write a first manifest directory."""

from __future__ import annotations

import pathlib

import click

from reconciler.cli import manifests, starter, terminal
from reconciler.cli.quit import Quit
from reconciler.errors.exit_status import ExitStatus


@click.command()
@click.argument("directory", default=manifests.DEFAULT, type=click.Path())
def init(directory: str) -> int:
    """Write a first manifest DIRECTORY: three sandbox nodes, a VIP, and their fence devices.

    Never changes a file that is there. Default: manifests
    """
    target = pathlib.Path(directory)
    there = [target / name for name in starter.FILES if (target / name).exists()]
    if there or (target.is_dir() and any(target.glob("*.y*ml"))):
        raise Quit(ExitStatus.ERROR, f"{target} holds manifests already; nothing was written")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, text in starter.texts().items():
            (target / name).write_text(text, encoding="utf-8")
            terminal.note(f"wrote {target / name}")
    except OSError as error:
        raise Quit(ExitStatus.ERROR, f"{error.filename}: {error.strerror}") from None
    path = "" if directory == manifests.DEFAULT else f" {directory}"
    terminal.note(
        f"next: reconcile validate{path}; reconcile sandbox up{path}; reconcile apply{path}"
    )
    return 0
