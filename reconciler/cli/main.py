"""The program ``reconcile``: parses, runs a verb, and turns whatever happens into an exit status.

Nothing heavy is imported here: ``--help`` and ``--version`` must be instant.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from reconciler.cli.group import LazyGroup, nearest
from reconciler.cli.quit import Quit
from reconciler.errors.exit_status import ExitStatus

PROGRAM = "reconcile"
_SIGINT_STATUS = 128 + 2
_DEBUG = "--debug"


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from reconciler.cli import release

        click.echo(f"{PROGRAM} {release.version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Manifests are read from ./manifests where no PATH is given. "
    "Exit status: 0 success, 1 error, 2 changes (plan --detailed-exitcode), 3 approval needed, "
    "4 not converged or blocked, 5 stale, 64 wrong usage, 65 invalid manifest.",
)
@click.option(_DEBUG, is_flag=True, help="Show a traceback where the program itself fails.")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the release.",
)
def group(debug: bool) -> None:
    """Keep a high-availability cluster as its manifests say.

    Resources, constraints and fence devices are YAML in git; this program observes the cluster,
    plans with Pacemaker's semantics, and does what is due.
    """
    del debug  # it was read before parsing, so that it works behind a verb too


def main() -> NoReturn:
    """Run the program; the entry point of the package."""
    # What is imported at the start stays; collecting it would be a fifth of the time that it takes.
    gc.disable()
    # A plug-in that happens to be installed must not change what a manifest means; and looking
    # for one would read the meta-data of every package there is.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        # What a terminal's character set lacks is written out, instead of ending the program.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # both are text
    status = run(sys.argv[1:])
    gc.freeze()  # the interpreter would search all of it for cycles before it ends
    sys.exit(status)


def run(words: Sequence[str]) -> int:
    """Run the program with these words; return its exit status, never raise."""
    debug, rest = _take_debug(list(words))
    try:
        status = group.main(args=rest, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except (Quit, click.ClickException) as end:
        return _ended(end)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", _SIGINT_STATUS)
    except Exception as error:  # noqa: BLE001 - the last border: a person must not see a traceback
        return _unexpected(error, debug=debug)
    return int(status) if isinstance(status, int) else ExitStatus.SUCCESS


def _ended(end: Quit | click.ClickException) -> int:
    if isinstance(end, Quit):
        return _say(end.message, end.status, fix=end.fix) if end.message else int(end.status)
    if isinstance(end, click.UsageError):
        return _usage(end)
    return _say(end.format_message(), ExitStatus.ERROR)


def _take_debug(words: list[str]) -> tuple[bool, list[str]]:
    end = words.index("--") if "--" in words else len(words)
    kept = [word for word in words[:end] if word != _DEBUG]
    return len(kept) < end, kept + words[end:]


def _say(message: str, status: int, *, fix: str = "") -> int:
    from reconciler.cli import terminal
    from reconciler.render import styled

    rows = [styled.line(styled.span("error: ", styled.Style.BAD), message, hang=7)]
    if fix:
        rows.append(styled.line("       ", styled.span(fix, styled.Style.NOTE), hang=7))
    with contextlib.suppress(Quit, OSError):
        terminal.error().lines(rows)
    return int(status)


def _usage(error: click.UsageError) -> int:
    message = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        options = [name for one in error.ctx.command.get_params(error.ctx) for name in one.opts]
        near = nearest(error.option_name, [name for name in options if name.startswith("--")])
        message = f"no such option '{error.option_name}'{near}"
    path = error.ctx.command_path if error.ctx is not None else PROGRAM
    return _say(message, ExitStatus.USAGE, fix=f"see: {path} --help")


def _unexpected(error: Exception, *, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
        return ExitStatus.ERROR
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return _say(f"{name}{error.strerror}", ExitStatus.ERROR)
    words = str(error).splitlines()[:1]
    return _say(
        f"unexpected {type(error).__name__}: {''.join(words)}",
        ExitStatus.ERROR,
        fix=f"this is a mistake of the program; run it again with {_DEBUG} to see where",
    )


if __name__ == "__main__":
    main()
