"""Resource agents: their names, and what their meta-data says of them."""

from __future__ import annotations

import enum
import functools
import re
from typing import NamedTuple

from reconciler.frozen import frozen

_WORD = r"[A-Za-z0-9][A-Za-z0-9_.@:\\-]*"
_PART = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_OCF = re.compile(rf"ocf:(?:({_PART}):)?({_PART})")
_PLAIN = re.compile(rf"(systemd|lsb|stonith|service):({_WORD})")


class Standard(enum.Enum):
    """The dialects in which agents are spoken to."""

    OCF = "ocf"
    SYSTEMD = "systemd"
    LSB = "lsb"
    SERVICE = "service"
    STONITH = "stonith"


class AgentName(NamedTuple):
    """``standard:provider:type``; only OCF agents have a provider."""

    standard: str
    provider: str
    kind: str

    def __str__(self) -> str:
        return ":".join(part for part in (self.standard, self.provider, self.kind) if part)


@functools.lru_cache(maxsize=4_096)
def named(standard: str, provider: str, kind: str) -> AgentName:
    """Return an agent's name, the same object for the same words: names are compared a lot."""
    return AgentName(standard, provider, kind)


def parse(text: str) -> AgentName | None:
    """Return the agent that ``text`` names, or None where it cannot be a name.

    An OCF agent without provider means ``heartbeat`` (as in Pacemaker's tools).
    """
    if ".." in text:
        return None
    ocf = _OCF.fullmatch(text)
    if ocf:
        return AgentName("ocf", ocf[1] or "heartbeat", ocf[2])
    plain = _PLAIN.fullmatch(text)
    return AgentName(plain[1], "", plain[2]) if plain else None


@frozen
class Parameter:
    """A parameter as the agent's meta-data describes it."""

    name: str
    type: str = "string"
    required: bool = False
    default: str | None = None
    unique: bool = False
    reloadable: bool = False
    private: bool = False
    choices: tuple[str, ...] = ()
    short: str = ""
    long: str = ""
    deprecated: bool = False
    replaced_by: str = ""


@frozen
class AdvisedOperation:
    """An operation that the agent offers, with the time-out and interval that it advises."""

    name: str
    timeout_ms: int | None = None
    interval_ms: int | None = None
    role: str = ""
    depth: int = 0


@frozen
class Metadata:
    """What an agent says of itself (OCF Resource Agent API, section "Metadata")."""

    agent: AgentName
    version: str = ""
    short: str = ""
    long: str = ""
    parameters: tuple[Parameter, ...] = ()
    operations: tuple[AdvisedOperation, ...] = ()
    promotable: bool = False

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of that name, or None."""
        return next((one for one in self.parameters if one.name == name), None)

    def offers(self, operation: str) -> bool:
        """Tell whether the agent lists the operation."""
        return any(one.name == operation for one in self.operations)
