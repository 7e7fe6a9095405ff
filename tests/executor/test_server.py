"""The socket: bounded lines, queues and patience, and who may do what over it."""

import contextlib
import json
import os
import pathlib
import socket
import stat
import time

import pytest


def raw(node):
    """Return a plain connected socket."""
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(30)
    connected.connect(node.socket)
    return connected


def test_hello_says_who_answers(node):
    """`hello` names protocol, node, boot and this start of the daemon."""
    said = node.start().call("hello")

    assert said["protocol"] == 1
    assert (said["node"], said["boot_id"]) == ("n1", node.boot_id)
    assert said["pid"] == node.process.pid
    assert said["agent_roots"][0] == str(node.root)
    assert len(said["executor_id"]) == 36


def test_the_socket_is_for_its_owner_only(node):
    """Socket and directory are closed to other users."""
    node.start()

    mode = pathlib.Path(node.socket).stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.root
def test_another_user_is_turned_away(node):
    """A process of another user that reaches the socket all the same gets no answer."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    node.start()
    connected = socket.socket(socket.AF_UNIX)
    pathlib.Path(node.socket).chmod(0o666)
    holder = os.open(node.state, os.O_RDONLY)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        answer = b"failed"
        try:
            node.state.chmod(0o755)
            os.fchdir(holder)
            os.setgid(65534)
            os.setuid(65534)
            connected.settimeout(20)
            connected.connect("executor.sock")
            connected.sendall(b'{"id":1,"op":"hello"}\n')
            answer = connected.recv(100)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        finally:
            os.write(writer, answer + b".")
            os._exit(0)
    os.waitpid(child, 0)
    connected.close()
    os.close(holder)
    said = os.read(reader, 200)
    os.close(reader)
    os.close(writer)

    assert said == b"."


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b"[]\n",
        b'"text"\n',
        b'{"op":"hello"}\n',
        b'{"id":true,"op":"hello"}\n',
        b'{"id":1.5,"op":"hello"}\n',
        b"\xff\xfe\n",
        b"[" * 200_000 + b"\n",
    ],
)
def test_what_is_no_request_closes_the_connection(node, line):
    """A line that is no request gets an error, and nothing after it is read."""
    executor = node.start()
    with raw(node) as connected:
        connected.sendall(line + b'{"id":2,"op":"hello"}\n')
        answer = b"".join(iter(lambda: connected.recv(65536), b""))

    assert json.loads(answer)["error"]["code"] == "bad-request"
    assert executor.call("hello")["node"] == "n1"


def test_a_line_that_is_too_long_closes_the_connection(node):
    """More than 4 MiB without an end is not read further, and others are served on."""
    executor = node.start()
    with raw(node) as connected:
        answer = b""
        try:
            for _piece in range(5 * 16):
                connected.sendall(b"x" * 65536)
        except (BrokenPipeError, ConnectionResetError):
            pass
        with contextlib.suppress(ConnectionResetError):
            answer = connected.recv(65536)

    assert answer == b"" or json.loads(answer)["error"]["code"] == "bad-request"
    assert executor.call("hello")["node"] == "n1"


def test_an_unknown_operation_is_refused(node, support):
    """An operation that does not exist is named as such, and the connection stays."""
    executor = node.start()

    assert support.refused(executor.call, "explode") == "unknown-op"
    assert executor.call("hello")["node"] == "n1"


def test_a_request_in_pieces_is_one_request(node):
    """Lines may come in any pieces."""
    node.start()
    with raw(node) as connected:
        for byte in b'{"id":1,"op":"hello"}\n{"id":2,"op":"hello"}\n':
            connected.sendall(bytes([byte]))
        answers = b""
        while answers.count(b"\n") < 2:
            answers += connected.recv(65536)

    assert [json.loads(line)["id"] for line in answers.splitlines()] == [1, 2]


def test_a_slow_subscriber_is_closed(node, support):
    """A subscriber that does not read loses its connection; the daemon's memory stays bounded."""
    executor = node.start()
    slow = raw(node)
    slow.sendall(b'{"id":1,"op":"subscribe"}\n')
    support.until(lambda: slow.recv(65536), "subscribed")
    value = "x" * 60_000

    for number in range(400):
        executor.call("attribute", scope="transient", name="a", value=f"{number}{value}")
    received = 0
    with slow:
        while piece := slow.recv(1 << 20):
            received += len(piece)

    assert received < 12 * 1024 * 1024
    assert executor.call("attributes")["attributes"]["transient"]["a"].startswith("399")


def test_a_subscriber_sees_a_heartbeat(node):
    """A quiet daemon shows every second that it lives."""
    executor = node.start()
    executor.call("subscribe")

    assert executor.event("heartbeat")["time"] > 0
    assert executor.event("heartbeat")["time"] > 0


def test_generation_rises_with_every_change(node):
    """What changes anything raises the generation, and what changes nothing does not."""
    executor = node.start()
    executor.call("subscribe")
    before = executor.call("observe")["generation"]

    executor.call("attribute", scope="permanent", name="a", value="1")
    told = executor.event("generation")["generation"]
    executor.call("attribute", scope="permanent", name="a", value="1")
    after = executor.call("observe")["generation"]

    assert told == after == before + 1


