"""What a manifest means: the desired state, field by field."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

from reconciler.manifest import load
from reconciler.model import agent, attribute, constraint, fencing, resource, role, rule, secret


@pytest.fixture(scope="module")
def desired(full):
    """Return the desired state of the manifest above."""
    loaded = load.load_texts({"m.yaml": full})
    assert loaded.desired is not None, loaded.diagnostics
    return loaded.desired


def named(found, name):
    """Return the thing of that name."""
    return next(one for one in found if getattr(one, "name", getattr(one, "id", "")) == name)


def test_cluster(desired):
    """Name, properties under current names, and the membership's time-out."""
    assert desired.name == "vip_cluster"
    assert desired.membership_timeout_ms == 1500
    assert attribute.always(desired.properties, "fencing-enabled") == "true"
    assert attribute.always(desired.properties, "no-quorum-policy") == "stop"
    assert str(desired.origins["fencing-enabled"]) == "m.yaml:4:16"


def test_removed_resources_are_kept_by_default(desired):
    """Removal needs prune, so the property is off unless the manifest sets it."""
    assert attribute.always(desired.properties, "stop-removed-resources") == "false"


def test_removed_resources_can_be_stopped(spoil):
    """The manifest may turn the property on, also by its older name."""
    spoiled = spoil(cluster="cluster: {name: x, properties: {stop-orphan-resources: true}}\n")

    properties = spoiled.loaded.desired.properties
    assert attribute.always(properties, "stop-removed-resources") == "true"


def test_nodes(desired):
    """Nodes keep their order, address, connection and attributes."""
    first, second = desired.nodes

    assert (first.name, first.address, first.connection) == ("ha-1", "192.168.0.5", "ssh")
    assert first.connection_options == {"port": "2222"}
    assert second.standby
    assert attribute.always(second.attributes, "rack") == "b"
    assert attribute.always(second.utilization, "memory") == "64"


def test_primitive(desired):
    """A primitive has its agent, parameters as text, meta-attributes and operations."""
    vip = named(desired.resources, "p_vip")
    first, second = vip.operations

    assert vip.agent == agent.AgentName("ocf", "heartbeat", "IPaddr2")
    assert vip.params[0].pairs == {"ip": "192.168.0.200", "cidr_netmask": "24"}
    assert vip.meta[0].pairs == {"migration-threshold": "3", "failure-timeout": "60s"}
    assert (first.name, first.interval_ms, first.timeout_ms) == ("monitor", 2_000, 20_000)
    assert first.attributes[0].pairs == {"OCF_CHECK_LEVEL": "10"}
    assert (second.role, second.on_fail) == (role.Role.PROMOTED, resource.OnFail.FENCE)
    assert str(vip.origin) == "m.yaml:23:3"
    assert str(vip.params[0].origins["ip"]) == "m.yaml:25:18"


def test_template(desired):
    """A resource's own values win over those of its template; operations are joined."""
    vip = named(desired.resources, "p_vip2")

    assert attribute.always(vip.params, "nic") == "eth1"
    assert attribute.always(vip.params, "cidr_netmask") == "24"
    assert [(one.name, one.timeout_ms) for one in vip.operations] == [
        ("monitor", 9_000),
        ("start", 30_000),
    ]


def test_group_and_clone(desired):
    """Members move into their group or clone and are no resources of their own."""
    web, ha = named(desired.resources, "web"), named(desired.resources, "pgsql_ha")

    assert [one.name for one in desired.resources] == ["p_vip", "p_vip2", "web", "pgsql_ha"]
    assert [one.name for one in web.members] == ["web_fs", "web_httpd"]
    assert web.members[0].agent.standard == "systemd"
    assert ha.child.name == "pgsql"
    assert attribute.always(ha.meta, "promotable") == "true"
    assert attribute.always(ha.meta, "promoted-max") == "1"


def test_colocations(desired):
    """Colocations have INFINITY by default and keep roles."""
    first, second = [one for one in desired.constraints if isinstance(one, constraint.Colocation)]

    assert (first.dependent, first.primary, first.score) == ("p_vip2", "p_vip", 1_000_000)
    assert (second.id, second.score, second.primary_role) == ("c1", 50, role.Role.PROMOTED)


