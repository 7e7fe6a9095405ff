"""A process is known by more than its pid, and a tree is killed to the last leaf."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest

from reconciler.sandbox import processes, spec

FOREVER = 600


@pytest.fixture
def child():
    """A process that sleeps."""
    with subprocess.Popen(["sleep", str(FOREVER)]) as process:
        yield process
        process.kill()


def test_a_recorded_identity_is_read_back(tmp_path, child):
    """What is recorded names the same process later."""
    identity = processes.identify(child.pid)
    processes.save(tmp_path / "record", identity)

    assert processes.load(tmp_path / "record") == identity
    assert processes.alive(identity)


def test_a_damaged_record_is_an_error(tmp_path):
    """A record that cannot be read is not taken for a process that is gone."""
    (tmp_path / "record").write_text("{}")

    with pytest.raises(spec.SandboxError, match="damaged"):
        processes.load(tmp_path / "record")


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another boot"}])
def test_another_process_with_the_same_pid_is_left_alone(child, change):
    """Neither a reused pid nor one from before a reboot of the machine is signalled."""
    stranger = dataclasses.replace(processes.identify(child.pid), **change)

    assert not processes.alive(stranger)
    assert not processes.send(stranger, signal.SIGKILL)
    processes.kill(stranger)
    assert child.poll() is None


def test_a_pid_of_another_namespace_is_never_called_gone(child):
    """Whether a process lives cannot be said from within another pid namespace, so it is an error."""
    identity = dataclasses.replace(processes.identify(child.pid), namespace=1)

    with pytest.raises(spec.SandboxError, match="another pid namespace"):
        processes.alive(identity)


def test_kill_returns_when_the_process_is_gone(child):
    """A stopped process is killed as well, and a zombie counts as gone."""
    identity = processes.identify(child.pid)
    processes.send(identity, signal.SIGSTOP)

    processes.kill(identity)

    assert not processes.alive(identity)
    assert processes.identify(child.pid) is not None
    processes.kill(identity)


FORKING = """
import os, sys, time, ctypes
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
for _ in range(3):
    if os.fork() == 0:
        while True:
            if os.fork() == 0:
                os.setsid()
                if os.fork():
                    os._exit(0)
                time.sleep(600)
                os._exit(0)
            time.sleep(0.01)
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                pass
print("ready", flush=True)
time.sleep(600)
"""


def test_a_tree_that_keeps_forking_is_killed_whole():
    """Daemons in their own sessions, and children born meanwhile, go with their subreaper."""
    with subprocess.Popen([sys.executable, "-c", FORKING], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.1)
        top = processes.identify(process.pid)
        before = processes.descendants(top)
        assert len(before) > 3

        processes.kill_tree(top)

        assert [one for one in [top, *before] if processes.alive(one)] == []


def test_stop_leaves_out_what_stood_still_before(child):
    """Who was stopped by somebody else is not started again by a thaw."""
    identity = processes.identify(child.pid)
    with subprocess.Popen(["sleep", str(FOREVER)]) as second:
        other = processes.identify(second.pid)
        os.kill(second.pid, signal.SIGSTOP)
        while processes._present(other).state != "T":
            time.sleep(0.01)

        assert processes.stop(lambda: [identity, other]) == [identity]
        second.kill()
