"""Init scripts, fence agents, and what agents tell through the Pacemaker commands."""

import os
import pathlib
import subprocess

import pytest


@pytest.mark.parametrize(
    ("code", "status", "rc"),
    [
        (0, "done", 0),
        (1, "done", 7),
        (2, "done", 7),
        (3, "done", 7),
        (4, "error", 1),
        (150, "error", 1),
    ],
)
def test_what_an_init_scripts_status_means(node, code, status, rc):
    """`status` has the LSB's own table; what that leaves open is unknown."""
    node.program(node.scripts / "demo", f'[ "$1" = status ] || exit 99\nexit {code}\n')
    executor = node.start()

    operation = node.act(executor, "monitor", "lsb:demo", probe=True)

    assert (operation["status"], operation["rc"]) == (status, rc)


@pytest.mark.parametrize(("code", "rc"), [(0, 0), (1, 1), (5, 5), (7, 7)])
def test_what_an_init_scripts_other_actions_mean(node, code, rc):
    """Codes up to 7 mean the same as in OCF."""
    node.program(node.scripts / "demo", f'[ "$1" = start ] || exit 99\nexit {code}\n')
    executor = node.start()

    assert node.act(executor, "start", "lsb:demo")["rc"] == rc


def test_an_init_script_cannot_promote(node):
    """What init scripts do not know is unimplemented, and the script is not asked."""
    node.program(node.scripts / "demo", "exit 0\n")
    executor = node.start()

    assert node.act(executor, "promote", "lsb:demo")["rc"] == 3
    assert node.act(executor, "start", "lsb:absent")["status"] == "not-installed"


FENCE = """cat > {log}
echo "argv $*" >> {log}
env >> {log}
echo "password is s3cret/x and s3cret%2Fx"
echo "failed with s3cret/x" >&2
exit 2
"""


def test_fence_options_go_in_on_standard_input_only(node):
    """Options are read from standard input; secrets are in no argument, environment or answer."""
    node.program(node.fences / "fence_demo", FENCE.format(log=node.log))
    executor = node.start()

    said = executor.call(
        "fence",
        token=1,
        agent="fence_demo",
        options={"action": "status", "ip": "10.0.0.1", "login": "s3cret/x"},
        secret_options=["login"],
        timeout_ms=10_000,
    )
    written = node.log.read_text()

    assert said["rc"] == 2
    assert "s3cret" not in said["stdout"] + said["stderr"]
    assert "failed with ******" in said["stderr"]
    assert written.startswith("action=status\nip=10.0.0.1\nlogin=s3cret/x\nargv \n")
    assert "s3cret" not in written.partition("argv")[2]
    for path in node.state.rglob("*"):
        if path.is_file():
            assert b"s3cret" not in path.read_bytes(), path


@pytest.mark.parametrize(
    "options",
    [
        {"ip": "10.0.0.1\naction=off"},
        {"ip": "10.0.0.1\raction=off"},
        {"ip\naction": "off"},
        {"ip=x": "off"},
        {"-action": "off"},
        {"password": " lead"},
        {"password": '"quoted"'},
        {"password": "nul\x00"},
        {"port": 7},
    ],
)
def test_fence_options_cannot_smuggle_others_in(node, support, options):
    """A value that would be another line, or that agents would change, is refused unread."""
    node.program(node.fences / "fence_demo", FENCE.format(log=node.log))
    executor = node.start()

    code = support.refused(
        executor.call, "fence", token=1, agent="fence_demo", options=options, timeout_ms=1000
    )

    assert code == "bad-request"
    assert not node.log.exists()


def test_a_fence_agent_that_hangs_is_killed(node, support):
    """A fence agent has a deadline like every other, and its code says failure."""
    node.program(node.fences / "fence_demo", f"echo $$ > {node.log}\nexec sleep 60\n")
    executor = node.start()

    said = executor.call("fence", token=1, agent="stonith:fence_demo", options={}, timeout_ms=300)

    assert (said["rc"], said["ending"]) == (1, "timed-out")
    assert not support.alive(int(node.log.read_text()))
    missing = {"agent": "fence_absent", "options": {}, "timeout_ms": 300}
    assert support.refused(executor.call, "fence", token=1, **missing) == "unknown-agent"


@pytest.mark.real
def test_a_real_fence_agent(node):
    """fence_dummy of fence-agents is run and tells its meta-data."""
    if not pathlib.Path("/usr/sbin/fence_dummy").exists():
        pytest.skip("needs the package fence-agents")
    node.fences = pathlib.Path("/usr/sbin")
    executor = node.start()
    options = {"action": "monitor", "type": "file", "status_file": str(node.log)}

    said = executor.call("fence", token=1, agent="fence_dummy", options=options, timeout_ms=20_000)

    assert said["rc"] == 0
    assert "<resource-agent" in executor.call("metadata", agent="fence_dummy")["xml"]


def test_meta_data_is_asked_once_per_version(node, support):
    """An agent's meta-data is remembered until its file changes."""
    body = "log $1\necho '<resource-agent name=\"%s\"/>'\nexit 0\n"
    agent = node.agent("Meta", 'echo x >> "$HA_RSCTMP/asked"\n' + body % "one")
    executor = node.start()

    answers = [executor.call("metadata", agent=agent)["xml"] for _time in range(2)]
    node.agent("Meta", 'echo x >> "$HA_RSCTMP/asked"\n' + body % "two")
    path = node.root / "test" / "Meta"
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    answers.append(executor.call("metadata", agent=agent)["xml"])

    assert ["one" in answers[0], answers[0] == answers[1], "two" in answers[2]] == [True] * 3
    assert (node.rsctmp / "asked").read_text() == "x\nx\n"
    assert "<action" in executor.call("metadata", agent="systemd:sshd")["xml"]
    assert support.refused(executor.call, "metadata", agent="ocf:test:No") == "unknown-agent"


