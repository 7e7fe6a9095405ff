"""fence_sandbox is a fence agent like others, and knows what it cannot know."""

import os
import pathlib
import subprocess
from xml.etree import ElementTree as ET

import pytest

import reconciler.sandbox
from reconciler.sandbox import faults, inside, power

PROGRAM = pathlib.Path(reconciler.sandbox.__file__).with_name("fence_sandbox")


def _fence(*arguments, **options):
    return subprocess.run(
        [PROGRAM, *arguments],
        input="# options\n\n" + "".join(f"{name}={value}\n" for name, value in options.items()),
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("words", [("-o", "metadata"), ("--action=metadata",)])
def test_metadata_describes_options_and_actions(words):
    """The description names every option, and the actions that work."""
    tree = ET.fromstring(_fence(*words).stdout)  # noqa: S314  # our own program's output

    assert tree.get("name") == "fence_sandbox"
    assert [one.get("name") for one in tree.iter("parameter")] == ["action", "plug", "root"]
    assert {"on", "off", "reboot", "status", "list", "monitor", "metadata"} <= {
        one.get("name") for one in tree.iter("action")
    }


def test_options_that_miss_or_mislead_are_errors(tmp_path):
    """What cannot be done exits with 1 and a reason."""
    for options, reason in (
        ({"action": "off", "plug": "n1"}, "'root' is missing"),
        ({"action": "off", "root": tmp_path}, "'plug' is missing"),
        ({"action": "off", "root": tmp_path, "plug": "n1"}, "no sandbox at"),
        ({"action": "dance", "root": tmp_path}, "unknown action 'dance'"),
    ):
        done = _fence(**options)
        assert (done.returncode, done.stdout) == (1, "")
        assert reason in done.stderr
    assert _fence("--nonsense").returncode == 1


@pytest.mark.root
def test_every_action_does_what_it_says(make_sandbox):
    """Status follows the node through off, on, a crash and a reboot."""
    sandbox = make_sandbox(2)
    sandbox.up()
    root = sandbox.root

    def ask(action, plug="n1"):
        return _fence(action=action, root=root, port=plug)

    assert ask("monitor").returncode == 0
    assert ask("list").stdout == "n1,10.99.0.1\nn2,10.99.0.2\n"
    assert ask("status").returncode == 0
    assert ask("off").returncode == 0
    assert sandbox.node().power is power.Power.OFF
    assert (ask("status").returncode, ask("status").stdout) == (2, "Status: OFF\n")
    assert ask("list-status").stdout == "n1,10.99.0.1,OFF\nn2,10.99.0.2,ON\n"
    assert ask("on").returncode == 0
    assert ask("status").stdout == "Status: ON\n"
    faults.kill(root, "n1")
    assert ask("status").stdout == "Status: ON\n", "a crash is no proof of power off"
    assert ask("reboot").returncode == 0
    assert sandbox.node().power is power.Power.ON
    assert ask("validate-all").returncode == 0
    assert ask("off", "n3").returncode == 1


@pytest.mark.root
def test_run_inside_of_a_node_it_refuses(make_sandbox):
    """From where processes cannot be seen no node is called off, and none is switched."""
    sandbox = make_sandbox(2)
    sandbox.up()
    for action in ("status", "off"):
        words = [str(PROGRAM), f"--action={action}", f"--root={sandbox.root}", "--plug=n2"]
        done = inside.run_in(sandbox.root, "n1", words)

        assert done.returncode == 1
        assert "another pid namespace" in done.stderr
    assert sandbox.node("n2").power is power.Power.ON
