"""Stand-ins for the Pacemaker commands that agents call: attributes go to the executor.

`crm_attribute`, `crm_master` and `attrd_updater` set, query and delete node attributes;
`crm_node` tells the node's name. Only what agents use is understood; the rest says so and fails.
"""

from __future__ import annotations

import getopt
import os
import re
import sys
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from reconciler.executor import client

COMMANDS = ("crm_attribute", "crm_master", "attrd_updater", "crm_node")
OK, ERROR, UNSUPPORTED, USAGE, DISCONNECTED, NO_SUCH = 0, 1, 3, 64, 102, 105
_TIMEOUT_S = 20.0
_LIFETIMES = {"reboot": "transient", "forever": "permanent"}
_TYPES = {
    "status": "transient",
    "nodes": "permanent",
    "crm_config": "cluster",
    "op_defaults": "cluster",
    "rsc_defaults": "cluster",
    "tickets": "cluster",
}
_STEP = re.compile(r"(?:\+\+|\+=(-?\d+))")


class Wanted(NamedTuple):
    """One attribute command: what to do ("update", "query" or "delete"), with which attribute."""

    action: str
    scope: str
    node: str
    name: str
    value: str
    default: Optional[str]
    quiet: bool


class Words(NamedTuple):
    """How a command spells updating, being quiet, and querying."""

    update: Sequence[str]
    quiet: Sequence[str]
    query: Sequence[str]


class UsageError(Exception):
    """The arguments are not understood."""


def main(command: str, arguments: Sequence[str]) -> int:
    """Run a shim; returns its exit code."""
    try:
        if command == "crm_node":
            return _crm_node(arguments)
        wanted = _PARSERS[command](list(arguments))
        return _attribute(command, wanted)
    except (getopt.GetoptError, UsageError) as error:
        return _complain(command, str(error), USAGE)
    except client.ExecutorError as error:
        return _complain(command, str(error), ERROR)
    except OSError as error:
        return _complain(command, f"the executor does not answer: {error}", DISCONNECTED)


def _complain(command: str, words: str, code: int) -> int:
    sys.stderr.write(f"{command}: {words}\n")
    return code


def _own_node() -> str:
    return os.environ.get("RECONCILER_NODE", "") or os.uname().nodename


def _crm_node(arguments: Sequence[str]) -> int:
    options, _rest = getopt.gnu_getopt(
        list(arguments),
        "nN:qiQlpV",
        ["name", "name-for-id=", "quorum", "cluster-id", "quiet", "list", "partition", "verbose"],
    )
    for option, _value in options:
        if option in ("-n", "--name"):
            sys.stdout.write(f"{_own_node()}\n")
            return OK
        if option in ("-q", "--quorum"):
            sys.stdout.write("1\n")  # agents run only where a controller with quorum sent them
            return OK
    return _complain("crm_node", "only the node's own name is known here", UNSUPPORTED)


def _crm_attribute(arguments: List[str]) -> Wanted:
    promotion: Optional[str] = None
    for index, argument in enumerate(arguments):
        if argument.startswith("--promotion="):
            promotion = argument.partition("=")[2]
            arguments[index] = "--promotion"
    options = _options(
        arguments,
        "N:n:v:QqGDl:t:d:s:zpi:U:P:V",
        [
            "node=",
            "name=",
            "update=",
            "quiet",
            "query",
            "delete",
            "lifetime=",
            "type=",
            "default=",
            "set-name=",
            "utilization",
            "promotion",
            "id=",
            "pattern=",
            "verbose",
            "attr-value=",
            "attr-name=",
            "delete-attr",
            "get-value",
        ],
    )
    name = _last(options, "-n", "--name", "--attr-name")
    if _has(options, "-p", "--promotion"):
        name = f"master-{promotion or _own_resource()}"
        scope = _lifetime(options, "transient")
    else:
        kind = _last(options, "-t", "--type")
        if kind is not None and kind not in _TYPES:
            raise UsageError(f"unknown type {kind}")
        scope = _lifetime(options, _TYPES[kind] if kind is not None else "permanent")
    return _wanted(
        options,
        scope,
        name,
        Words(
            ("-v", "--update", "--attr-value"),
            ("-q", "-Q", "--quiet"),
            ("-G", "--query", "--get-value"),
        ),
    )


def _crm_master(arguments: List[str]) -> Wanted:
    options = _options(
        arguments,
        "N:U:v:QqGDl:r:V",
        [
            "node=",
            "uname=",
            "update=",
            "quiet",
            "query",
            "delete",
            "lifetime=",
            "resource=",
            "verbose",
        ],
    )
    resource = _last(options, "-r", "--resource") or _own_resource()
    return _wanted(
        options,
        _lifetime(options, "permanent"),
        f"master-{resource}",
        Words(("-v", "--update"), ("-q", "-Q", "--quiet"), ("-G", "--query")),
    )