def test_agents_are_listed(node):
    """Every agent that can be run is listed, with its path, and nothing else."""
    node.agent("Good", "exit 0\n")
    node.agent("Open", "exit 0\n")
    (node.root / "test" / "Open").chmod(0o777)
    (node.root / "test" / "README").write_text("text")
    node.program(node.scripts / "demo", "exit 0\n")
    node.program(node.fences / "fence_demo", "exit 0\n")
    executor = node.start()

    listed = {known["agent"]: known["path"] for known in executor.call("agents")["agents"]}

    assert listed["ocf:test:Good"] == str(node.root / "test" / "Good")
    assert {"ocf:reconciler:Dummy", "lsb:demo", "fence_demo"} <= set(listed)
    assert not {"ocf:test:Open", "ocf:test:README"} & set(listed)


SHIM_SCRIPT = """set -f
for line in $(echo "$OCF_RESKEY_commands" | tr ' ' '^'); do
  $(echo $line | tr '^' ' ') >> "$OCF_RESKEY_log" 2>/dev/null
  echo "= $?" >> "$OCF_RESKEY_log"
done
exit 0
"""


def shimmed(node, executor, commands, **fields):
    """Run shim commands (one a line, words divided by blanks) in an agent; returns its log."""
    node.log.unlink(missing_ok=True)
    agent = node.agent("Shim", SHIM_SCRIPT)
    node.act(executor, "monitor", agent, params={"commands": commands}, **fields)
    return node.log.read_text()


def test_agents_set_promotion_scores(node):
    """crm_master and crm_attribute -p set, query and delete the score of the agent's resource."""
    executor = node.start()

    said = shimmed(
        node,
        executor,
        "crm_master -v 7 -l reboot\ncrm_master -Q -l reboot\ncrm_master -G -l reboot\n"
        "crm_attribute -p -v INFINITY\ncrm_attribute --promotion=other:1 --update 3\n"
        "crm_master -l reboot -D\ncrm_master -l reboot -Q",
        resource="db:0",
    )

    assert said == (
        "= 0\n7\n= 0\nscope=status  name=master-db:0 value=7\n= 0\n= 0\n= 0\n= 0\n= 105\n"
    )
    assert executor.call("attributes")["attributes"]["transient"] == {"master-other:1": "3"}


def test_agents_set_node_attributes(node):
    """Each form in which agents spell an attribute ends in the right scope, durably."""
    executor = node.start()
    executor.call("subscribe")

    said = shimmed(
        node,
        executor,
        "attrd_updater -n pingd -U 1000 -d 5s\nattrd_updater -n pingd -Q\nattrd_updater -Q -n none\n"
        "crm_attribute -l forever --node n1 -n p -v 5\ncrm_attribute -N n1 -n p -G -q\n"
        "crm_attribute --type crm_config --name c -s set -v x:y\ncrm_attribute -n p -v p++\n"
        "crm_attribute -n none --query --default=d --quiet\ncrm_node -n\ncrm_node -l\n"
        "crm_attribute -N other -n p -G\ncrm_attribute --explode\nattrd_updater -n gone -B 1\n"
        "attrd_updater -D -n gone",
    )

    assert said == (
        '= 0\nname="pingd" host="n1" value="1000"\n= 0\n= 105\n'
        "= 0\n5\n= 0\n= 0\n= 0\nd\n= 0\nn1\n= 0\n= 3\n= 105\n= 64\n= 0\n= 0\n"
    )
    assert executor.event("attribute")["name"] == "pingd"
    assert node.restart().call("observe")["attributes"] == {
        "transient": {"pingd": "1000"},
        "permanent": {"p": "6"},
        "cluster": {"c": "x:y"},
    }


def test_shims_without_an_executor_say_so(node):
    """Where the executor does not answer, the commands fail as Pacemaker's do."""
    node.start()
    node.kill()

    done = subprocess.run(
        [node.state / "shims" / "crm_master", "-v", "1"],
        env={"RECONCILER_EXECUTOR_SOCKET": node.socket, "OCF_RESOURCE_INSTANCE": "r"},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 102
    assert "executor" in done.stderr.decode()


def test_an_agent_behind_a_link_out_of_the_roots_is_refused(node, support):
    """A link that leads out of the agent roots is not followed into running a program."""
    outside = node.directory / "outside"
    node.program(outside, "exit 0\n")
    (node.root / "test" / "Link").symlink_to(outside)
    inside = node.agent("Inside", "exit 0\n")
    (node.root / "test" / "Alias").symlink_to("Inside")
    executor = node.start()

    refused = support.refused(executor.call, "act", **node.request("start", "ocf:test:Link"))

    assert refused == "unknown-agent"
    assert inside == "ocf:test:Inside"
    assert node.act(executor, "start", "ocf:test:Alias")["rc"] == 0


@pytest.mark.root
def test_an_agent_of_another_user_is_refused(node, support):
    """Root runs no agent that somebody else owns, nor one in somebody else's directory."""
    if os.geteuid() != 0:
        pytest.skip("needs root to give files away")
    agent = node.agent("Given", "exit 0\n")
    executor = node.start()

    os.chown(node.root / "test" / "Given", 65534, 65534)
    owned = support.refused(executor.call, "act", **node.request("start", agent))
    os.chown(node.root / "test" / "Given", 0, 0)
    os.chown(node.root / "test", 65534, 65534)
    directory = support.refused(executor.call, "act", **node.request("start", agent))
    os.chown(node.root / "test", 0, 0)

    assert (owned, directory) == ("unknown-agent", "unknown-agent")
    assert node.act(executor, "start", agent)["rc"] == 0
