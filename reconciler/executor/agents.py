"""Finding agents: a name is resolved under the agent roots only, and its file must be trustworthy.

Whoever can change an agent's file runs code as this daemon's user, so the file and the
directories from its root down belong to root (or to this user where it is not root) and nobody
else may write them.
"""

from __future__ import annotations

import os
import stat
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from reconciler.executor import names, refusal

OCF, SYSTEMD, LSB, FENCE = "ocf", "systemd", "lsb", "fence"
SHIPPED_PROVIDER = "reconciler"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_UNIT_SUFFIXES = (".service", ".socket", ".mount", ".timer", ".path", ".target", ".automount")


class Agent(NamedTuple):
    """A resolved agent.

    Args:
        name: As it was asked for.
        standard: `ocf`, `systemd`, `lsb` or `fence`.
        provider: Of an OCF agent; empty for others.
        type: The agent's own name, the unit, or the script.
        path: The program; None for a systemd unit, or where no such agent is installed.
    """

    name: str
    standard: str
    provider: str
    type: str
    path: Optional[str]


class Roots(NamedTuple):
    """Where agents are.

    Args:
        ocf: OCF `resource.d` directories, first one wins.
        init: The directory of init scripts.
        fence: The directory of fence agents.
    """

    ocf: Sequence[str]
    init: str
    fence: str


def parse(name: str) -> Tuple[str, str, str]:
    """Return (standard, provider, type) of an agent's name.

    Raises:
        RefusedError: It is no agent name of a known standard.
    """
    words = name.split(":")
    if words[0] == OCF and len(words) == 3:  # noqa: PLR2004  ocf:PROVIDER:TYPE
        return OCF, names.check("provider", words[1]), names.check("type", words[2])
    if words[0] == SYSTEMD and len(words) > 1:
        return SYSTEMD, "", names.check("unit", name[len("systemd:") :])
    if words[0] == LSB and len(words) == 2:  # noqa: PLR2004  lsb:NAME
        return LSB, "", names.check("script", words[1])
    if words[0] == "stonith" and len(words) == 2:  # noqa: PLR2004  stonith:fence_NAME
        return FENCE, "", names.check("fence agent", words[1])
    if name.startswith("fence_"):
        return FENCE, "", names.check("fence agent", name)
    raise refusal.RefusedError(
        refusal.UNKNOWN_AGENT,
        f"{name[:80]!a}: expected ocf:PROVIDER:TYPE, systemd:UNIT, lsb:NAME or fence_NAME",
    )


def find(name: str, roots: Roots) -> Agent:
    """Return the agent; its `path` is None where none is installed.

    Raises:
        RefusedError: The name is wrong, or what is there must not be run.
    """
    standard, provider, kind = parse(name)
    if standard == SYSTEMD:
        unit = kind if kind.endswith(_UNIT_SUFFIXES) else f"{kind}.service"
        return Agent(name, standard, provider, unit, None)
    if standard == OCF:
        for root in roots.ocf:
            path = _trusted(root, f"{provider}/{kind}", roots.ocf)
            if path is not None:
                return Agent(name, standard, provider, kind, path)
        return Agent(name, standard, provider, kind, None)
    root = roots.init if standard == LSB else roots.fence
    return Agent(name, standard, provider, kind, _trusted(root, kind, (root,)))


def _trusted(root: str, relative: str, roots: Sequence[str]) -> Optional[str]:
    """Return the real path of an agent below `root`, None where there is none.

    Raises:
        RefusedError: It leads out of the roots, or somebody else could have written it.
    """
    path = os.path.realpath(f"{root}/{relative}")
    if not os.path.exists(path):  # noqa: PTH110  pathlib costs memory
        return None
    inside = [real for real in map(os.path.realpath, roots) if path.startswith(f"{real}/")]
    if not inside:
        raise refusal.RefusedError(refusal.UNKNOWN_AGENT, f"{path} is outside the agent roots")
    if not os.path.isfile(path) or not os.access(path, os.X_OK):  # noqa: PTH113  pathlib costs memory
        return None
    step = path
    while len(step) >= len(inside[0]):
        _check_owner(step)
        step = os.path.dirname(step)  # noqa: PTH120  pathlib costs memory
    return path


def _check_owner(path: str) -> None:
    found = os.stat(path)  # noqa: PTH116  pathlib costs memory
    allowed = {0, os.geteuid()}
    if found.st_uid not in allowed or found.st_mode & _WRITABLE_BY_OTHERS:
        raise refusal.RefusedError(
            refusal.UNKNOWN_AGENT,
            f"{path} must belong to root and be writable by nobody else "
            f"(owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):04o})",
        )


def listed(roots: Roots) -> List[Dict[str, str]]:
    """Return every agent that can be run, sorted by name."""
    found: Dict[str, str] = {}
    for root in roots.ocf:
        for provider in _entries(root):
            for kind in _entries(f"{root}/{provider}"):
                _add(found, f"ocf:{provider}:{kind}", roots)
    for script in _entries(roots.init):
        _add(found, f"lsb:{script}", roots)
    for program in _entries(roots.fence):
        if program.startswith("fence_"):
            _add(found, program, roots)
    return [{"agent": name, "path": path} for name, path in sorted(found.items())]


def _add(found: Dict[str, str], name: str, roots: Roots) -> None:
    try:
        agent = find(name, roots)
    except refusal.RefusedError:
        return  # a file of another kind, or one that must not be run
    if agent.path is not None:
        found.setdefault(name, agent.path)


def _entries(directory: str) -> List[str]:
    try:
        return sorted(name for name in os.listdir(directory) if not name.startswith("."))  # noqa: PTH208  pathlib costs memory
    except OSError:
        return []
