"""Lock files: the same agents give the same bytes, and damaged ones are unusable."""

import dataclasses
import importlib.util
import json
import pathlib

import hypothesis
import hypothesis.strategies as st
import pytest

from reconciler.agents import ipmi, lock
from reconciler.model import agent

ONE = agent.Metadata(
    agent.AgentName("ocf", "x", "Y"),
    version="1",
    short="short",
    parameters=(
        agent.Parameter("p", required=True, default="", private=True),
        agent.Parameter("q", type="select", choices=("a", "b"), deprecated=True, replaced_by="p"),
    ),
    operations=(
        agent.AdvisedOperation("start", 20_000),
        agent.AdvisedOperation("monitor", 5_000, 10_000, "Promoted", 10),
    ),
    promotable=True,
)
TWO = agent.Metadata(agent.AgentName("stonith", "", "fence_x"))


def test_what_is_written_is_read():
    """A lock file gives back what was put in, but for the long texts."""
    full = dataclasses.replace(ONE, long="long")

    assert lock.read(lock.write([full, TWO])) == {ONE.agent: ONE, TWO.agent: TWO}


def test_order_does_not_matter():
    """The bytes do not depend on the order of the agents."""
    assert lock.write([ONE, TWO]) == lock.write([TWO, ONE])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "format_version"),
        ("{}", "format_version"),
        ('{"format_version": 99, "agents": {}}', "99"),
        ('{"format_version": 1}', "agents"),
        ('{"format_version": 1, "agents": {"../x": {}}}', "damaged"),
        ('{"format_version": 1, "agents": {"ocf:x:Y": []}}', "damaged"),
        ('{"format_version": 1, "agents": {"ocf:x:Y": {"parameters": []}}}', "damaged"),
        ('{"format_version": 1, "agents": {"ocf:x:Y": {"short": 5}}}', "damaged"),
        ('{"format_version": 1, "agents": {"ocf:x:Y": {"promotable": "x"}}}', "damaged"),
        (
            '{"format_version": 1, "agents": {"ocf:x:Y": {"operations": [{"timeout_ms": "x"}]}}}',
            "damaged",
        ),
        (
            '{"format_version": 1, "agents": {"ocf:x:Y": {"parameters": {"p": {"choices": [1]}}}}}',
            "damaged",
        ),
    ],
    ids=range(13),
)
def test_damaged_lock_files(text, part):
    """A damaged lock file is unusable, with the reason."""
    found = lock.read(text)

    assert isinstance(found, lock.Unusable)
    assert part in found.reason


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(st.data())
def test_any_value_in_any_place(data):
    """A lock file with any value in any place is read or unusable."""
    document = json.loads(lock.write([ONE, TWO]))
    place = document
    while isinstance(place, dict | list) and place:
        step = data.draw(
            st.sampled_from(list(place) if isinstance(place, dict) else range(len(place)))
        )
        if not isinstance(place[step], dict | list) or data.draw(st.booleans()):
            place[step] = data.draw(
                st.none()
                | st.booleans()
                | st.integers()
                | st.text(max_size=3)
                | st.just([])
                | st.just({})
            )
            break
        place = place[step]

    assert isinstance(lock.read(json.dumps(document)), dict | lock.Unusable)


def test_built_in_driver_is_described():
    """The built-in fence driver marks its password and needs what it cannot do without."""
    needed = {one.name for one in ipmi.METADATA.parameters if one.required}

    assert needed == {"ip", "username", "password"}
    assert ipmi.METADATA.parameter("password").private
    assert ipmi.METADATA.parameter("cipher").choices == ("3", "17")


def test_built_in_driver_takes_what_is_described():
    """The description has exactly the options that the driver takes."""
    from reconciler.fencing import ipmi as driver

    described = {one.name for one in ipmi.METADATA.parameters}

    assert described == driver._KNOWN | driver._WITHOUT_EFFECT | set(driver._ALIASES)


def test_shipped_lock_is_fresh():
    """The shipped lock file says what the shipped agents say (tests/agents/refresh_shipped.py)."""
    path = pathlib.Path(__file__).with_name("refresh_shipped.py")
    spec = importlib.util.spec_from_file_location("refresh_shipped", path)
    refresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(refresh)

    assert refresh.LOCK.read_text("utf-8") == refresh.fresh()
    known = lock.read(refresh.LOCK.read_bytes())
    assert {one.kind for one in known} >= {"Dummy", "Stateful", "Web"}