def test_orders(desired):
    """Orders keep kind, symmetry and actions."""
    first, second, _ = [one for one in desired.constraints if isinstance(one, constraint.Order)]

    assert (first.kind, first.symmetrical) == (constraint.OrderKind.OPTIONAL, False)
    assert (second.first_action, second.then_action) == ("promote", "start")


def test_sets_and_tags(desired):
    """Sets stay sets, and a tag keeps its name in an order; the scheduler knows what it means."""
    (order,) = [one for one in desired.constraints if isinstance(one, constraint.OrderSets)]
    (tagged,) = [one for one in desired.constraints if getattr(one, "first", "") in desired.tags]

    assert order.sets[0].resources == ("p_vip", "p_vip2")
    assert not order.sets[0].sequential
    assert (tagged.first, tagged.then) == ("both", "web")
    assert desired.tags == {"both": ("p_vip", "p_vip2"), "address": ("p_vip2",)}


def test_locations(desired):
    """Preferences are a location for each node, avoided ones negative; rules are kept."""
    found = [one for one in desired.constraints if isinstance(one, constraint.Location)]

    assert [(one.node, one.score) for one in found] == [
        ("ha-2", 100),
        ("ha-1", -1_000_000),
        (None, -5),
        (None, 1),
    ]
    assert len({one.id for one in found}) == 4
    assert found[2].rule.operator is rule.BooleanOperator.AND
    assert isinstance(found[2].rule.tests[1], rule.Rule)
    assert found[3].pattern == "web_.*"
    assert found[3].rule.tests[0].spec == {"hours": "9-16"}


def test_ticket(desired):
    """A ticket names its resources and what its loss leads to."""
    (ticket,) = [one for one in desired.constraints if isinstance(one, constraint.Ticket)]

    assert (ticket.ticket, ticket.resources) == ("site", ("web",))
    assert ticket.loss_policy is constraint.LossPolicy.STOP


def test_fencing(desired):
    """Devices have hosts or a map of them, delays and limits; levels count from 1."""
    ipmi, pdu = desired.fencing.devices

    assert ipmi.agent == fencing.BUILT_IN_IPMI
    assert ipmi.params[0].pairs["password"] == secret.SecretRef(
        secret.SecretSource.ENV, ("IPMI_HA_1",)
    )
    assert (ipmi.delay_max_ms, ipmi.priority, ipmi.retries, ipmi.timeout_ms) == (
        5_000,
        3,
        2,
        30_000,
    )
    assert pdu.host_map == {"ha-1": "4", "ha-2": "5"}
    assert [one.index for one in desired.fencing.levels] == [1, 2]
    assert desired.fencing.topology("ha-1") == ((ipmi,), (pdu,))


def test_known_agents_come_along(desired):
    """The meta-data of the agents that are used is part of the desired state."""
    assert agent.AgentName("stonith", "", "ipmi") in desired.agents


def test_blocks_with_rules(spoil):
    """Values can depend on rules; blocks of higher score come first."""
    spoiled = spoil(
        resources="resources:\n  a:\n    agent: ocf:x:Y\n    params:\n"
        "      - {values: {p: 1}}\n"
        "      - {score: 5, rule: {attribute: '#uname', operation: eq, value: n1}, values: {p: 2}}\n"
        "  b: {agent: 'ocf:x:Y'}\n"
    )
    (first, second) = spoiled.loaded.desired.resources[0].params

    assert (first.score, first.pairs, first.rule is None) == (5, {"p": "2"}, False)
    assert (second.pairs, second.rule) == ({"p": "1"}, None)


