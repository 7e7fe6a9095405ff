"""The simulated management controller of a node: OpenIPMI's ipmi_sim on a loopback port.

It keeps answering whatever happens to the node. Its chassis is `chassis.py`, which works on the sandbox's files
alone. The account is written to ipmi_sim's own configuration (mode 0600, in a directory of mode 0700), because
there is no other way to tell it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shlex
import shutil
import socket
import sys
import time
from typing import NoReturn

from reconciler.sandbox import background, layout, processes, spec

PROGRAM = "ipmi_sim"
READY_DEADLINE_S = 10.0

_CONFIGURATION = "lan.conf"
_EMULATION = "sim.emu"
_CHASSIS = "chassis"
_STORE = "store"
# Remote Management Control Protocol, class ASF, "presence ping": the one request without a session.
_PRESENCE_PING = bytes.fromhex("0600ff06 000011be 80000000")
_PROBE_TIMEOUT_S = 0.05

_LAN = """\
name "{node}"
set_working_mc 0x20
startlan 1
  addr {address} {port}
  priv_limit admin
  allowed_auths_callback none md2 md5 straight
  allowed_auths_user none md2 md5 straight
  allowed_auths_operator none md2 md5 straight
  allowed_auths_admin none md2 md5 straight
  guid {guid}
endlan
chassis_control "/bin/sh ./{chassis} 0x20"
startnow false
user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""

_MACHINE = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""

# The state is asked for far more often than it is changed, so that needs no Python. A state that cannot be read
# is an error and never "off".
_CHASSIS_SCRIPT = """\
#!/bin/sh
if [ "$2 $3" = "get power" ] && [ $# -eq 3 ]; then
  read -r power <{power} || exit 1
  case $power in
    on) echo power:1; exit 0;;
    off) echo power:0; exit 0;;
  esac
  exit 1
fi
exec {entry} "$@"
"""


def program() -> str | None:
    """Where ipmi_sim is, or None where it is not installed."""
    return shutil.which(PROGRAM, path=background.environment()["PATH"])


def configure(files: layout.NodeFiles, bmc: spec.BmcSpec) -> bool:
    """Writes the configuration; returns whether it is another than the one that was there."""
    layout.make_private(files.bmc)
    layout.make_private(files.bmc / _STORE)
    lan = _LAN.format(
        node=files.name,
        address=bmc.address,
        port=bmc.port,
        guid=hashlib.sha256(os.fsencode(files.directory)).hexdigest()[:32],
        chassis=_CHASSIS,
        user=bmc.user,
        password=bmc.password,
    )
    entry = background.entry_argv("chassis", str(files.directory.parent), files.name)
    script = _CHASSIS_SCRIPT.format(power=shlex.quote(str(files.power)), entry=shlex.join(entry))
    changed = False
    for name, text in ((_CONFIGURATION, lan), (_EMULATION, _MACHINE), (_CHASSIS, script)):
        changed = changed or layout.read(files.bmc / name) != text
        layout.write(files.bmc / name, text)
    return changed


def running(files: layout.NodeFiles) -> bool:
    """Whether the node's management controller runs."""
    return processes.alive(processes.load(files.bmc_record))


def start(files: layout.NodeFiles, bmc: spec.BmcSpec, lock: int) -> None:
    """Starts the controller; it answers when this returns.

    Raises:
        SandboxError: its port is taken, or it did not start.
    """
    _require_free(bmc)
    background.launch("bmc", files, lock, name=PROGRAM)
    give_up = time.monotonic() + READY_DEADLINE_S
    while not answers(bmc):
        if not running(files) or time.monotonic() > give_up:
            stop(files)
            raise spec.SandboxError(
                f"{PROGRAM} of {files.name} does not answer; see {files.log('bmc')}"
            )


def stop(files: layout.NodeFiles) -> None:
    """Ends the controller; nothing where none runs."""
    processes.kill(processes.load(files.bmc_record))
    files.bmc_record.unlink(missing_ok=True)


def answers(bmc: spec.BmcSpec) -> bool:
    """Whether a management controller answers at that address and port."""
    family = socket.AF_INET6 if ":" in bmc.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.settimeout(_PROBE_TIMEOUT_S)
        try:
            probe.connect((bmc.address, bmc.port))
            probe.send(_PRESENCE_PING)
            return bool(probe.recv(512))
        except TimeoutError:
            return False
        except ConnectionRefusedError:
            time.sleep(_PROBE_TIMEOUT_S / 5)
            return False


def _require_free(bmc: spec.BmcSpec) -> None:
    family = socket.AF_INET6 if ":" in bmc.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((bmc.address, bmc.port))
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
            raise spec.SandboxError(f"BMC address {bmc.address} port {bmc.port} {why}") from None


def run(files: layout.NodeFiles) -> NoReturn:
    """Detaches and becomes ipmi_sim, whose working directory the relative names above are in."""
    detached = background.detach(files.bmc_record, files.log("bmc"))
    path = program()
    if path is None:
        detached.failed(f"{PROGRAM} is not installed")
    os.chdir(files.bmc)
    detached.ready()
    argv = [path, "-n", "-c", _CONFIGURATION, "-f", _EMULATION, "-s", _STORE]
    try:
        os.execve(path, argv, background.environment())  # noqa: S606  # no shell is wanted
    except OSError as error:
        sys.exit(str(error))
