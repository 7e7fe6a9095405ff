"""The demonstration behind ``make demo``: a cluster, a VIP, a dead node, a failover.

Everything is real: executors in network namespaces, agents that add addresses, simulated BMCs that are
spoken to over IPMI. State is kept below ``.reconcile`` in this checkout and the sandbox is taken
down at the end.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[1]
PROGRAM = pathlib.Path(sys.executable).with_name("reconcile")
VIP = "192.168.0.200"
ENVIRONMENT = {**os.environ, "RECONCILE_STATE_DIR": str(ROOT / ".reconcile")}
FAILOVER_DEADLINE_S = 60
BOLD, RESET = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")


def say(text: str) -> None:
    """Print a heading."""
    print(f"\n{BOLD}# {text}{RESET}", flush=True)


def run(*words: str) -> None:
    """Show a command and run it; a failure ends the demonstration."""
    print(f"{BOLD}$ reconcile {' '.join(words)}{RESET}", flush=True)
    subprocess.run([PROGRAM, *words], cwd=ROOT, env=ENVIRONMENT, check=True, timeout=180)


def ask(*words: str) -> dict:
    """Return what a command prints as JSON."""
    done = subprocess.run(
        [PROGRAM, *words, "-o", "json"],
        cwd=ROOT,
        env=ENVIRONMENT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def place_of(resource: str) -> str:
    """Return the node on which a resource runs, or nothing."""
    for one in ask("status")["resources"]:
        if one["resource"] == resource and one["role"] != "Stopped" and one["node"]:
            return str(one["node"])
    return ""


def wait_until_elsewhere(resource: str, lost: str) -> float:
    """Wait until a resource runs on another node than ``lost``; return how long that took."""
    began = time.monotonic()
    while place_of(resource) in ("", lost):
        if time.monotonic() - began > FAILOVER_DEADLINE_S:
            sys.exit(f"{resource} did not come up elsewhere in {FAILOVER_DEADLINE_S} s")
        time.sleep(0.1)
    return time.monotonic() - began


def main() -> None:
    """Run the demonstration from the sandbox's start to its end."""
    say("Three nodes, each a real executor, with a simulated BMC each")
    run("sandbox", "up")
    try:
        show()
    finally:
        say("Done: take the sandbox down")
        run("sandbox", "down")


def show() -> None:
    """Show plan, progress and status, then kill the node that has the VIP."""
    say("What applying manifests/ would do")
    run("plan")
    say("Do it")
    run("apply", "--yes")
    run("status")
    lost = place_of("p_vip")
    say(f"Keep it so with `reconcile watch`, and kill {lost}, which has the VIP {VIP}")
    print(f"{BOLD}$ reconcile watch manifests &{RESET}", flush=True)
    with subprocess.Popen(
        [PROGRAM, "watch", "manifests", "--log-format", "console"], cwd=ROOT, env=ENVIRONMENT
    ) as watch:
        time.sleep(3)
        run("sandbox", "kill", lost)
        took = wait_until_elsewhere("p_vip", lost)
        say(f"{VIP} was up on {place_of('p_vip')} {took:.1f} s after {lost} died; the fencing:")
        run("fence", "history")
        watch.send_signal(signal.SIGTERM)
        watch.wait(30)
    run("status")


if __name__ == "__main__":
    main()
