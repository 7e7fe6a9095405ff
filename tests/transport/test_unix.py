"""The transport over unix sockets, and the choice among transports."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib

import pytest

from reconciler.model import node
from reconciler.ports import nodes
from reconciler.transport import registry, unix


class Clock:
    """A clock that is asked for times only."""

    def now(self) -> float:
        """Return a time."""
        return 1.0

    def monotonic(self) -> float:
        """Return a time."""
        return 1.0

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def transport(path: pathlib.Path) -> unix.UnixTransport:
    """Return a transport to one socket."""
    return unix.UnixTransport(lambda _: path, Clock())


async def serve(path: pathlib.Path, **changed) -> asyncio.Server:
    """Answer hello and everything else at a socket, as a node ``n1`` but for ``changed``."""
    hello = {"protocol": 1, "node": "n1", "boot_id": "b", "executor_id": "e", **changed}

    async def answer(reader, writer) -> None:
        while line := await reader.readline():
            identity = json.loads(line)["id"]
            reply = {"id": identity, "ok": True, "result": hello}
            writer.write(json.dumps(reply).encode() + b"\n")
        writer.close()

    return await asyncio.start_unix_server(answer, path)


async def test_path_longer_than_a_socket_name_is_reached(tmp_path, monkeypatch):
    """The 107 bytes of a socket's name do not limit where state directories are."""
    directory = tmp_path / ("d" * 120)
    directory.mkdir()
    monkeypatch.chdir(directory)
    async with await serve(pathlib.Path("executor.sock")):
        connected = await transport(directory / "executor.sock").connect(
            node.Node("n1"), deadline_s=5
        )

        assert connected.node == "n1"
        assert connected.boot_id == "b"
        await connected.close()


@pytest.mark.parametrize(
    "changed", [{"node": "n2"}, {"protocol": 2}, {"protocol": "1"}, {"boot_id": None}]
)
async def test_other_node_or_protocol_is_unreachable(tmp_path, monkeypatch, changed):
    """Who is not the node that was meant, in words that are known, is nobody."""
    monkeypatch.chdir(tmp_path)
    async with await serve(pathlib.Path("s"), **changed):
        with pytest.raises(nodes.NodeUnreachableError):
            await transport(tmp_path / "s").connect(node.Node("n1"), deadline_s=5)


async def test_nobody_there_is_unreachable(tmp_path):
    """No directory, no socket, nobody listening, somebody silent."""
    (tmp_path / "file").write_text("")

    for path in (tmp_path / "x" / "s", tmp_path / "s", tmp_path / "file"):
        with pytest.raises(nodes.NodeUnreachableError):
            await transport(path).connect(node.Node("n1"), deadline_s=5)


async def test_silent_executor_is_unreachable_at_the_deadline(tmp_path, monkeypatch):
    """One that accepts and says nothing is given up."""
    monkeypatch.chdir(tmp_path)

    async def silent(reader, writer) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(silent, "s"):
        with pytest.raises(nodes.NodeUnreachableError, match="does not answer"):
            await transport(tmp_path / "s").connect(node.Node("n1"), deadline_s=0.3)


@pytest.mark.root
async def test_socket_of_another_user_is_not_trusted(tmp_path):
    """Somebody else could have put a socket there and would be given secrets."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    program = (
        "import os, socket, time\n"
        "os.setuid(12345)\n"
        "s = socket.socket(socket.AF_UNIX); s.bind('s'); s.listen(); time.sleep(60)\n"
    )
    process = await asyncio.create_subprocess_exec("python3", "-c", program, cwd=tmp_path)
    try:
        for _ in range(200):
            if await asyncio.to_thread((tmp_path / "s").exists):
                break
            await asyncio.sleep(0.05)
        with pytest.raises(nodes.NodeUnreachableError, match="another user"):
            await transport(tmp_path / "s").connect(node.Node("n1"), deadline_s=5)
    finally:
        process.kill()
        await process.wait()


async def test_transport_is_chosen_by_the_connection_of_the_node(tmp_path, monkeypatch):
    """A connection that no transport is for makes a node unreachable, by name."""
    monkeypatch.chdir(tmp_path)
    chosen = registry.Registry({"sandbox": transport(tmp_path / "s")})
    async with await serve(pathlib.Path("s")):
        connected = await chosen.connect(node.Node("n1"), deadline_s=5)

        assert connected.node == "n1"
        await connected.close()
    with pytest.raises(nodes.NodeUnreachableError, match="telnet"):
        await chosen.connect(node.Node("n1", connection="telnet"), deadline_s=5)
