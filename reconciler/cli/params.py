"""Arguments and options that several verbs share, and types of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.model import duration

_SECONDS_MAX = 253_402_300_799
"""The end of the year 9999, the last that has a calendar date."""

F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType[float]):
    """A length of time, as in manifests; its value is in seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds that a text means; wrong usage where it means none."""
        if isinstance(value, float | int):
            return float(value)
        milliseconds = duration.parse_ms(str(value))
        if milliseconds is None:
            self.fail(f"{value!r} is no length of time; write e.g. 90s, 5min", param, ctx)
        return milliseconds / 1000


class Moment(click.ParamType[float]):
    """A point in time: ISO 8601, or seconds since 1970; its value is the latter."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds that a text means; wrong usage where it means none."""
        if isinstance(value, float | int):
            return float(value)
        seconds = _seconds(str(value))
        if seconds is None:
            fix = "write e.g. 2026-01-31T12:00:00Z, or seconds since 1970"
            self.fail(f"{value!r} is no time; {fix}", param, ctx)
        return seconds


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        from reconciler.scheduler import rule

        found = rule.moment(text)
        return None if found is None else found.timestamp()
    return seconds if 0 <= seconds <= _SECONDS_MAX else None


def paths(function: F) -> F:
    """Add ``[PATH]...``: the manifests."""
    return click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())(function)


def manifests(function: F) -> F:
    """Add ``-f PATH``: the manifests, for verbs whose words mean something else."""
    return click.option(
        "-f",
        "--manifests",
        "paths",
        multiple=True,
        type=click.Path(),
        metavar="PATH",
        help="Manifest file or directory, repeatable.  [default: manifests]",
    )(function)


def output(*formats: str) -> Callable[[F], F]:
    """Add ``-o FORMAT``; the first format is the default."""
    return click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Format of what is printed on stdout.",
    )


def lock_timeout(function: F) -> F:
    """Add ``--lock-timeout``: how long to wait for somebody else who acts."""
    return click.option(
        "--lock-timeout",
        type=Duration(),
        default=0.0,
        metavar="DURATION",
        help="How long to wait while somebody else acts.  [default: not at all]",
    )(function)


def yes(function: F) -> F:
    """Add ``--yes``: nothing is asked."""
    return click.option("-y", "--yes", is_flag=True, help="Do it without asking.")(function)
