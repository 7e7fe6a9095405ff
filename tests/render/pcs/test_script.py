"""The script of ``pcs`` commands."""

from __future__ import annotations

import pathlib
import shlex
import subprocess

import pytest

from reconciler.cib import read
from reconciler.cli import adoption
from reconciler.model import rule, secret
from reconciler.render.pcs import command, rules, script

HERE = pathlib.Path(__file__).parent
CIB = HERE.parent / "source" / "cluster.xml"


@pytest.fixture(scope="module")
def text():
    """The script for the cluster of the source tests."""
    content = adoption.adopted(read.read(CIB.read_text("utf-8"), now=1.0)).content
    return script.text(content.desired, content.levels)


def test_golden(text):
    """Everything comes in the order in which it is needed, under a heading."""
    assert text == (HERE / "script.sh").read_text("utf-8")


def test_shell_reads_it(text):
    """The script is sound shell."""
    ended = subprocess.run(["/bin/sh", "-n"], input=text, text=True, check=False)

    assert ended.returncode == 0


def test_no_secret(text):
    """A secret is taken from the environment, and its lack ends the script."""
    assert 'password="${FENCE_A_PASSWORD:?}"' in text
    assert "hush" not in text


@pytest.mark.parametrize("value", ["a b", "$(id)", "'", "`id`", "a\nb", "*", ""])
def test_values_are_quoted(value):
    """Whatever a value holds, the shell hands it on as it is."""
    line = command.words("pcs", *command.pairs({"name": value}))

    assert shlex.split(line) == ["pcs", f"name={value}"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (secret.SecretRef(secret.SecretSource.FILE, ("/a b",)), "\"$(cat '/a b')\""),
        (secret.SecretRef(secret.SecretSource.EXEC, ("/bin/x", "y z")), "\"$(/bin/x 'y z')\""),
    ],
)
def test_other_secrets(source, words):
    """Secrets of files and programs are read when the script runs."""
    assert command.placeholder(source) == words


def test_long_commands_are_folded():
    """A long command goes on below."""
    line = command.words(*(f"word-{number}" for number in range(30)))

    assert all(len(part) <= 102 for part in line.splitlines())
    assert shlex.split(line.replace("\\\n", "")) == [f"word-{number}" for number in range(30)]


def test_rule():
    """Tests are joined by their operator, inner rules stand in brackets."""
    inner = rule.Rule(
        (
            rule.AttributeTest("a", "defined"),
            rule.DateTest("in_range", "2026-01-01", duration={"hours": "2"}),
        ),
        rule.BooleanOperator.OR,
    )
    found = rules.words(rule.Rule((rule.AttributeTest("b", "gt", "5", "integer"), inner)))

    assert " ".join(found) == (
        "b gt integer 5 and ( defined a or date in_range 2026-01-01 to duration hours=2 )"
    )
