"""Entry of the sandbox's background programs; run by path, with nothing but the standard library on it."""

from __future__ import annotations

import os
import pathlib
import sys


def main(argv: list[str]) -> int:
    """Runs `VERB ROOT NODE [WORD ...]`; returns the exit status."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
    from reconciler.sandbox import bmc, cable, chassis, init, layout, spec

    os.umask(0o077)
    verb, root, node, *words = argv
    try:
        files = layout.Files.at(root)
        match verb:
            case "init":
                init.run(files.node(node), files.require())
            case "cable":
                cable.run(files.node(node))
            case "bmc":
                bmc.run(files.node(node))
            case "chassis":
                return chassis.run(files.root, node, words)
    except (spec.SandboxError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201  # read by whoever started this program
        return 1
    print(f"no such program: {verb}", file=sys.stderr)  # noqa: T201  # as above
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
