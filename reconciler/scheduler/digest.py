"""Digests of parameters: how a change of a resource's definition is seen.

The digest is the MD5 of the parameters written as one XML element, names sorted. MD5 is what
histories hold; it protects nothing. A secret enters by its reference, never by its value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from reconciler.model import agent, secret
from reconciler.model.observed import Digests

_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"))

_MASK = "*"
SETTINGS = "pcmk_*"
"""Stands for the parameters of a fence device that tell the cluster how to use it."""


def text(params: Mapping[str, secret.Value]) -> str:
    """Return the canonical text whose MD5 is the digest."""
    parts = [" <parameters"]
    for name in sorted(params):
        value = str(params[name])
        for plain, escaped in _ESCAPES:
            value = value.replace(plain, escaped)
        parts.append(f' {name}="{value}"')
    parts.append("/>\n")
    return "".join(parts)


def digest(params: Mapping[str, secret.Value]) -> str:
    """Return the MD5 of the parameters, 32 hexadecimal digits."""
    return hashlib.md5(text(params).encode(), usedforsecurity=False).hexdigest()


def digests(
    params: Mapping[str, secret.Value],
    metadata: agent.Metadata | None,
    interval_ms: int = 0,
    timeout_ms: int = 0,
) -> Digests:
    """Return the digests that an action carries into the history.

    Args:
        params: the agent's parameters.
        metadata: says which parameters can be reloaded and which are private; None: not known,
            any change means a restart and nothing is private.
        interval_ms: above 0 for recurring operations; their time-out is part of the digest.
        timeout_ms: used for recurring operations only.
    """
    everything = dict(params)
    if interval_ms:
        everything["CRM_meta_timeout"] = str(timeout_ms)
    if metadata is None:
        return Digests(all=digest(everything))
    reloads = metadata.offers("reload-agent")
    reloadable = {one.name for one in metadata.parameters if one.reloadable and reloads}
    private = {one.name for one in metadata.parameters if one.private}
    known = {one.name for one in metadata.parameters}
    fixed = tuple(sorted((known | set(params)) - reloadable))
    return Digests(
        all=digest(everything),
        nonreloadable=digest(without(params, reloadable)) if reloadable else "",
        nonprivate=digest(without(everything, private)) if private else "",
        restart_parameters=fixed if reloadable else (),
    )


def fits(
    recorded: Digests, params: Mapping[str, secret.Value], extra: Mapping[str, secret.Value]
) -> bool:
    """Tell whether an operation was run with the parameters that it would be run with today.

    Private parameters that are masked are left out where the history names them: in a file that is
    passed on they would read as changed. Then what only the operation has does not count either
    (measured). Those that are not masked count: a new password has to reach what runs with the old
    one, though the reference leaves them out, too.

    Args:
        recorded: what the history says.
        params: today's parameters.
        extra: what the operation has besides, see ``beyond``.
    """
    if recorded.all == digest({**params, **extra}):
        return True
    private = recorded.private_parameters
    if not any(_is_masked(params.get(name)) for name in private):
        return False
    if SETTINGS in private:
        params = {
            name: value for name, value in params.items() if not name.startswith(SETTINGS[:-1])
        }
    return recorded.nonprivate == digest(without(params, private))


def _is_masked(value: secret.Value | None) -> bool:
    """Tell whether somebody has struck a value out."""
    return isinstance(value, str) and bool(value) and not value.strip(_MASK)


def beyond(
    params: Mapping[str, secret.Value], interval_ms: int, timeout_ms: int
) -> dict[str, secret.Value]:
    """Return what an operation has besides the agent's parameters: its own, and its time-out."""
    return {**params, "CRM_meta_timeout": str(timeout_ms)} if interval_ms else dict(params)


def without(params: Mapping[str, secret.Value], names: Collection[str]) -> dict[str, secret.Value]:
    """Return the parameters whose names are not among ``names``."""
    return {name: value for name, value in params.items() if name not in names}
