"""An agent's own description, for people: what it is, its parameters, its operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model import agent, duration
from reconciler.render.styled import EMPTY, Line, Lines, Span, Style, heading, line, span, table

_LONG_MAX = 400


def lines(one: agent.Metadata, name: str) -> Lines:
    """Return a description: texts, required parameters first, then operations."""
    result: list[Line] = [line(span(name, Style.STRONG), f"  {one.short}" if one.short else "")]
    for paragraph in _paragraphs(one.long):
        result += [EMPTY, line("  ", paragraph, hang=2)]
    rows = sorted(one.parameters, key=lambda each: (not each.required, each.deprecated))
    if rows:
        result += [EMPTY, heading("Parameters"), *table(_parameter(each) for each in rows)]
    if one.operations:
        result += [
            EMPTY,
            heading("Operations"),
            *table(_operation(each) for each in one.operations),
        ]
    return tuple(result)


def _paragraphs(text: str) -> Iterable[str]:
    for part in text.split("\n\n"):
        words = " ".join(part.split())
        if words:
            yield words


def _parameter(one: agent.Parameter) -> tuple[Span, ...]:
    flags = [
        word
        for word, holds in (
            ("required", one.required),
            ("unique", one.unique),
            ("secret", one.private),
            ("reloadable", one.reloadable),
            (f"use {one.replaced_by}" if one.replaced_by else "deprecated", one.deprecated),
        )
        if holds
    ]
    default = f" [default: {one.default}]" if one.default else ""
    choices = f" ({', '.join(one.choices)})" if one.choices else ""
    text = " ".join((one.short or one.long).split())
    short = text if len(text) <= _LONG_MAX else text[:_LONG_MAX] + "..."
    return (
        span(one.name, Style.STRONG if one.required else Style.PLAIN),
        span(one.type, Style.FAINT),
        span(", ".join(flags), Style.WARNING if one.required else Style.FAINT),
        span(f"{short}{choices}{default}"),
    )


def _operation(one: agent.AdvisedOperation) -> tuple[Span, ...]:
    facts = []
    if one.interval_ms:
        facts.append(f"interval={duration.text(one.interval_ms)}")
    if one.timeout_ms is not None:
        facts.append(f"timeout={duration.text(one.timeout_ms)}")
    if one.role:
        facts.append(f"role={one.role}")
    if one.depth:
        facts.append(f"depth={one.depth}")
    return span(one.name), span(" ".join(facts), Style.FAINT)


def by_standard(names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the names of agents below their standard and provider, sorted."""
    found: dict[str, list[str]] = {}
    for name in names:
        head, _, _ = name.rpartition(":")
        found.setdefault(head or "fence", []).append(name)
    return {head: tuple(sorted(found[head])) for head in sorted(found)}
