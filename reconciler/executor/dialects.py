"""From an agent action to a program, and from its ending to a result; one row per standard."""

from __future__ import annotations

import errno
import signal
from typing import Dict, NamedTuple, Tuple

from reconciler.executor import agents, launch, lsb, ocf, output, process, systemd
from reconciler.executor import operation as op

_PREPARE = {agents.OCF: ocf.prepare, agents.SYSTEMD: systemd.prepare, agents.LSB: lsb.prepare}
_OUTCOME = {agents.OCF: ocf.outcome, agents.SYSTEMD: systemd.outcome, agents.LSB: lsb.outcome}
_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class Result(NamedTuple):
    """What a run says: status and code (see `operation`), why, and what it wrote."""

    status: str
    rc: int
    reason: str
    output: str


def prepare(agent: agents.Agent, call: ocf.Call, here: ocf.Surroundings) -> launch.Launch:
    """Return how to run this action."""
    return _PREPARE[agent.standard](agent, call, here)


def result(
    agent: agents.Agent, operation: str, ending: process.Ending, written: Tuple[bytes, bytes]
) -> Result:
    """Return the result of a run; what is not in the table of codes is an error, never "stopped"."""
    stdout, stderr = output.shown(written[0]), output.shown(written[1])
    said = output.exit_reason(stderr)
    text = output.combined(stdout, stderr)
    if ending.kind != process.EXITED:
        status, rc, words = _cut_short(ending)
        reason = f"{words}; {said}" if said and ending.kind == process.TIMED_OUT else words
        return Result(status, rc, reason, text)
    code, words = _OUTCOME[agent.standard](operation, ending.code)
    if not 0 <= code <= op.RC_LAST:
        words = words or f"exit code {ending.code} is not in the table"
        return Result(op.ERROR, op.RC_GENERIC, said or words, text)
    return Result(op.DONE, code, said or words, text)


def _cut_short(ending: process.Ending) -> Tuple[str, int, str]:
    if ending.kind == process.NOT_EXECUTED:
        if ending.code in _MISSING:
            return op.NOT_INSTALLED, op.RC_NOT_INSTALLED, "the agent or its interpreter is missing"
        return op.ERROR, op.RC_GENERIC, f"not executed: {errno.errorcode.get(ending.code, '?')}"
    if ending.kind == process.SIGNALLED:
        return op.ERROR, op.RC_GENERIC, f"killed by {_signal_name(ending.code)}"
    if ending.kind == process.KILLED:
        return op.LOST, op.RC_LOST, "killed because the executor was told to end"
    words = "timed out"
    if ending.survives:
        words += "; a process of it survives SIGKILL"
    return op.TIMEOUT, op.RC_GENERIC, words


def _signal_name(number: int) -> str:
    names: Dict[int, str] = {entry.value: entry.name for entry in signal.Signals}
    return names.get(number, f"signal {number}")
