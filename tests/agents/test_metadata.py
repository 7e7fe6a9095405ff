"""Meta-data of agents: read where it is sound, unusable where it is not, never an exception."""

import pathlib
import shutil
import subprocess

import hypothesis
import hypothesis.strategies as st
import pytest

from reconciler.agents import markup, metadata, private, services
from reconciler.model import agent

NAME = agent.AgentName("ocf", "x", "Y")
FENCE = agent.AgentName("stonith", "", "fence_x")
SOUND = """<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Y" version="0.9">
 <version>1.1</version>
 <longdesc lang="en"> several
   lines </longdesc>
 <shortdesc lang="en">short &amp; good</shortdesc>
 <parameters>
  <parameter name="ip" unique="1" required="1">
   <shortdesc>address</shortdesc><content type="string" default=""/>
  </parameter>
  <parameter name="mode" reloadable="1" unique-group="g">
   <content type="select" default="a"><option value="a"/><option value="b"/></content>
  </parameter>
  <parameter name="old"><deprecated><replaced-with name="ip"/></deprecated><content type="string"/></parameter>
  <parameter name="key" private="1"><content type="string"/></parameter>
 </parameters>
 <actions>
  <action name="start" timeout="20s"/><action name="stop" timeout="15"/>
  <action name="monitor" timeout="5s" interval="10s" role="Promoted" depth="10"/>
  <action name="promote" timeout="1s"/><action name="demote" timeout="soon"/>
 </actions>
</resource-agent>
"""


def test_sound_metadata():
    """Every part of the description reaches the value."""
    found = metadata.parse(NAME, SOUND)

    assert isinstance(found, agent.Metadata)
    assert (found.version, found.short, found.long) == ("1.1", "short & good", "several lines")
    assert found.promotable
    ip, mode, old, key = found.parameters
    assert (ip.required, ip.unique, ip.default, ip.short) == (True, True, "", "address")
    assert (mode.choices, mode.reloadable, mode.unique) == (("a", "b"), True, True)
    assert (old.deprecated, old.replaced_by) == (True, "ip")
    assert key.private
    assert [(one.name, one.timeout_ms) for one in found.operations] == [
        ("start", 20_000),
        ("stop", 15_000),
        ("monitor", 5_000),
        ("promote", 1_000),
        ("demote", None),
    ]
    assert (found.operations[2].interval_ms, found.operations[2].role) == (10_000, "Promoted")
    assert found.operations[2].depth == 10


def test_fence_agents_name_older_parameters():
    """A renamed parameter of a fence agent leads to its current name; passwords are private."""
    text = (
        "<resource-agent name='fence_x' shortdesc='s'><parameters>"
        "<parameter name='password' obsoletes='passwd'><content type='string'/></parameter>"
        "<parameter name='passwd' deprecated='1'/><parameter name='password_script'/>"
        "</parameters><actions><action name='off'/></actions></resource-agent>"
    )
    found = metadata.parse(FENCE, text)

    assert isinstance(found, agent.Metadata)
    assert found.short == "s"
    assert [one.private for one in found.parameters] == [True, True, False]
    assert found.parameters[1].replaced_by == "password"


BOMB = (
    "<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY {chr(98 + n)} '{('&' + chr(97 + n) + ';') * 10}'>" for n in range(9))
    + "]><resource-agent>&j;</resource-agent>"
)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "no XML"),
        ("nonsense", "no XML"),
        ("<a", "no XML"),
        ("<a></b>", "no XML"),
        ("<a/>", "no description"),
        (BOMB, "entities"),
        (
            "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><resource-agent>&x;</resource-agent>",
            "entities",
        ),
        ("<resource-agent>" + "x" * 10_000_000, "bytes"),
        ("<a>" * 100_000, "nested"),
        ("<resource-agent>" + "<a/>" * 50_000 + "</resource-agent>", "elements"),
        ("<resource-agent>\x00</resource-agent>", "no XML"),
        (b"\xff\xfe<\x00a\x00/\x00>\x00", "no description"),
        ("usage: /usr/lib/ocf/x {start|stop}\n", "no XML"),
    ],
    ids=range(13),
)
@pytest.mark.timeout(30)
def test_unusable_metadata(text, part):
    """Broken XML, bombs and floods are unusable, with the reason."""
    found = metadata.parse(NAME, text)

    assert isinstance(found, metadata.Unusable)
    assert part in found.reason