def test_sections_of_several_files_are_merged():
    """Sections are joined over files, constraints in the order of the files."""
    head = b"apiVersion: reconciler/v1\n"
    texts = {
        "b.yaml": head + b"resources: {b: {agent: 'ocf:x:Y'}}\n"
        b"constraints: [{order: {first: b, then: a}}]\n",
        "a.yaml": head + b"cluster: {name: x, properties: {fencing-enabled: false}}\n"
        b"nodes: {n: {}}\nresources: {a: {agent: 'ocf:x:Y'}}\n",
        "c.yaml": head + b"cluster: {properties: {batch-limit: 3}}\n",
    }
    loaded = load.load_texts(texts)

    assert [one.name for one in loaded.desired.resources] == ["a", "b"]
    assert attribute.always(loaded.desired.properties, "batch-limit") == "3"
    assert loaded.desired.constraints[0].origin.file == "b.yaml"


@pytest.mark.parametrize(
    "again",
    [
        b"resources: {a: {agent: 'ocf:x:Y'}}\n",
        b"nodes: {n: {}}\n",
        b"cluster: {name: y}\n",
        b"cluster: {properties: {fencing-enabled: true}}\n",
    ],
)
def test_defined_in_two_files(again):
    """A thing defined in two files is an error that names both places."""
    head = b"apiVersion: reconciler/v1\n"
    loaded = load.load_texts(
        {
            "a.yaml": head + b"cluster: {name: x, properties: {fencing-enabled: false}}\n"
            b"nodes: {n: {}}\nresources: {a: {agent: 'ocf:x:Y'}}\n",
            "b.yaml": head + again,
        }
    )
    (finding,) = [one for one in loaded.diagnostics if one.code == "defined-twice"]

    assert finding.position.file == "b.yaml"
    assert [place.file for place, _ in finding.related] == ["a.yaml"]
    assert loaded.desired is None


def test_the_order_of_files_does_not_matter(full):
    """Contents in any order give the same desired state, findings and digest."""
    parts = full.split(b"constraints:\n")
    texts = {"a.yaml": parts[0], "b.yaml": b"apiVersion: reconciler/v1\nconstraints:\n" + parts[1]}
    other = dict(reversed(texts.items()))

    assert load.load_texts(texts) == load.load_texts(other)


def test_shell_characters_are_plain_text(spoil):
    """Values with shell characters are kept literally."""
    spoiled = spoil(
        resources="resources:\n  a: {agent: 'ocf:x:Y', params: {p: '$(id); `id` | x & \"y\"'}}\n"
        "  b: {agent: 'ocf:x:Y'}\n"
    )

    assert spoiled.loaded.desired.resources[0].params[0].pairs["p"] == '$(id); `id` | x & "y"'


def test_heavy_modules_are_not_needed_for_a_broken_file():
    """A file that is no YAML is refused without pydantic being loaded."""
    code = (
        "import sys\nfrom reconciler.manifest import load\n"
        "load.load_texts({'a.yaml': b'{'})\nprint('pydantic' in sys.modules, 'networkx' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )

    assert done.stdout.split() == ["False", "False"]


@pytest.mark.timeout(120)
def test_ten_thousand_resources_are_loaded():
    """A large cluster is loaded whole."""
    path = pathlib.Path(__file__).parents[1] / "benchmarks" / "load.py"
    spec = importlib.util.spec_from_file_location("load_benchmark", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    loaded = load.load_texts(benchmark.manifests(10_000))

    assert loaded.desired is not None
    assert len(loaded.desired.resources) == 10_000


@pytest.mark.timeout(60)
def test_thousands_of_mistakes_are_found_soon():
    """Very many mistakes are all reported; only the first ones come with suggestions."""
    entries = "".join(
        f"  r{number}: {{agent: 'ocf:x:Y', meta: {{migration-treshold: 3}}}}\n"
        for number in range(4_000)
    )
    orders = "".join(f"  - order: {{first: r{one}, then: q{one}}}\n" for one in range(4_000))
    text = f"apiVersion: reconciler/v1\ncluster: {{name: x}}\nnodes: {{n: {{}}}}\nresources:\n{entries}constraints:\n{orders}"
    loaded = load.load_texts({"m.yaml": text.encode()})
    found = [one for one in loaded.diagnostics if one.code == "unknown-meta"]

    assert len(found) == 4_000
    assert found[0].nearest == ("migration-threshold",)
    assert found[-1].nearest == ()
