"""The script, run by the real ``pcs`` on a copy of a CIB: Pacemaker decides as before."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "conformance"))

import conformance_harness as harness

from reconciler.cib import read, write
from reconciler.cli import adoption
from reconciler.render.pcs import script

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not harness.in_ci() and bool(harness.missing() or not shutil.which("pcs")),
        reason=harness.missing() or "needs pcs",
    ),
]
CASES = {
    "group11": "a group, without monitors",
    "banned-group-inner-constraints": "stickiness, a ban, colocation and order with a group",
    "location-sets-templates": "a location for a set of templates",
    "location-date-rules-2": "rules with dates",
    "bug-lf-2160": "clones, exclusive discovery",
    "order-sets": "resource sets",
    "ticket-rsc-sets-3": "tickets, a promotable clone",
    "reload-becomes-restart": "cloned agents that are not installed",
    "bundle-promoted-location-2": "a bundle",
    "base-score": "scores of nodes, rules with attributes",
}
SHIM = """\
#!/bin/sh
case "$1 $2" in
"cluster cib") exec cp "$BEFORE" "$3" ;;
"cluster cib-push") exec cp "$3" "$AFTER" ;;
esac
exec {pcs} "$@"
"""
"""There is no cluster to take the CIB from and to push it to; all else is done by pcs itself."""


def _without_resources(text: str) -> ET.Element:
    """Return a CIB with its nodes, and nothing that a script would make."""
    root = ET.fromstring(text)  # noqa: S314 - the records
    for path in ("crm_config", "resources", "constraints"):
        root.find(f"configuration/{path}").clear()
    for path in ("rsc_defaults", "op_defaults", "tags", "fencing-topology"):
        for one in root.findall(f"configuration/{path}"):
            root.find("configuration").remove(one)
    for one in root.findall("configuration/nodes/node"):
        for inside in list(one):
            one.remove(inside)
    root.find("status").clear()
    return root


def _run(text: str, before: ET.Element, folder: pathlib.Path) -> ET.Element:
    """Run a script on a CIB, and return what it pushes."""
    shim, start, end = folder / "pcs", folder / "before.xml", folder / "after.xml"
    shim.write_text(SHIM.format(pcs=shutil.which("pcs")))
    shim.chmod(0o755)
    ET.ElementTree(before).write(start)
    secrets = dict.fromkeys(re.findall(r"\$\{(\w+):\?\}", text), "x")
    places = {"PATH": f"{folder}:{os.environ['PATH']}", "BEFORE": str(start), "AFTER": str(end)}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ended = subprocess.run(
        ["/bin/sh"],
        input=text,
        env={**clean, **secrets, **places, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ET.parse(end).getroot()  # noqa: S314 - what pcs wrote


@pytest.mark.parametrize("identity", CASES)
def test_pcs_makes_a_cluster_that_decides_the_same(identity, tmp_path):
    """Pcs takes every command, and with the same status the same is done as before."""
    case = harness.case(identity)
    adopted = adoption.adopted(read.read(case.text, now=case.now), name=identity)
    wanted, levels = adopted.content.desired, adopted.content.levels
    text = write.text(wanted, levels, adopted.observed)
    whole = ET.fromstring(text)  # noqa: S314 - what we wrote

    made = _run(script.text(wanted, levels), _without_resources(text), tmp_path)

    made.remove(made.find("status"))
    made.append(whole.find("status"))
    made.attrib.update(
        {name: value for name, value in whole.attrib.items() if name != "admin_epoch"}
    )
    path = tmp_path / "cib.xml"
    ET.ElementTree(made).write(path)
    answer = harness.load("oracle").simulate(
        str(path), set_datetime=case.record["options"]["set_datetime"], with_scores=False
    )
    assert harness.load("oracle").compare(case.record["expected"], answer) == {}
