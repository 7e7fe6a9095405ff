"""What an option of a fence device may hold. Only this file decides.

Fence agents read ``name=value`` lines: a line break in a value is another option, and blanks and
quotes around it are lost on the way. Some of them put addresses, ports and ciphers into a command
line without quoting, so that a blank or a leading hyphen becomes an option of that command. All of
these are refused here, before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LONGEST_VALUE = 4096

WORDS = frozenset(
    {
        "ip", "ipaddr", "ipport", "port_number", "username", "login", "cipher", "privlvl", "auth",
        "target", "hexadecimal_kg", "ipmitool_timeout", "ipmitool_path", "sudo_path", "method",
        "inet4_only", "inet6_only", "power_timeout", "power_wait", "login_timeout", "retry_on",
        "shell_timeout", "delay",
    }
)  # fmt: skip
"""Options whose value is one word: no blanks, no quotes, no leading hyphen."""

REFUSED: Mapping[str, str] = {
    "action": "the action is chosen by the operation, not by the device",
    "option": "the action is chosen by the operation, not by the device",
    "nodename": "the node is chosen by the operation; map it with the device's hosts",
    "debug": "it writes passwords to a file",
    "debug_file": "it writes passwords to a file",
    "verbose": "it writes passwords to the system log",
    "verbose_level": "it writes passwords to the system log",
}
"""Options that are never passed, each with the reason."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9._:%-]{0,252}")
_TRUE = frozenset({"1", "yes", "on", "true"})
_FALSE = frozenset({"0", "no", "off", "false"})


class BadOptionError(Exception):
    """An option cannot be passed; the text names the option and the reason, never the value."""


def canonical(name: str) -> str:
    """Return the option's name with underscores, as agents and their meta-data have it."""
    return name.replace("-", "_")


def require_plain(name: str, value: str) -> None:
    """Refuse what would not arrive as it is. Raises BadOptionError."""
    if not _NAME.fullmatch(name):
        raise BadOptionError(f"{name!r} is no name of an option")
    if len(value) > LONGEST_VALUE:
        raise BadOptionError(f"{name} is longer than {LONGEST_VALUE} characters")
    if any(ord(char) < 32 or ord(char) == 127 or char in "\x85\u2028\u2029" for char in value):  # noqa: PLR2004 - the control characters of ASCII
        raise BadOptionError(f"{name} holds a line break or another control character")
    if value != value.strip():
        raise BadOptionError(f"{name} begins or ends with a blank, which the agent would cut off")
    if len(value) > 1 and value[0] == value[-1] == '"':
        raise BadOptionError(f"{name} is enclosed in quotes, which the agent would cut off")
    if canonical(name) in WORDS:
        _require_word(name, value)


def _require_word(name: str, value: str) -> None:
    if any(char.isspace() or char in "'\"\\`$;&|<>" for char in value):
        raise BadOptionError(f"{name} holds a blank or a quoting character")
    if value.startswith("-"):
        raise BadOptionError(f"{name} begins with a hyphen")


def require_allowed(name: str) -> None:
    """Refuse options that would leak a secret or change what is done. Raises BadOptionError."""
    reason = REFUSED.get(canonical(name))
    if reason:
        raise BadOptionError(f"{name} is not allowed: {reason}")
    if canonical(name).endswith("_script"):
        raise BadOptionError(f"{name} would run a shell; use a secretRef with exec instead")


def host(name: str, value: str) -> str:
    """Return a host name or address. Raises BadOptionError."""
    if not _HOST.fullmatch(value):
        raise BadOptionError(f"{name} is no host name or address")
    return value


def integer(name: str, value: str, *, least: int, most: int) -> int:
    """Return a whole number between two bounds. Raises BadOptionError."""
    if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise BadOptionError(f"{name} is no number between {least} and {most}")
    return int(value)


def boolean(name: str, value: str) -> bool:
    """Return a truth value as fence agents write it. Raises BadOptionError."""
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise BadOptionError(f"{name} is neither true nor false")
