"""Operation histories of a CIB's status."""

from __future__ import annotations

import pytest

from reconciler.cib import read
from reconciler.scheduler import history


@pytest.mark.parametrize(
    ("begun", "later", "past"),
    [
        ("1:7:0:a", "1:8:0:a", True),
        ("1:7:0:a", "1:-1:0:a", True),
        ("1:8:0:a", "1:8:0:a", False),
        ("1:9:0:a", "1:8:0:a", False),
        ("1:-1:0:a", "1:8:0:a", False),
        ("1:7:0:a", "1:8:0:b", False),
        ("", "", False),
    ],
)
def test_what_was_begun_is_over_if_its_controller_has_gone_on(begun, later, past):
    """A later transition of the same controller began when the one before had ended."""
    records = "".join(
        f'<lrm_rsc_op operation="{task}" call-id="{call}" op-status="{status}" rc-code="{rc}"'
        f' interval="0" transition-key="{key}" transition-magic="{status}:{rc};{key}"/>'
        for task, call, status, rc, key in (("start", -1, -1, 193, begun), ("stop", 8, 0, 0, later))
    )
    text = (
        '<cib><configuration><nodes><node id="1" uname="n"/></nodes></configuration><status>'
        f'<node_state id="1"><lrm><lrm_resources><lrm_resource id="r">{records}</lrm_resource>'
        "</lrm_resources></lrm></node_state></status></cib>"
    )

    found = read.read(text).observed.nodes["n"].histories["r"]

    assert history.in_order(found.operations)[-1].operation == ("stop" if past else "start")