def _attrd_updater(arguments: List[str]) -> Wanted:
    options = _options(
        arguments,
        "n:U:v:B:Y:QDRd:S:s:N:Apq" + "V",
        [
            "name=",
            "update=",
            "update-both=",
            "update-delay=",
            "query",
            "delete",
            "refresh",
            "delay=",
            "section=",
            "set=",
            "node=",
            "all",
            "private",
            "quiet",
            "lifetime=",
            "verbose",
        ],
    )
    return _wanted(
        options,
        "transient",
        _last(options, "-n", "--name"),
        Words(
            ("-U", "-v", "-B", "--update", "--update-both"), ("-q", "--quiet"), ("-Q", "--query")
        ),
    )


_PARSERS = {
    "crm_attribute": _crm_attribute,
    "crm_master": _crm_master,
    "attrd_updater": _attrd_updater,
}

Options = List[Tuple[str, str]]


def _options(arguments: List[str], short: str, long: List[str]) -> Options:
    options, rest = getopt.gnu_getopt(arguments, short, long)
    if rest:
        raise UsageError(f"what is {rest[0]}?")
    return options


def _last(options: Options, *names: str) -> Optional[str]:
    values = [value for option, value in options if option in names]
    return values[-1] if values else None


def _has(options: Options, *names: str) -> bool:
    return any(option in names for option, _value in options)


def _lifetime(options: Options, default: str) -> str:
    lifetime = _last(options, "-l", "--lifetime")
    if lifetime is None:
        return default
    if lifetime not in _LIFETIMES:
        raise UsageError(f"unknown lifetime {lifetime}")
    return _LIFETIMES[lifetime]


def _own_resource() -> str:
    resource = os.environ.get("OCF_RESOURCE_INSTANCE", "")
    if not resource:
        raise UsageError("OCF_RESOURCE_INSTANCE is not set")
    return resource


def _wanted(options: Options, scope: str, name: Optional[str], words: Words) -> Wanted:
    if not name:
        raise UsageError("no attribute name")
    value = _last(options, *words.update)
    action = "query"
    if _has(options, "-D", "--delete", "--delete-attr"):
        action = "delete"
    elif value is not None:
        action = "update"
    elif not _has(options, *words.query) and _has(
        options, "-Y", "-R", "--update-delay", "--refresh"
    ):
        raise UsageError("dampening is not supported: values are set at once")
    node = _last(options, "-N", "--node", "--uname") or _own_node()
    default = _last(options, "-d", "--default")
    return Wanted(action, scope, node, name, value or "", default, _has(options, *words.quiet))


def _attribute(command: str, wanted: Wanted) -> int:
    if wanted.scope != "cluster" and wanted.node not in (_own_node(), "localhost"):
        return _complain(command, f"attributes of node {wanted.node} are not known here", NO_SUCH)
    socket_path = os.environ.get("RECONCILER_EXECUTOR_SOCKET", "")
    if not socket_path:
        return _complain(command, "RECONCILER_EXECUTOR_SOCKET is not set", DISCONNECTED)
    with client.Client(socket_path, _TIMEOUT_S) as executor:
        if wanted.action == "query" or _STEP.search(wanted.value):
            values: Dict[str, str] = executor.call("attributes")["attributes"][wanted.scope]
            known = values.get(wanted.name)
            if wanted.action == "query":
                return _show(command, wanted, known)
            wanted = wanted._replace(value=_stepped(wanted, known))
        value = None if wanted.action == "delete" else wanted.value
        executor.call("attribute", token=None, scope=wanted.scope, name=wanted.name, value=value)
    return OK


def _stepped(wanted: Wanted, known: Optional[str]) -> str:
    """Return the value of NAME++ and NAME+=N."""
    step = _STEP.search(wanted.value)
    number = int(step.group(1) or "1") if step else 0
    return str((int(known) if known and known.lstrip("-").isdigit() else 0) + number)


def _show(command: str, wanted: Wanted, known: Optional[str]) -> int:
    if known is None and command != "attrd_updater":
        known = wanted.default
    if known is None:
        return _complain(command, f"no attribute {wanted.name}", NO_SUCH)
    if wanted.quiet:
        line = known
    elif command == "attrd_updater":
        line = f'name="{wanted.name}" host="{wanted.node}" value="{known}"'
    else:
        shown = {"transient": "status", "permanent": "nodes", "cluster": "crm_config"}
        line = f"scope={shown[wanted.scope]}  name={wanted.name} value={known}"
    sys.stdout.write(f"{line}\n")
    return OK
