"""The small program that runs on every node: it executes agents and remembers what they said.

It stands alone: standard library only, Python 3.9 or later, and nothing of the other packages.
`PROTOCOL.md` beside this file is its contract; `__main__` is its command line.
"""

from __future__ import annotations

VERSION = "0.1.0"
PROTOCOL = 1
