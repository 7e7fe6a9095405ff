"""Frozen values behave as the standard library's frozen dataclasses with slots do."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from reconciler.frozen import frozen


@frozen
class Point:
    """A value with each kind of field."""

    x: int
    names: tuple[str, ...] = ()
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    note: str = dataclasses.field(default="", compare=False)
    key: str = dataclasses.field(default="k", repr=False)


@frozen
class Corner(Point):
    """A value that adds a field, and says itself how it is shown."""

    angle: float = 90.0

    def __post_init__(self):
        if self.angle < 0:
            raise ValueError("no angle")

    def __repr__(self):
        return f"<{self.angle}>"


def test_fields_have_their_defaults():
    """What is not given has its default, made anew where a function makes it."""
    one, other = Point(1), Point(x=1)

    assert (one.x, one.names, one.tags, one.note, one.key) == (1, (), {}, "", "k")
    assert one.tags is not other.tags
    with pytest.raises(TypeError, match="x"):
        Point()


def test_a_value_cannot_change():
    """Fields can neither be set nor deleted, and there are no others."""
    one = Point(1)

    for change in (lambda: setattr(one, "x", 2), lambda: delattr(one, "x")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    with pytest.raises(AttributeError):
        object.__setattr__(one, "y", 2)
    assert one.x == 1


def test_values_are_compared_by_their_fields():
    """Equal are values of one class whose compared fields are equal; equal ones hash alike."""
    one = Point(1, ("a",), note="first")

    assert one == Point(1, ("a",), note="second")
    assert one != Point(2, ("a",))
    assert one != Corner(1, ("a",))
    assert one != (1, ("a",), {}, "k")
    assert hash(Point(1, ("a",), None)) == hash(Point(1, ("a",), None, "other"))


def test_what_a_class_defines_itself_stays():
    """Its own methods are not replaced, and __post_init__ is called."""
    assert repr(Corner(1)) == "<90.0>"
    with pytest.raises(ValueError, match="no angle"):
        Corner(1, angle=-1.0)


def test_it_is_a_dataclass():
    """Fields, replace, asdict, repr, patterns and copies are those of a dataclass."""
    one = Point(1, ("a",), {"t": "u"})

    assert [field.name for field in dataclasses.fields(one)] == [
        "x",
        "names",
        "tags",
        "note",
        "key",
    ]
    assert dataclasses.replace(one, x=2) == Point(2, ("a",), {"t": "u"})
    assert dataclasses.asdict(one)["tags"] == {"t": "u"}
    assert repr(one) == "Point(x=1, names=('a',), tags={'t': 'u'}, note='')"
    match one:
        case Point(1, names):
            assert names == ("a",)
    for duplicate in (copy.copy(one), copy.deepcopy(one)):
        assert duplicate == one
