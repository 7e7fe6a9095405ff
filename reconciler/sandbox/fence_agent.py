# ruff: noqa: T201  # a fence agent answers on its standard output
"""A fence agent for nodes of a sandbox, as other cluster software expects fence agents to be.

Options come as `name=value` lines on standard input, or, where there are any, as `--name=value` arguments; the action `metadata`
describes them. Exit status: 0 done (for `status`: on), 2 the node is off (`status` only), 1 anything else, with the
reason on standard error. It must run outside of the nodes, and says so where it does not: from inside of a
node the machine's processes cannot be seen, and a node must never be called off for that reason.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping
from xml.sax import saxutils

from reconciler.sandbox import layout, power, spec

DONE = 0
FAILED = 1
IS_OFF = 2

OLDER_NAMES = {"port": "plug", "nodename": "plug", "option": "action"}
SHORT_NAMES = {"-o": "action", "-n": "plug"}

PARAMETERS = (
    ("action", "string", "reboot", False, "What to do"),
    ("plug", "string", None, False, "Name of the node"),
    ("root", "string", None, True, "Directory of the sandbox"),
)
"""Name, type, default, whether required, description."""

_DESCRIPTION = (
    "Switches nodes of a reconciler sandbox, which run on this machine, on and off. A node counts as off only"
    " after all of its processes have ended and all of its addresses are gone."
)

Options = Mapping[str, str]


def parse(lines: Iterable[str], arguments: Iterable[str]) -> dict[str, str]:
    """The options given; unknown lines are left out, as other agents do.

    Raises:
        SandboxError: an argument is not understood.
    """
    options: dict[str, str] = {}
    known = {name for name, *_ in PARAMETERS}
    for line in lines:
        name, separator, value = line.strip().partition("=")
        name = OLDER_NAMES.get(name.strip(), name.strip())
        if separator and name in known:
            options[name] = value.strip().strip('"')
    words = iter(arguments)
    for word in words:
        name, separator, value = word.removeprefix("--").replace("-", "_").partition("=")
        if word in SHORT_NAMES:
            options[SHORT_NAMES[word]] = next(words, "")
        elif word.startswith("--") and separator and OLDER_NAMES.get(name, name) in known:
            options[OLDER_NAMES.get(name, name)] = word.partition("=")[2]
        else:
            raise spec.SandboxError(f"argument {word!r} is not understood")
    return options


def metadata() -> str:
    """The agent's description of itself, in the format of the fence agents API."""
    lines = [
        '<?xml version="1.0" ?>',
        '<resource-agent name="fence_sandbox" shortdesc="Fence agent for nodes of a sandbox">',
        f"<longdesc>{_DESCRIPTION}</longdesc>",
        "<parameters>",
    ]
    for name, kind, default, required, text in PARAMETERS:
        value = "" if default is None else f" default={saxutils.quoteattr(default)}"
        lines += [
            f'  <parameter name="{name}" unique="0" required="{int(required)}">',
            f'    <getopt mixed="--{name}=[{name}]"/>',
            f'    <content type="{kind}"{value}/>',
            f'    <shortdesc lang="en">{saxutils.escape(text)}</shortdesc>',
            "  </parameter>",
        ]
    lines += ["</parameters>", "<actions>"]
    lines += [f'  <action name="{name}"{extra}/>' for name, extra in _DESCRIBED]
    return "\n".join([*lines, "</actions>", "</resource-agent>"])


_DESCRIBED = (
    ("on", ' automatic="0"'),
    ("off", ""),
    ("reboot", ""),
    ("status", ""),
    ("list", ""),
    ("list-status", ""),
    ("monitor", ""),
    ("metadata", ""),
    ("validate-all", ""),
)


def _root(options: Options) -> pathlib.Path:
    if not options.get("root"):
        raise spec.SandboxError("option 'root' is missing")
    return pathlib.Path(options["root"])


def _node(options: Options) -> power.Handle:
    if not options.get("plug"):
        raise spec.SandboxError("option 'plug' is missing")
    return power.handle(_root(options), options["plug"])


def _on(options: Options) -> int:
    power.power_on(_root(options), _node(options).files.name)
    print("Success: Powered ON")
    return DONE


def _off(options: Options) -> int:
    power.power_off(_root(options), _node(options).files.name)
    print("Success: Powered OFF")
    return DONE


def _reboot(options: Options) -> int:
    name = _node(options).files.name
    power.power_off(_root(options), name)
    power.power_on(_root(options), name)
    print("Success: Rebooted")
    return DONE


def _is_on(files: layout.NodeFiles) -> bool:
    # A crashed node still has its chassis on, as the node's BMC would say.
    return power.state(files) is not power.Power.OFF


def _status(options: Options) -> int:
    on = _is_on(_node(options).files)
    print(f"Status: {'ON' if on else 'OFF'}")
    return DONE if on else IS_OFF


def _list(options: Options) -> int:
    for entry in layout.Files.at(_root(options)).require().nodes:
        print(f"{entry.name},{entry.address}")
    return DONE


def _list_status(options: Options) -> int:
    files = layout.Files.at(_root(options))
    for entry in files.require().nodes:
        print(f"{entry.name},{entry.address},{'ON' if _is_on(files.node(entry.name)) else 'OFF'}")
    return DONE


def _monitor(options: Options) -> int:
    cluster = layout.Files.at(_root(options)).require()
    if not cluster.up:
        raise spec.SandboxError(f"sandbox {cluster.name} is down")
    return DONE


def _metadata(_: Options) -> int:
    print(metadata())
    return DONE


def _validate(options: Options) -> int:
    layout.Files.at(_root(options)).require()
    if options.get("plug"):
        _node(options)
    return DONE


def _unknown(options: Options) -> int:
    raise spec.SandboxError(f"unknown action {options['action']!r}")


_ACTIONS: dict[str, Callable[[Options], int]] = {
    "on": _on,
    "off": _off,
    "reboot": _reboot,
    "status": _status,
    "list": _list,
    "list-status": _list_status,
    "monitor": _monitor,
    "metadata": _metadata,
    "meta-data": _metadata,
    "validate-all": _validate,
}


def main(arguments: list[str]) -> int:
    """Reads the options, does the action, returns the exit status."""
    try:
        options = {"action": "reboot", **parse(() if arguments else sys.stdin, arguments)}
        return _ACTIONS.get(options["action"].lower(), _unknown)(options)
    except (spec.SandboxError, OSError) as error:
        print(f"Failed: {error}", file=sys.stderr)
        return FAILED
