"""systemd units, on a real systemd that is process 1 of its own namespaces."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import uuid

import pytest

from reconciler.executor import client

pytestmark = [pytest.mark.real, pytest.mark.root]
CONTROL_GROUPS = pathlib.Path("/sys/fs/cgroup/unified")
STATE = "/var/lib/executor-test"
PROJECT = pathlib.Path(__file__).resolve().parents[2]
UNITS = {
    "demo": "Type=simple\nExecStart=/bin/sleep 100000",
    "slow": "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 1\nExecStop=/bin/sleep 1",
    "once": "Type=oneshot\nExecStart=/bin/true",
    "broken": "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/false",
    "stuck": "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 1000\nTimeoutStartSec=infinity",
    "reloading": "ExecStart=/bin/sleep 100000\nExecReload=/bin/sleep 0.3",
}
BOOT = r"""
set -e
mount -t tmpfs tmpfs "$WORK"; cd "$WORK"; mkdir up wk m
mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=wk m; cd m
mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run; mount --bind /dev dev
# What lies below an overlay must not change, and here it does: files come and go for the overlay.
for one in $PLAIN; do mount --bind "$one" ".$one"; done
rm -f etc/fstab; rm -rf etc/systemd/system/*.wants
cp -r "$SEED"/. etc/systemd/system/
mkdir -m 700 -p "${STATE#/}"
ip link set lo up
exec env container=lab chroot . /lib/systemd/systemd --unit=lab.target --show-status=no \
  --log-target=null
"""
TARGET = "[Unit]\nDefaultDependencies=no\nWants=dbus.socket\nAllowIsolate=yes\n"


def first_child(pid):
    """Return the first child of a process, or 0."""
    with contextlib.suppress(OSError, IndexError):
        return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    return 0


@pytest.fixture
def booted(tmp_path, support):
    """A booted systemd with some units; gives a function that runs commands there."""
    if os.geteuid() != 0:
        pytest.skip("needs root to boot systemd in namespaces")
    if not CONTROL_GROUPS.is_dir() or not pathlib.Path("/lib/systemd/systemd").exists():
        pytest.skip("needs systemd and the unified control groups")
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    seed, work = tmp_path / "seed", tmp_path / "work"
    seed.mkdir()
    work.mkdir()
    (seed / "lab.target").write_text(TARGET)
    (seed / "masked.service").symlink_to("/dev/null")
    for name, lines in UNITS.items():
        (seed / f"{name}.service").write_text(
            f"[Unit]\nDefaultDependencies=no\n[Service]\n{lines}\n"
        )
    group = CONTROL_GROUPS / f"executor-test-{uuid.uuid4()}"
    group.mkdir()
    script = f'echo $$ > {group}/cgroup.procs; exec unshare --pid --fork --mount --uts --ipc --net --cgroup --propagation private bash -c "$BOOT"'
    log = os.open(tmp_path / "boot.log", os.O_WRONLY | os.O_CREAT)
    launcher = subprocess.Popen(
        ["bash", "-c", script],
        env={
            **os.environ,
            "BOOT": BOOT,
            "WORK": str(work),
            "SEED": str(seed),
            "STATE": STATE,
            "PLAIN": f"{PROJECT} {sys.base_prefix}",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    os.close(log)
    init = 0
    try:
        init = support.until(lambda: first_child(launcher.pid), "the namespace exists")
        enter = ["nsenter", "-t", str(init), "-m", "-u", "-i", "-n", "-p", "-r", "-w"]

        def up():
            assert launcher.poll() is None, (tmp_path / "boot.log").read_text()
            asked = subprocess.run(
                [*enter, "systemctl", "is-active", "lab.target"],
                capture_output=True,
                timeout=30,
                check=False,
            )
            return asked.stdout == b"active\n"

        support.until(up, "systemd is up")
        yield init, enter
    finally:
        if init:
            support.end(init)
        launcher.kill()
        launcher.wait(30)
        for directory, _names, _files in os.walk(group, topdown=False):
            support.until(lambda path=directory: _removed(path), "the control group is empty")


def _removed(path):
    try:
        pathlib.Path(path).rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def test_units_over_systemctl(node, booted, support):
    """Units start, stop, reload and are monitored; what is odd about one is told apart."""
    init, enter = booted
    inside = pathlib.Path(f"/proc/{init}/root")
    boot_id = inside / "run" / "boot_id"
    boot_id.write_text(node.boot_id)
    node.prefix = enter
    node.state = pathlib.Path(STATE)
    node.boot_id_file = pathlib.Path("/run/boot_id")
    node.spawn()
    socket = f"{inside}{STATE}/executor.sock"
    support.until(lambda: pathlib.Path(socket).exists(), "the daemon listens")
    node.boot_id_file = boot_id

    def act(operation, unit, **fields):
        said = node.act(executor, operation, f"systemd:{unit}", **fields)
        return said["status"], said["rc"]

    with client.Client(socket) as executor:
        assert act("monitor", "demo", probe=True) == ("done", 7)
        assert act("start", "demo") == ("done", 0)
        assert act("monitor", "demo") == ("done", 0)
        assert act("monitor", "demo.service") == ("done", 0)
        assert act("stop", "demo") == ("done", 0)
        assert act("stop", "demo") == ("done", 0)

        slow = node.act(executor, "start", "systemd:slow")
        assert slow["rc"] == 0
        assert slow["exec_ms"] >= 900
        assert node.act(executor, "stop", "systemd:slow")["exec_ms"] >= 900

        once = node.act(executor, "start", "systemd:once")
        assert once["rc"] == 1
        assert "RemainAfterExit" in once["reason"]
        assert act("start", "broken") == ("done", 1)
        assert act("monitor", "broken") == ("done", 7)
        assert act("stop", "broken") == ("done", 0)

        for absent in ("no-such-unit", "masked"):
            assert act("monitor", absent, probe=True) == ("done", 5)
            assert act("start", absent) == ("done", 5)
            assert act("stop", absent) == ("done", 0)

        assert act("start", "stuck", timeout_ms=700) == ("timeout", 1)
        assert act("stop", "stuck") == ("done", 0)
        assert act("monitor", "stuck") == ("done", 7)

        assert act("start", "reloading") == ("done", 0)
        assert act("reload", "reloading") == ("done", 0)
        assert act("promote", "reloading") == ("done", 3)
        assert act("stop", "reloading") == ("done", 0)
        executor.call("shutdown", token=1)
    node.process.wait(30)


def test_without_systemd_nothing_is_known(node):
    """Where no systemd answers, a unit is unknown, never "not running"."""
    if pathlib.Path("/run/systemd/system").exists():
        pytest.skip("needs a machine without a running systemd")
    if shutil.which("systemctl") is None:
        pytest.skip("needs systemctl")
    executor = node.start()

    operation = node.act(executor, "monitor", "systemd:demo", probe=True)

    assert operation["status"] == "error"
    assert "does not answer" in operation["reason"]
