"""Blocks of name-value pairs: lowered to attribute sets, each pair checked on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reconciler.errors import position
from reconciler.manifest import codes, rules, scalar, shape, tree, wording
from reconciler.model import attribute, property, score, secret  # noqa: A004 - the field's word

Pair = tuple[str, secret.Value]
Check = Callable[[str, secret.Value, tree.Mapping], Pair | None]
"""Takes name, value and where they stand; returns the pair to keep, current names, or None."""
Pairs = Mapping[str, secret.Value] | Sequence[shape.Block]
"""Pairs as the shape has them: always valid ones, or blocks with rules."""


def sets(
    pairs: Pairs, parent: tree.Mapping, key: str, check: Check, findings: codes.Findings
) -> attribute.AttributeSets:
    """Return the pairs below ``parent[key]`` as attribute sets, the highest score first."""
    if isinstance(pairs, Mapping):
        one = _set(pairs, parent.mapping(key), check, findings)
        return (one,) if one.pairs else ()
    blocks = parent.sequence(key)
    found = []
    for index, block in enumerate(pairs):
        where = blocks.mapping(index)
        one = _set(block.values, where.mapping("values"), check, findings)
        rule = None
        if block.rule is not None:
            rule = rules.lowered(block.rule, where.mapping("rule"), findings)
        found.append(attribute.AttributeSet(one.pairs, rule, block.score, origins=one.origins))
    return tuple(sorted(found, key=lambda one: -one.score))


def _set(
    pairs: Mapping[str, secret.Value], where: tree.Mapping, check: Check, findings: codes.Findings
) -> attribute.AttributeSet:
    kept: dict[str, secret.Value] = {}
    origins: dict[str, position.Position] = {}
    for name, value in pairs.items():
        pair = check(name, value, where)
        if pair is None:
            continue
        if pair[0] in kept:
            findings.add(
                "defined-twice",
                f"{pair[0]} is set twice, under an older and its current name",
                where.key(name),
                related=((origins[pair[0]], "also set here"),),
                fix="remove one of the two",
            )
        kept[pair[0]] = pair[1]
        origins[pair[0]] = where.value(name)
    return attribute.AttributeSet(kept, origins=origins)


def options(
    table: property.Table,
    unknown: str,
    findings: codes.Findings,
    elsewhere: Mapping[str, str] | None = None,
    *,
    final: bool = False,
) -> Check:
    """Return the check for pairs that a table knows.

    Args:
        table: the names and types.
        unknown: code for names that are not in the table.
        findings: where findings go.
        elsewhere: names that belong somewhere else, and where that is.
        final: whether values that do not fit cannot be kept, so that nobody can accept them.
    """

    def check(name: str, value: secret.Value, where: tree.Mapping) -> Pair | None:
        option = table.find(name)
        if option is None:
            hint = (elsewhere or {}).get(name, "")
            findings.add(
                unknown,
                f"{wording.shown(name)} is none of the {table.title}",
                where.key(name),
                nearest=() if hint else _nearest(name, table, findings),
                fix=hint,
            )
            return (name, value)
        if name != option.name:
            findings.add("old-name", f"{name} is an older name of {option.name}", where.key(name))
        if isinstance(value, secret.SecretRef):
            findings.add("wrong-type", f"{name} is no secret; write its value", where.value(name))
            return None
        if not fits(option, value):
            misfit(option, value, where.value(name), findings, final=final)
            return None if final else (option.name, value)
        return (option.name, _word(option, value))

    return check


def _nearest(name: str, table: property.Table, findings: codes.Findings) -> tuple[str, ...]:
    """Return the options that a name may mean; an older name leads to its current one."""
    every = [each for one in table.options.values() for each in (one.name, *one.aliases)]
    found = (table.canonical(each) for each in findings.nearest(name, every))
    return tuple(dict.fromkeys(found))


def _word(option: property.Option, text: str) -> str:
    return (property.choice(option, text) or text) if option.choices else text


def fits(option: property.Option, text: str) -> bool:
    """Tell whether a text is a value of an option."""
    if property.typed(option, text) is None:
        return False
    if option.kind is not property.Kind.SCORE:
        return True
    number = property.integer(text)
    return number is None or abs(number) <= score.INFINITY


def misfit(
    option: property.Option,
    text: str,
    at: position.Position,
    findings: codes.Findings,
    *,
    final: bool = False,
) -> None:
    """Say why a text is no value of an option."""
    add = findings.refuse if final else findings.add
    kinds = property.Kind
    least = "" if option.minimum is None else f", at least {option.minimum}"
    word = f"{option.name}: {wording.shown(text)}"
    match option.kind:
        case kinds.BOOLEAN:
            add("invalid-boolean", f"{word} is neither true nor false", at)
        case kinds.DURATION:
            add("invalid-duration", f"{option.name}: {scalar.wrong_duration(text)}", at)
        case kinds.ENUM:
            add(
                "invalid-value",
                f"{word} is none of {', '.join(option.choices)}",
                at,
                nearest=findings.nearest(text, option.choices),
            )
        case kinds.SCORE:
            add("invalid-score", f"{option.name}: {scalar.wrong_score(text)}{least}", at)
        case kinds.PERCENTAGE:
            add("invalid-number", f"{word} is no percentage such as 80%", at)
        case _:
            add("invalid-number", f"{word} is no whole number{least}", at)


def free(findings: codes.Findings, what: str) -> Check:
    """Return the check for pairs of any name whose values are no secrets."""

    def check(name: str, value: secret.Value, where: tree.Mapping) -> Pair | None:
        if isinstance(value, secret.SecretRef):
            findings.add("wrong-type", f"{what} are no secrets; write the value", where.value(name))
            return None
        return (name, value) if plain(name, where, what, findings) else None

    return check


def capacities(findings: codes.Findings) -> Check:
    """Return the check for utilization: whole numbers that are not negative."""

    def check(name: str, value: secret.Value, where: tree.Mapping) -> Pair | None:
        number = property.integer(value) if isinstance(value, str) else None
        if number is None or number < 0:
            got = wording.shown(value) if isinstance(value, str) else "a secret"
            findings.add(
                "invalid-number",
                f"utilization {name}: {got} is no number of 0 or more",
                where.value(name),
            )
            return (name, value) if isinstance(value, str) else None
        return (name, str(number)) if plain(name, where, "utilization", findings) else None

    return check


def plain(name: str, where: tree.Mapping, what: str, findings: codes.Findings) -> bool:
    """Tell whether the name of an attribute can be used; if not, say so."""
    if name and len(name) <= 255 and name.isascii() and name.isprintable() and " " not in name:  # noqa: PLR2004 - longest name of a file
        return True
    findings.refuse(
        "invalid-name",
        f"{what}: {wording.shown(name)} is no name: 1 to 255 visible ASCII characters",
        where.key(name),
    )
    return False
