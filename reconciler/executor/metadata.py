"""Agents' meta-data: asked of the agent once per version of its file."""

from __future__ import annotations

import os
from typing import Dict, Tuple

from reconciler.executor import agents, fence, launch, ocf, output, process, programs, refusal
from reconciler.executor import node as shared

_TIMEOUT_MS = 30_000
_XML_MAX = 1024 * 1024
_CACHED_MAX = 256
_PLAIN = """<?xml version="1.0"?>
<resource-agent name="{name}" version="1.0">
  <version>1.1</version>
  <longdesc lang="en">{words} {name}</longdesc>
  <shortdesc lang="en">{words} {name}</shortdesc>
  <parameters/>
  <actions>
    <action name="start" timeout="{timeout}"/>
    <action name="stop" timeout="{timeout}"/>
    <action name="monitor" timeout="{timeout}" interval="60s"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
"""
_WORDS = {agents.SYSTEMD: ("systemd unit", "100s"), agents.LSB: ("init script", "15s")}


class Metadata:
    """The meta-data of this node's agents."""

    def __init__(self, node: shared.Node, runner: programs.Programs) -> None:
        self._node = node
        self._programs = runner
        self._cached: Dict[Tuple[str, int], str] = {}

    async def xml(self, name: str) -> str:
        """Return the meta-data of an agent; units and init scripts have none, so it is made.

        Raises:
            RefusedError: There is no such agent, or it gives no meta-data.
        """
        agent = agents.find(name, self._node.settings.roots)
        if agent.standard != agents.SYSTEMD and agent.path is None:
            raise refusal.RefusedError(refusal.UNKNOWN_AGENT, f"{name[:80]!a} is not here")
        if agent.standard in _WORDS:
            words, timeout = _WORDS[agent.standard]
            return _PLAIN.format(name=agent.type, words=words, timeout=timeout)
        assert agent.path is not None  # noqa: S101  refused above
        key = (agent.path, os.stat(agent.path).st_mtime_ns)  # noqa: PTH116  pathlib costs memory
        if key not in self._cached:
            if len(self._cached) >= _CACHED_MAX:
                self._cached.clear()
            self._cached[key] = await self._ask(agent)
        return self._cached[key]

    async def _ask(self, agent: agents.Agent) -> str:
        here = self._node.surroundings
        if agent.standard == agents.FENCE:
            program = fence.prepare(agent, {"action": "metadata"}, here)
        else:
            call = ocf.Call(agent.type, "meta-data", 0, _TIMEOUT_MS, {}, {})
            program = ocf.prepare(agent, call, here)
        said = await self._run(program)
        if said.ending.kind != process.EXITED or said.ending.code != 0 or b"<" not in said.stdout:
            raise refusal.RefusedError(
                refusal.UNKNOWN_AGENT,
                f"{agent.name} gives no meta-data: {said.ending.kind} {said.ending.code}, "
                f"{output.shown(said.stderr)[-200:]}",
            )
        return said.stdout.decode("utf-8", "replace")

    async def _run(self, program: launch.Launch) -> programs.Finished:
        try:
            return await self._programs.run(program, _TIMEOUT_MS, _XML_MAX)
        except OSError as error:
            raise refusal.RefusedError(refusal.NOT_STARTED, f"not started: {error}") from None
