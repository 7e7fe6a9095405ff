"""Observation files: written, read back, and refused."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors.diagnostic import InvalidInputError
from reconciler.model import observed
from reconciler.model.agent import AgentName
from reconciler.render import observation

_NAMES = st.text(string.ascii_letters + string.digits + "-_:#", min_size=1, max_size=8)
_TIMES = st.floats(0, 2e9, allow_nan=False)
_TEXTS = st.dictionaries(_NAMES, st.text(max_size=8), max_size=2)
_AGENTS = (
    AgentName("ocf", "heartbeat", "Dummy"),
    AgentName("ocf", "", "Dummy"),
    AgentName("systemd", "", "web@a:b"),
)
_OPERATIONS = st.builds(
    observed.OperationRecord,
    st.sampled_from(["start", "monitor"]),
    st.integers(0, 100_000),
    st.integers(-1, 100),
    st.sampled_from([*observed.Rc, -1]).map(int),
    st.sampled_from(observed.OperationStatus),
    changed_at=_TIMES,
    digests=st.builds(
        observed.Digests, _NAMES, restart_parameters=st.lists(_NAMES, max_size=2).map(tuple)
    ),
    reason=st.text(max_size=5),
)


@st.composite
def _observations(draw: st.DrawFn) -> observed.Observed:
    agents = st.sampled_from([None, *_AGENTS])
    nodes = {}
    for name in draw(st.lists(_NAMES, max_size=3, unique=True)):
        histories = {
            resource: observed.ResourceHistory(
                resource,
                draw(agents),
                tuple(draw(st.lists(_OPERATIONS, max_size=2))),
                draw(st.integers(0, 9)),
            )
            for resource in draw(st.lists(_NAMES, max_size=2, unique=True))
        }
        nodes[name] = observed.ObservedNode(
            name,
            draw(st.sampled_from(observed.Presence)),
            attributes=draw(_TEXTS),
            standby=draw(st.sampled_from([None, True, False])),
            histories=histories,
        )
    tickets = {
        "t": observed.TicketState(draw(st.booleans()), last_granted=draw(st.none() | _TIMES))
    }
    return observed.Observed(
        draw(_TIMES), draw(st.booleans()), nodes, tickets=tickets, attributes=draw(_TEXTS)
    )


def _text(**changes: object) -> str:
    body = {
        "kind": "reconciler-observation",
        "format_version": 1,
        "now": 100,
        "quorate": True,
        "nodes": {"n1": {"presence": "online"}},
    }
    return json.dumps({name: one for name, one in (body | changes).items() if one is not None})


@given(_observations())
def test_what_is_saved_is_read_back(seen):
    """Everything in an observation survives being written and read, but its id."""
    found = observation.parse(observation.save(seen), "f.json")

    assert observed.Observed(**{**_fields(found), "id": ""}) == seen


def _fields(one: observed.Observed) -> dict[str, object]:
    return {name: getattr(one, name) for name in observed.Observed.__slots__}


def test_the_id_follows_from_the_contents():
    """Two files that say the same give the same id, another fact another one."""
    first = observation.parse(_text(), "a.json")
    same = observation.parse(_text(now=100.0), "b.json")
    other = observation.parse(_text(quorate=False), "c.json")

    assert first.id == same.id != other.id


def test_a_person_can_write_one():
    """What has its usual value may be left out, and names stand once."""
    seen = observation.parse(_text(), "f.json")

    assert seen.nodes["n1"] == observed.ObservedNode("n1", observed.Presence.ONLINE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{\n  oops", "f.json:2:3"),
        ("[]", "no observation file"),
        ("{}", "no observation file"),
        (_text(kind="reconciler-plan"), "no observation file"),
        (_text(format_version=2), "format_version is 2, this release reads 1"),
        (_text(now=None), "now is missing"),
        (_text(now="yesterday"), 'now: "yesterday" is not a number'),
        (_text(quorate=1), "quorate: 1 is not true or false"),
        (_text(nodes=[]), "nodes: [] is not an object"),
        (_text(node={}), "node: no such field"),
        (_text(nodes={"n1": {}}), "nodes.n1.presence is missing"),
        (_text(nodes={"n1": {"presence": "onlin"}}), "nodes.n1.presence"),
        ('{"kind": 1, "kind": 2}', "'kind' stands twice"),
        (_text().replace("100", "NaN"), "NaN is no number"),
        ("[" * 100_000, "no JSON"),
        (
            _text(nodes={"n": {"presence": "online", "histories": {"p": {"operations": [{}]}}}}),
            "nodes.n.histories.p.operations[0].operation is missing",
        ),
        (
            _text(nodes={"n": {"presence": "online", "histories": {"p": {"agent": "x"}}}}),
            "nodes.n.histories.p.agent",
        ),
    ],
)
def test_what_is_refused(text, words):
    """Whatever is no observation is refused with where and what."""
    with pytest.raises(InvalidInputError) as refused:
        observation.parse(text, "f.json")

    found = [f"{one.position}: {one.message}" for one in refused.value.diagnostics]
    assert any(words in one for one in found), found


def test_near_names_are_offered():
    """A field or a word that is nearly right comes with the right one."""
    text = _text(nodes={"n1": {"presence": "onlin", "standbye": True}})

    with pytest.raises(InvalidInputError) as refused:
        observation.parse(text, "f.json")

    assert {one.nearest[0] for one in refused.value.diagnostics} == {"online", "standby"}


def test_findings_are_bounded(monkeypatch):
    """A file that is wrong everywhere gives a page of findings, not a book."""
    monkeypatch.setattr(observation, "FINDINGS_MAX", 3)

    with pytest.raises(InvalidInputError) as refused:
        observation.parse(_text(**{f"x{number}": 1 for number in range(9)}), "f.json")

    assert len(refused.value.diagnostics) == 3


def test_too_long(monkeypatch):
    """A file beyond the limit is not even parsed."""
    monkeypatch.setattr(observation, "CHARACTERS_MAX", 10)

    with pytest.raises(InvalidInputError) as refused:
        observation.parse("x" * 11, "f.json")

    assert refused.value.diagnostics[0].code == "observation-too-long"
