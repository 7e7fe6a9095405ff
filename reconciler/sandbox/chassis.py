"""The chassis behind a simulated management controller: ipmi_sim runs this for every power command.

`0x20 get power` prints `power:0` or `power:1`; `0x20 set power 0|1`, `set reset 1`, `set shutdown 1` switch. The
answer is given when the power has really changed; exit status 1 makes ipmi_sim report an error.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable, Sequence

from reconciler.sandbox import layout, power, spec

_SWITCHES: dict[tuple[str, str], Callable[[pathlib.Path, str], None]] = {
    ("power", "0"): power.power_off,
    ("power", "1"): power.power_on,
    ("reset", "1"): power.power_cycle,
    # A soft shutdown asks the operating system to go; the nodes have none that could take its time.
    ("shutdown", "1"): power.power_off,
}


def run(root: pathlib.Path, node: str, words: Sequence[str]) -> int:
    """Does what ipmi_sim asks for; returns the exit status."""
    match list(words):
        case [_, "get", *names]:
            return _get(root, node, names)
        case [_, "set", *pairs] if len(pairs) % 2 == 0:
            return _set(root, node, list(zip(pairs[::2], pairs[1::2], strict=True)))
        case [_, "check", *_]:
            return 0
    print(f"not understood: {' '.join(words)}", file=sys.stderr)  # noqa: T201  # ipmi_sim's log
    return 1


def _get(root: pathlib.Path, node: str, names: Sequence[str]) -> int:
    try:
        switched_on = power.switched_on(layout.Files.at(root).node(node))
    except spec.SandboxError as error:
        print(error, file=sys.stderr)  # noqa: T201  # ipmi_sim's log
        return 1
    values = {"power": "1" if switched_on else "0", "boot": "default"}
    for name in names:
        print(f"{name}:{values.get(name, 'unknown')}")  # noqa: T201  # read by ipmi_sim
    return 0 if set(names) <= values.keys() else 1


def _set(root: pathlib.Path, node: str, pairs: Sequence[tuple[str, str]]) -> int:
    for pair in pairs:
        switch = _SWITCHES.get(pair)
        if switch is None:
            # Where to boot from, or a button that is let go: nothing to do for a node without disks and buttons.
            continue
        try:
            switch(root, node)
        except (spec.SandboxError, OSError) as error:
            print(f"{node}: {error}", file=sys.stderr)  # noqa: T201  # ipmi_sim's log
            return 1
    return 0
