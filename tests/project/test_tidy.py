"""Habits that no linter knows: sizes, names, test sentences, nothing left unfinished."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = sorted((ROOT / "reconciler").rglob("*.py"))
TESTS = sorted(
    path for folder in ("tests", "examples") for path in (ROOT / folder).rglob("test_*.py")
)
LINES_MAX = 600
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "manager", "misc", "util", "helper"}


def _relative(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PACKAGE, ids=_relative)
def test_a_module_is_named_for_its_concept_and_small(path):
    """No module is a drawer for everything, none is longer than can be read in one sitting."""
    assert path.stem not in FORBIDDEN_NAMES
    assert len(path.read_text().splitlines()) <= LINES_MAX


@pytest.mark.parametrize("path", PACKAGE, ids=_relative)
def test_nothing_is_left_unfinished(path):
    """No note to a later self stands in the code."""
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError", path.read_text())


@pytest.mark.parametrize("path", TESTS, ids=_relative)
def test_every_test_states_the_behaviour_in_a_sentence(path):
    """A test's docstring is one sentence that a reader of the failure understands."""
    tree = ast.parse(path.read_text())
    silent = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert ast.get_docstring(tree)
    assert silent == []


def test_every_suppressed_warning_of_a_tool_has_its_reason():
    """A noqa or type: ignore says on its line why."""
    bare = [
        f"{_relative(path)}:{number}"
        for path in PACKAGE
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"#\s*(noqa|type:\s*ignore)(:\s*[A-Z0-9, ]+|\[[a-z-, ]+\])?\s*$", line)
    ]

    assert bare == []
