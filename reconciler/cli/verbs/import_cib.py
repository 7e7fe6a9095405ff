"""``reconcile import``: a CIB becomes manifests."""

from __future__ import annotations

import pathlib

import click

from reconciler.cli import adoption, cib_file, params, saving, terminal
from reconciler.cli.quit import Quit
from reconciler.errors.exit_status import ExitStatus
from reconciler.render import diagnostics, observation, styled, values


@click.command(name="import")
@click.argument("cib", metavar="CIB", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Write one file for each topic here, instead of one document on stdout.",
)
@click.option("--observed", metavar="FILE", help="Keep the status as an observation, for simulate.")
@click.option("--name", default="", help="The cluster's name, where the CIB has none.")
@click.option("--force", is_flag=True, help="Overwrite manifests that are there.")
@params.output("text", "json")
def import_cib(
    cib: str, form: str, *, out: str | None, observed: str | None, name: str, force: bool
) -> int:
    """Write a CIB as manifests.

    CIB is the XML of `pcs cluster cib` or `cibadmin --query`; - reads it from stdin. Secrets never
    reach a manifest: they become references to environment variables. What was changed, left out
    or needs a decision is listed on stderr, by CIB id; where something could not be carried, the
    exit status is 1.
    """
    result = adoption.adopted(cib_file.imported(cib), name=name)
    files = result.files()
    written = _write(pathlib.Path(out), files, force=force) if out is not None else ()
    if observed is not None:
        if pathlib.Path(observed).exists() and not force:
            raise Quit(ExitStatus.ERROR, f"{observed} would be overwritten", fix="or say --force")
        saving.save(observed, observation.save(result.observed))
    if form == "json":
        terminal.output().text(values.text(_as_json(result, files, written)))
    elif out is None:
        terminal.output().text(result.single())
    else:
        terminal.output().lines([styled.line(path) for path in written])
    listed = (*result.findings, *result.errors)
    if form != "json" and listed:
        terminal.error().lines(diagnostics.lines(listed, {}))
    if result.errors:
        raise Quit(ExitStatus.INVALID_MANIFEST, "these manifests are not valid as they are")
    return int(ExitStatus.ERROR if result.lossy else ExitStatus.SUCCESS)


def _write(folder: pathlib.Path, files: dict[str, str], *, force: bool) -> tuple[str, ...]:
    """Write the manifests; all of them or none where something is in the way."""
    there = [name for name in files if (folder / name).exists()]
    if there and not force:
        raise Quit(
            ExitStatus.ERROR,
            f"{folder}: {', '.join(there)} would be overwritten",
            fix="choose another directory, or say --force",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tuple(str(folder / name) for name in files)


def _as_json(
    result: adoption.Adoption, files: dict[str, str], written: tuple[str, ...]
) -> dict[str, object]:
    return {
        "format_version": values.FORMAT_VERSION,
        "valid": not result.errors,
        "lossy": result.lossy,
        "files": files,
        "written": list(written),
        "diagnostics": diagnostics.as_json((*result.findings, *result.errors)),
    }
