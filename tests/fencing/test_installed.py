"""Which fence agents there are, and what they say of themselves."""

from __future__ import annotations

import os
import pathlib

import pytest

from reconciler.fencing import installed, metadata

DESCRIPTION = (
    '<resource-agent name="fence_a" shortdesc="A"><parameters>'
    '<parameter name="passwd" required="1"><content type="string" default="x"/></parameter>'
    '</parameters><actions><action name="on" automatic="1"/></actions></resource-agent>'
)


def write(directory: pathlib.Path, name: str, description: str = DESCRIPTION) -> pathlib.Path:
    """Write an agent that describes itself and counts how often it was asked."""
    program = directory / name
    program.write_text(f"#!/bin/sh\necho x >> {directory}/asked\ncat <<'E'\n{description}\nE\n")
    program.chmod(0o700)
    return program


@pytest.fixture
def directory(tmp_path):
    """Return a directory that nobody else can write to."""
    tmp_path.chmod(0o700)
    return tmp_path


async def test_description_is_read_once_while_the_agent_is_the_same(directory):
    """Asking again costs nothing until the program changes."""
    agents = installed.Installed([directory])
    write(directory, "fence_a")

    first = await agents.describe("fence_a")
    again = await agents.describe("fence_a")
    write(directory, "fence_a", DESCRIPTION.replace('shortdesc="A"', 'shortdesc="Another"'))
    changed = await agents.describe("fence_a")

    assert first == again
    assert changed.described.short == "Another"
    assert (directory / "asked").read_text() == "x\nx\n"


async def test_description_has_parameters_actions_and_unfencing(directory):
    """Passwords are private, and an automatic on means unfencing."""
    write(directory, "fence_a")

    described = await installed.Installed([directory]).describe("fence_a")

    (parameter,) = described.described.parameters
    assert (parameter.name, parameter.required, parameter.private) == ("passwd", True, True)
    assert described.offers("on")
    assert not described.offers("off")
    assert described.unfences


def test_names_are_those_of_trusted_programs(directory):
    """Others' files, plain files and names that are none of agents are left out."""
    write(directory, "fence_a")
    write(directory, "fence_open").chmod(0o777)
    write(directory, "fence_text").chmod(0o600)
    write(directory, "other")
    write(directory, "fence_a.bak")
    (directory / "fence_link").symlink_to(directory / "fence_open")
    (directory / "fence_gone").symlink_to(directory / "nothing")

    assert installed.Installed([directory, directory / "missing"]).names() == ("fence_a",)


@pytest.mark.root
def test_program_of_another_user_is_not_trusted(directory):
    """As root, a program that somebody else owns could be anything."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    os.chown(write(directory, "fence_a"), 1000, 1000)

    assert installed.Installed([directory]).find("fence_a") is None


def test_directory_that_others_can_write_to_is_not_trusted(directory):
    """Whoever can write there can put another program in the agent's place."""
    write(directory, "fence_a")
    directory.chmod(0o777)

    assert installed.Installed([directory]).find("fence_a") is None


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "no xml",
        "<other/>",
        '<!DOCTYPE x [<!ENTITY a "b">]><resource-agent>&a;</resource-agent>',
    ],
)
def test_what_is_no_description_is_none(xml):
    """Broken XML, other XML and XML with declarations are refused."""
    assert metadata.parse("fence_a", xml) is None


@pytest.mark.real
async def test_real_agents_describe_themselves():
    """Agents of the distribution can be read, with their types and choices."""
    agents = installed.Installed()
    if agents.find("fence_ipmilan") is None:
        assert os.environ.get("CI") != "true", "fence-agents are missing"
        pytest.skip("needs fence_ipmilan (Debian package fence-agents)")

    described = await agents.describe("fence_ipmilan")

    assert "fence_ipmilan" in agents.names()
    assert described.name == "fence_ipmilan"
    assert described.offers("off")
    assert described.described.parameter("ipport").type == "integer"
    assert described.described.parameter("password").private
    assert "administrator" in described.described.parameter("privlvl").choices
