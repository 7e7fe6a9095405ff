"""What the README tells people to type exists, and its manifest is one."""

import pathlib
import re

import pytest
from click.testing import CliRunner

from reconciler.cli import main
from reconciler.manifest import load

ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(
    {
        match
        for span in re.findall(r"`(reconcile [^`]+)`", README)
        for match in re.findall(r"reconcile ([a-z]+(?: [a-z]+(?![-_a-z0-9]))?)", span)
    }
)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_of_the_readme_exists(words):
    """Each command that is named answers --help."""
    verb, _, rest = words.partition(" ")
    runner = CliRunner()
    shown = runner.invoke(main.group, [verb, "--help"])

    assert shown.exit_code == 0, shown.output
    if verb in {"sandbox", "fence", "agents"} and rest:
        assert runner.invoke(main.group, [verb, rest, "--help"]).exit_code == 0


def test_the_readme_names_commands():
    """The search for commands finds the ones of the tutorial's table."""
    assert {"apply", "validate", "agents list"} <= set(COMMANDS)


def test_the_manifest_of_the_readme_is_right_but_for_what_it_leaves_out():
    """The sample loads; only the two nodes without a device of their own are named."""
    (sample,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    loaded = load.load_texts({"sample.yaml": sample.encode()})

    assert {one.code for one in loaded.diagnostics if one.severity.value == "error"} <= {
        "no-fence-device"
    }


def test_every_target_of_the_makefile_that_is_named_exists():
    """`make X` in README and CONTRIBUTING is a target."""
    makefile = (ROOT / "Makefile").read_text()
    text = README + (ROOT / "CONTRIBUTING.md").read_text()

    for target in re.findall(r"`?make ([a-z]+)\b", text):
        assert re.search(rf"(?m)^{target}:", makefile), target
