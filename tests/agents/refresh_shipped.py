"""Writes reconciler/agents/shipped.lock anew from the agents that come with this program.

Run it after a change of their meta-data: python tests/agents/refresh_shipped.py
"""

import pathlib
import subprocess

from reconciler.agents import lock, metadata
from reconciler.model import agent

ROOT = pathlib.Path(__file__).resolve().parents[2] / "reconciler"
AGENTS = ROOT / "executor" / "ocf" / "resource.d" / "reconciler"
LOCK = ROOT / "agents" / "shipped.lock"


def fresh() -> str:
    """Return the text that the lock file should have."""
    found = []
    for program in sorted(AGENTS.iterdir()):
        name = agent.AgentName("ocf", "reconciler", program.name)
        done = subprocess.run(
            [program, "meta-data"],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "OCF_ROOT": "/usr/lib/ocf"},
            capture_output=True,
            check=True,
            timeout=30,
        )
        described = metadata.parse(name, done.stdout)
        if isinstance(described, metadata.Unusable):
            raise SystemExit(f"{program.name}: {described.reason}")
        found.append(described)
    return lock.write(found)


if __name__ == "__main__":
    LOCK.write_text(fresh(), encoding="utf-8")