def test_odd_but_harmless_metadata():
    """Missing parts and strange values leave their fields empty."""
    found = metadata.parse(
        NAME,
        "<resource-agent><parameters><parameter/><parameter name='p' required='perhaps'/>"
        "</parameters><actions><action/><action name='x' depth='deep' timeout='-5'/></actions>"
        "</resource-agent>",
    )

    assert isinstance(found, agent.Metadata)
    assert found.parameters == (agent.Parameter("p"),)
    assert found.operations == (agent.AdvisedOperation("x"),)


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(st.integers(0, len(SOUND)), st.text(max_size=5))
def test_any_damage_is_survived(place, inserted):
    """Metadata with anything inserted or cut off is read or unusable."""
    for text in (SOUND[:place] + inserted + SOUND[place:], SOUND[:place]):
        assert isinstance(metadata.parse(NAME, text), agent.Metadata | metadata.Unusable)


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(st.binary(max_size=200))
def test_any_bytes_are_survived(content):
    """So are any bytes."""
    assert isinstance(markup.parse(content), markup.Element | markup.Unusable)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True),
        ("passwd", True),
        ("db_password", True),
        ("snmp_priv_passwd", True),
        ("api_key", True),
        ("token", True),
        ("auth_token", True),
        ("secret", True),
        ("hexadecimal_kg", True),
        ("password_script", False),
        ("identity_file", False),
        ("secret_file", False),
        ("ip", False),
        ("token_timeout", False),
        ("key", False),
    ],
)
def test_names_of_secrets(name, secret):
    """Names of secrets are known, those of the places of secrets are not taken for some."""
    assert private.named(name) is secret


SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides:          x
# Required-Start:    $network
# Short-Description: does x
# Description:       first line
#                    second line
# Default-Stop:
### END INIT INFO
echo
"""


def test_init_scripts_have_a_header():
    """The header of an init script gives its texts."""
    found = services.lsb(agent.AgentName("lsb", "", "x"), SCRIPT)

    assert (found.short, found.long) == ("does x", "first line second line")
    assert [one.name for one in found.operations] == ["start", "stop", "monitor"]
    assert services.header(SCRIPT)["Provides"] == "x"
    assert services.header(SCRIPT)["Default-Stop"] == ""


@pytest.mark.parametrize("script", ["", "#!/bin/sh\n", "### BEGIN INIT INFO\n# Provides: x\n"])
def test_scripts_without_header(script):
    """A script without a whole header has no fields, and still its operations."""
    assert services.header(script) == {}
    assert services.lsb(agent.AgentName("lsb", "", "x"), script).short == "lsb x"


def test_units_have_made_up_metadata():
    """A systemd unit can be started, stopped and asked, and is not promotable."""
    found = services.made(agent.AgentName("systemd", "", "nginx"))

    assert found.offers("monitor")
    assert not found.promotable
    assert found.parameters == ()


@pytest.mark.real
def test_all_installed_agents_are_read():
    """Every OCF agent of the distribution gives meta-data that is read."""
    folder = pathlib.Path("/usr/lib/ocf/resource.d/heartbeat")
    if not folder.is_dir():
        pytest.skip("needs the package resource-agents")
    for name in ("IPaddr2", "Filesystem", "pgsql", "Dummy"):
        done = subprocess.run(
            [folder / name, "meta-data"],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "OCF_ROOT": "/usr/lib/ocf"},
            capture_output=True,
            check=False,
            timeout=60,
        )
        found = metadata.parse(agent.AgentName("ocf", "heartbeat", name), done.stdout)
        assert isinstance(found, agent.Metadata), name
        assert found.offers("start")
        assert found.promotable is (name == "pgsql")


@pytest.mark.real
def test_installed_fence_agent_is_read():
    """The IPMI fence agent's parameters are read, its password private."""
    if not shutil.which("fence_ipmilan"):
        pytest.skip("needs the package fence-agents")
    done = subprocess.run(
        ["fence_ipmilan", "-o", "metadata"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    found = metadata.parse(agent.AgentName("stonith", "", "fence_ipmilan"), done.stdout)

    assert isinstance(found, agent.Metadata)
    assert found.parameter("password").private
    assert found.parameter("cipher") is not None
    assert found.parameter("ipaddr").replaced_by == "ip"
