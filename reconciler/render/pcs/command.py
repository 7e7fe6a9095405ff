"""Commands of the script: words quoted for the shell, secrets from the environment."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping

from reconciler.model import attribute, secret

_WIDTH = 100


class Word(str):
    """A word of the script that the shell has to read as it stands."""

    __slots__ = ()


def words(*parts: str) -> str:
    """Return a command on one line, or on several where it is long."""
    quoted = [part if isinstance(part, Word) else shlex.quote(part) for part in parts]
    line = ""
    lines = []
    for word in quoted:
        if line and len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = f"  {word}"
        else:
            line = f"{line} {word}" if line else word
    return " \\\n".join([*lines, line])


def pairs(found: Mapping[str, secret.Value]) -> Iterator[str]:
    """Yield ``name=value`` words."""
    for name, value in found.items():
        if isinstance(value, str):
            yield f"{name}={value}"
        else:
            yield Word(f"{shlex.quote(name)}={placeholder(value)}")


def placeholder(one: secret.SecretRef) -> str:
    """Return what the shell replaces by the secret; where it cannot, the script stops and says so."""
    if one.source is secret.SecretSource.ENV:
        return f'"${{{one.reference[0]}:?}}"'
    if one.source is secret.SecretSource.FILE:
        return f'"$(cat {shlex.quote(one.path)})"'
    return f'"$({shlex.join(one.reference)})"'


def always(sets: attribute.AttributeSets) -> dict[str, secret.Value]:
    """Return the pairs that hold whatever the rules say."""
    found: dict[str, secret.Value] = {}
    for one in attribute.merged(sets):
        if one.rule is None:
            found = {**one.pairs, **found}
    return found


def conditional(sets: attribute.AttributeSets) -> bool:
    """Tell whether some pairs hold only while a rule does."""
    return any(one.rule is not None for one in sets)


def section(title: str, lines: Iterable[str]) -> list[str]:
    """Return commands below a comment; nothing where there are none."""
    found = list(lines)
    return ["", f"# {title}", *found] if found else []


def unsaid(what: str, why: str) -> str:
    """Return the comment on something that pcs has no command for."""
    return f"# not said: {what}: {why}; the CIB of --format cib has it"
