"""One IPMI operation, in a process of its own: request on standard input, answer on standard output.

Run as ``python -I -m reconciler.fencing.ipmi_worker``. The request and the answer are one JSON
object each. Before pyghmi is asked, the controller is greeted by the one request that needs no
session, which tells a dead address from a silent one and an IPMI 1.5 controller from a safe one;
nothing that depends on the password is sent to the latter. pyghmi's own power methods are not used:
they skip the command where the controller says that the state is already there, and send
vendor-specific requests first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import socket
import sys
import time
from typing import Any

GREETING_INTERVAL_S = 0.7
"""Wait before the greeting is repeated: single packets do get lost."""
GREETING_SHARE = 0.6
"""Part of the deadline after which an address that stays silent is given up."""

_CHASSIS = 0
_GET_STATUS = 1
_CONTROL = 2
_CONTROLS = {"off": 0, "on": 1}
_WRONG_STATE = 0xD5
"""Completion code: the command cannot be carried out in the present state."""
_NO_PRIVILEGE = 0xD4
_SILENCE = 0xFFFF
"""What pyghmi gives in place of a completion code where no answer came."""
_SUITES = {1: 3, 256: 17}
"""pyghmi's number of the hash to the cipher suite."""

_AUTHENTICATION_WORDS = (
    "password", "unauthorized", "integrity", "invalid role", "privilege", "username", "wrong kg",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Answer:
    """The worker's answer, in the values of ``ports.fencing``."""

    ok: bool
    power: str = "unknown"
    fault: str | None = None
    message: str = ""


class _RefusedError(Exception):
    """The operation ends here, with this answer."""

    def __init__(self, fault: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(ok=False, fault=fault, message=message)


def greeting() -> bytes:
    """Return a Get Channel Authentication Capabilities request outside of any session.

    IPMI 2.0, tables 13-8 (packet) and 22-15 (request): this channel, administrator, version 2.0
    data wanted.
    """
    head = bytes((0x20, 0x06 << 2))
    body = bytes((0x81, 0, 0x38, 0x8E, 0x04))
    message = head + _checksum(head) + body + _checksum(body)
    return bytes((6, 0, 0xFF, 7)) + bytes(9) + bytes((len(message),)) + message


def speaks_rmcp_plus(packet: bytes) -> bool | None:
    """Tell whether an answer to the greeting offers RMCP+; None where it is no answer to it."""
    data = packet[20:]
    shortest = 6
    if packet[:1] != b"\x06" or packet[19:20] != b"\x38" or len(data) < shortest or data[0]:
        return None
    return bool(data[2] & 0x80 and data[4] & 0x02)


def _checksum(part: bytes) -> bytes:
    return bytes((-sum(part) & 0xFF,))


def _greet(ip: str, port: int, deadline_s: float) -> str:
    """Return the numeric address that answered. Raises _RefusedError."""
    try:
        places = socket.getaddrinfo(ip, port, type=socket.SOCK_DGRAM)
    except socket.gaierror as error:
        raise _RefusedError("unreachable", f"{ip}: {error.strerror}") from None
    give_up = time.monotonic() + deadline_s * GREETING_SHARE
    with contextlib.ExitStack() as stack:
        asked = _Addresses(stack, places)
        while asked.sockets and time.monotonic() < give_up:
            asked.send()
            for address, offered in asked.receive():
                if offered:
                    return address
                if offered is False:
                    raise _RefusedError("failed", "the controller speaks IPMI 1.5 only")
    if not asked.sockets:
        raise _RefusedError("unreachable", f"{ip} port {port}: {asked.failure}")
    raise _RefusedError("timeout", f"{ip} port {port} does not answer")


class _Addresses:
    """The addresses of a controller; those where nobody listens are given up one by one."""

    def __init__(self, stack: contextlib.ExitStack, places: list[Any]) -> None:
        self.sockets: dict[socket.socket, str] = {}
        self.failure = ""
        for family, kind, protocol, _, place in places:
            try:
                one = stack.enter_context(socket.socket(family, kind, protocol))
                # A connected socket is told where nobody listens.
                one.connect(place)
            except OSError as error:
                self.failure = str(error.strerror)
            else:
                self.sockets[one] = str(place[0])

    def send(self) -> None:
        for one in list(self.sockets):
            try:
                one.send(greeting())
            except OSError as error:
                self._give_up(one, error)

    def receive(self) -> list[tuple[str, bool | None]]:
        found = []
        for one in select.select(list(self.sockets), [], [], GREETING_INTERVAL_S)[0]:
            try:
                found.append((self.sockets[one], speaks_rmcp_plus(one.recv(512))))
            except OSError as error:
                self._give_up(one, error)
        return found

    def _give_up(self, one: socket.socket, error: OSError) -> None:
        self.failure = str(error.strerror)
        del self.sockets[one]


def _login(request: dict[str, Any], address: str) -> Any:
    from pyghmi import exceptions
    from pyghmi.ipmi import command

    try:
        # As bytes: with text pyghmi forgets to forget its half-open sessions.
        session = command.Command(
            bmc=address,
            userid=request["username"].encode(),
            password=request["password"].encode(),
            port=request["port"],
            kg=bytes.fromhex(request["kg"]) or None,
            privlevel=request["privilege"],
        )
    except exceptions.PyghmiException as error:
        raise _login_failure(str(error)) from None
    suite = _suite(session.ipmi_session)
    strongest = max(_SUITES.values())
    if suite is None or (request["cipher"] == strongest and suite != strongest):
        wanted = request["cipher"] or "3 or 17"
        raise _RefusedError(
            "failed", f"cipher suite {wanted} is wanted, the controller agreed to {suite or 'none'}"
        )
    return session


def _login_failure(words: str) -> _RefusedError:
    if any(word in words.lower() for word in _AUTHENTICATION_WORDS):
        return _RefusedError("unauthorized", words)
    if words in ("None", "timeout", ""):
        return _RefusedError("timeout", "the controller stopped answering during the login")
    return _RefusedError("failed", words)


def _suite(session: Any) -> int | None:
    """Return the cipher suite of an open session; None where it is none that is safe."""
    if session.ipmiversion != 2.0 or session.confalgo != "aes":  # noqa: PLR2004 - IPMI 2.0
        return None
    return _SUITES.get(session.integrityalgo)


def _power(session: Any) -> str:
    response = _ask(session, _GET_STATUS, ())
    if not response["data"]:
        raise _RefusedError("failed", "the controller's answer holds no power state")
    return "on" if response["data"][0] & 1 else "off"


def _switch(session: Any, action: str) -> Answer:
    try:
        _ask(session, _CONTROL, (_CONTROLS[action],))
    except _WrongStateError:
        # Some controllers refuse to switch off what is off.
        power = _power(session)
        if power != action:
            raise _RefusedError("failed", f"refused in the present state, {power}") from None
        return Answer(ok=True, message=f"is {action} already")
    return Answer(ok=True)


class _WrongStateError(Exception):
    """The controller cannot do this in its present state."""


def _ask(session: Any, command: int, data: tuple[int, ...]) -> dict[str, Any]:
    from pyghmi import exceptions

    try:
        response: dict[str, Any] = session.raw_command(netfn=_CHASSIS, command=command, data=data)
    except exceptions.PyghmiException as error:
        raise _RefusedError("timeout", f"the controller stopped answering ({error})") from None
    code = response.get("code")
    if code == _WRONG_STATE and command == _CONTROL:
        raise _WrongStateError
    if code == _NO_PRIVILEGE:
        raise _RefusedError("unauthorized", "the user may not do this")
    if code == _SILENCE:
        raise _RefusedError("timeout", "the controller stopped answering")
    if code != 0 or "error" in response:
        words = response.get("error", "no completion code")
        raise _RefusedError("failed", f"{words} (completion code {code})")
    return response


def work(request: dict[str, Any]) -> Answer:
    """Carry one request out."""
    from pyghmi import exceptions

    try:
        address = _greet(request["ip"], request["port"], request["deadline_s"])
        session = _login(request, address)
        try:
            if request["action"] in _CONTROLS:
                answer = _switch(session, request["action"])
            else:
                answer = Answer(ok=True, power=_power(session))
            suite = _suite(session.ipmi_session)
            words = ", ".join(part for part in (f"cipher suite {suite}", answer.message) if part)
            return dataclasses.replace(answer, message=words)
        finally:
            with contextlib.suppress(exceptions.PyghmiException):
                session.ipmi_session.logout()
    except _RefusedError as refused:
        return refused.answer


def main() -> None:
    """Read a request, carry it out, write the answer, and end at once."""
    answers = os.dup(1)
    # pyghmi prints; whatever it prints must not be taken for an answer.
    os.dup2(2, 1)
    answer = work(json.load(sys.stdin))
    os.write(answers, json.dumps(dataclasses.asdict(answer)).encode())
    # pyghmi's thread is left as it is.
    os._exit(0)


if __name__ == "__main__":
    main()
