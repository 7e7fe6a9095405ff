"""The command line: `daemon`, `attach`, `version`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import List, Optional

from reconciler.executor import PROTOCOL, VERSION, clock, names, refusal

OCF_ROOT = "/usr/lib/ocf/resource.d"
INIT_DIR = "/etc/init.d"
FENCE_DIR = "/usr/sbin"
STATE_DIR = "/var/lib/reconciler"
GRACE_MS = 10_000
EXIT_FAILED, EXIT_RUNNING, EXIT_USAGE = 1, 3, 64


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> "None":  # type: ignore[override]  # argparse ends with 2, which we never use
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


def _arguments() -> argparse.ArgumentParser:
    parser = _Parser(prog="executor", description="Runs agents on a node; see PROTOCOL.md.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("version", help="print version and protocol")
    for verb, words in (("daemon", "serve"), ("attach", "relay standard input and output")):
        one = verbs.add_parser(verb, help=words)
        one.add_argument("--node", default=os.uname().nodename, help="the node's name")
        one.add_argument("--state-dir", default=STATE_DIR, help=f"default {STATE_DIR}")
        one.add_argument("--boot-id-file", default=clock.BOOT_ID_FILE)
        one.add_argument("--agent-root", action="append", metavar="DIR", help=f"default {OCF_ROOT}")
        one.add_argument("--init-dir", default=INIT_DIR)
        one.add_argument("--fence-dir", default=FENCE_DIR)
        one.add_argument("--grace-ms", type=int, default=GRACE_MS)
        if verb == "daemon":
            one.add_argument("--foreground", action="store_true", help="do not detach")
            one.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    return parser


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the command line; returns the exit code."""
    chosen = _arguments().parse_args(arguments)
    if chosen.verb == "version":
        print(f"reconciler-executor {VERSION} protocol {PROTOCOL}")  # noqa: T201  it is the answer
        return 0
    try:
        names.check("node", chosen.node)
    except refusal.RefusedError as refused:
        print(refused.message, file=sys.stderr)  # noqa: T201  standard error is for people
        return EXIT_USAGE
    chosen.state_dir = os.path.abspath(chosen.state_dir)  # noqa: PTH100  pathlib costs memory
    if chosen.verb == "attach":
        from reconciler.executor import attach

        return attach.attach(chosen.state_dir, lambda: _detached(chosen))
    return _serve(chosen) if chosen.foreground else _detached(chosen)


def _detached(chosen: argparse.Namespace) -> int:
    from reconciler.executor import daemon, detach

    options = [
        *("--node", chosen.node),
        *("--state-dir", chosen.state_dir),
        *("--boot-id-file", os.path.abspath(chosen.boot_id_file)),  # noqa: PTH100  pathlib costs memory
        *("--init-dir", chosen.init_dir),
        *("--fence-dir", chosen.fence_dir),
        *("--grace-ms", str(chosen.grace_ms)),
    ]
    for root in chosen.agent_root or ():
        options += ["--agent-root", os.path.abspath(root)]  # noqa: PTH100  pathlib costs memory
    try:
        daemon.make_private(chosen.state_dir)
        return detach.start(chosen.state_dir, options)
    except OSError as error:
        print(f"cannot start: {error}", file=sys.stderr)  # noqa: T201  standard error is for people
        return EXIT_FAILED


def _serve(chosen: argparse.Namespace) -> int:
    from reconciler.executor import agents, daemon, detach, node, store

    roots = [os.path.abspath(root) for root in chosen.agent_root or (OCF_ROOT,)]  # noqa: PTH100  pathlib costs memory
    settings = node.Settings(
        node=chosen.node,
        state_dir=chosen.state_dir,
        boot_id_file=chosen.boot_id_file,
        roots=agents.Roots(roots, chosen.init_dir, chosen.fence_dir),
        grace_ms=chosen.grace_ms,
    )
    try:
        serving = daemon.Daemon(settings)
        if chosen.ready_fd is not None:
            detach.ready(chosen.state_dir, chosen.ready_fd)
    except daemon.AlreadyRunningError as error:
        print(error, file=sys.stderr)  # noqa: T201  standard error is for people
        return EXIT_RUNNING
    except (OSError, ValueError, store.FutureFormatError) as error:
        print(f"cannot start: {error}", file=sys.stderr)  # noqa: T201  standard error is for people
        return EXIT_FAILED
    serving.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