def test_an_older_record_is_ignored(node):
    """Records are kept by version, whatever the order in which copies arrive."""
    executor = node.start()
    for value, version in (("b", [2, 1]), ("a", [1, 9]), ("c", [2, 2]), ("b", [2, 1])):
        executor.call("record", token=9, key="standby", value=value, version=version)

    assert node.restart().call("observe")["records"] == {
        "standby": {"value": "c", "version": [2, 2]}
    }


HOLDER = {"id": "a", "host": "ci-1", "user": "u", "pid": 1, "command": "apply", "since": "now"}


def test_one_holder_at_a_time(node, support):
    """A live lease keeps others out, who learn who holds it; released, it is free."""
    executor = node.start()
    executor.call("lease", action="acquire", holder=HOLDER, token=1, ttl_ms=60_000)
    other = {"id": "b"}

    refused = support.refused(
        executor.call, "lease", action="acquire", holder=other, token=2, ttl_ms=60_000
    )
    renewed = executor.call("lease", action="renew", holder=HOLDER, token=1, ttl_ms=90_000)
    observed = executor.call("observe")["lease"]
    executor.call("lease", action="release", holder=HOLDER, token=1)
    taken = executor.call("lease", action="acquire", holder=other, token=2, ttl_ms=60_000)

    assert refused == "lease-held"
    assert observed["holder"] == HOLDER
    assert renewed["remaining_ms"] > 60_000
    assert taken["token"] == 2


def test_a_lease_needs_a_higher_token(node, support):
    """A token that was seen before takes no lease, even when nobody holds one."""
    executor = node.start()
    executor.call("lease", action="acquire", holder=HOLDER, token=5, ttl_ms=1000)
    executor.call("lease", action="release", holder=HOLDER, token=5)

    for token in (4, 5):
        code = support.refused(
            executor.call, "lease", action="acquire", holder={"id": "b"}, token=token, ttl_ms=1000
        )
        assert code == "stale-token"


def test_a_lease_runs_out(node, support):
    """A lease that is not renewed in time is gone, and cannot be renewed afterwards."""
    executor = node.start()
    executor.call("lease", action="acquire", holder=HOLDER, token=1, ttl_ms=150)
    support.until(lambda: executor.call("observe")["lease"] is None, "it runs out")

    assert (
        support.refused(executor.call, "lease", action="renew", holder=HOLDER, token=1, ttl_ms=1000)
        == "stale-token"
    )
    executor.call("lease", action="acquire", holder={"id": "b"}, token=2, ttl_ms=1000)


def test_a_lease_outlives_its_connection_only_briefly(node, support):
    """When the holder's connection closes, at most two seconds of its lease are left."""
    executor = node.start()
    holder = node.client()
    holder.call("lease", action="acquire", holder=HOLDER, token=1, ttl_ms=600_000)
    successor = {"action": "acquire", "holder": {"id": "b"}, "token": 2, "ttl_ms": 60_000}
    assert support.refused(executor.call, "lease", **successor) == "lease-held"

    holder.close()
    support.until(
        lambda: (executor.call("observe")["lease"] or {"remaining_ms": 0})["remaining_ms"] <= 2000,
        "it is cut",
    )
    support.until(lambda: executor.call("observe")["lease"] is None, "it ends")

    assert executor.call("lease", **successor)["token"] == 2


def test_another_connection_of_the_holder_keeps_the_lease(node, support):
    """A holder that came back over a new connection and renewed is not cut by the old one."""
    executor = node.start()
    old, new = node.client(), node.client()
    old.call("lease", action="acquire", holder=HOLDER, token=1, ttl_ms=60_000)
    new.call("lease", action="renew", holder=HOLDER, token=1, ttl_ms=60_000)

    old.close()
    time.sleep(0.2)
    support.until(lambda: executor.call("hello"), "it answers")

    assert executor.call("observe")["lease"]["remaining_ms"] > 10_000


def test_a_restart_cuts_the_lease(node):
    """The next daemon knows the lease and gives its holder two seconds to come back."""
    executor = node.start()
    executor.call("lease", action="acquire", holder=HOLDER, token=3, ttl_ms=600_000)

    observed = node.restart().call("observe")

    assert observed["token"] == 3
    assert observed["lease"] is None or observed["lease"]["remaining_ms"] <= 2000


def test_shutdown_ends_the_daemon(node):
    """`shutdown` is answered, and the daemon ends."""
    executor = node.start()

    assert executor.call("shutdown", token=1) == {}
    assert node.process.wait(30) == 0


def test_one_daemon_per_directory(node):
    """A second daemon in the same state directory ends at once."""
    executor = node.start()
    first = node.process

    code = node.spawn().wait(30)
    node.process = first

    assert code == 3
    assert executor.call("hello")["pid"] == first.pid


def test_fifty_actions_at_once_share_their_writes(node):
    """Many actions together are all answered, each with its own result."""
    agent = node.agent("Exit", 'exit "$OCF_RESKEY_code"\n')
    executor = node.start()
    sent = {
        number: executor.send(
            "act",
            **node.request("start", agent, resource=f"r{number}", params={"code": str(number % 8)}),
        )
        for number in range(50)
    }

    for number, identity in sent.items():
        assert executor.receive(identity)["operation"]["rc"] == number % 8
