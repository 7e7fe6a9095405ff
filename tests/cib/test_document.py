"""A CIB as text: what is refused before anything is read."""

from __future__ import annotations

import pytest

from reconciler.cib import document
from reconciler.errors import diagnostic


def _code(text):
    with pytest.raises(diagnostic.InvalidInputError) as caught:
        document.parse(text)
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "cib-not-xml"),
        ("<cib>", "cib-not-xml"),
        ("<cib><a></cib>", "cib-not-xml"),
        ("<html/>", "cib-not-a-cib"),
        ('<!DOCTYPE cib SYSTEM "file:///etc/passwd"><cib/>', "cib-doctype"),
        ('<!DOCTYPE cib [<!ENTITY a "b">]><cib>&a;</cib>', "cib-doctype"),
        ("<cib>" + "<a>" * 100 + "</a>" * 100 + "</cib>", "cib-too-deep"),
    ],
)
def test_refused(text, code):
    """What is no CIB, or could be a trick, is refused with a code of its own."""
    assert _code(text) == code


def test_position_of_bad_xml():
    """A syntax error names line and column, counted from one."""
    with pytest.raises(diagnostic.InvalidInputError) as caught:
        document.parse("<cib>\n  <a b></a></cib>")

    where = caught.value.diagnostics[0].position
    assert (where.line, where.column > 1) == (2, True)


def test_too_long(monkeypatch):
    """A text beyond the limit is not even parsed."""
    monkeypatch.setattr(document, "MAXIMUM_CHARACTERS", 10)

    assert _code("<cib>0123456789</cib>") == "cib-too-long"


def test_references_do_not_own_their_id():
    """An id inside a reference never hides the element that has it."""
    found = document.parse(
        "<cib><configuration><resources><template id='t'/></resources>"
        "<tags><tag id='x'><obj_ref id='t'/></tag></tags></configuration></cib>"
    )

    assert found.ids["t"].tag == "template"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10", 10_000),
        ("10s", 10_000),
        ("P10S", 10_000),
        ("PT1M", 60_000),
        ("2min", 120_000),
        ("bad", None),
        (None, None),
    ],
)
def test_milliseconds(text, expected):
    """Durations are read with units, as ISO 8601, and in the short form of old files."""
    assert document.milliseconds(text) == expected
