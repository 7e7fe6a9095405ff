"""The shape of the language: one pydantic model for each kind of thing that can be written.

Only shape and single values are checked here; what names mean together is the business of the
modules that lower. Field names are the keys of the language with ``_`` for ``-``. The models also
give the published JSON schema its parts (``manifest.schema``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic

from reconciler.manifest import scalar
from reconciler.manifest.scalar import Duration, Flag, Name, Role, Score, Text, Value
from reconciler.model import score


def _dashed(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


class Model(pydantic.BaseModel):
    """What all models share: closed, and keys with dashes."""

    model_config = pydantic.ConfigDict(
        extra="forbid", alias_generator=_dashed, defer_build=True, hide_input_in_errors=True
    )


def _described(text: str, default: Any = None, examples: list[Any] | None = None) -> Any:
    return pydantic.Field(default, description=text, examples=examples)


class Date(Model):
    """A test of the time."""

    operation: Literal["gt", "lt", "in_range", "date_spec"] = pydantic.Field(
        description="gt: after start; lt: before end; in_range: between; date_spec: as a calendar"
    )
    start: Text | None = _described("ISO 8601 date or time", examples=["2026-12-24"])
    end: Text | None = _described("ISO 8601 date or time", examples=["2026-12-27T06:00:00Z"])
    duration: dict[str, Text] = _described(
        "instead of end: years, months, weeks, days, hours, minutes, seconds",
        {},
        [{"hours": 2}],
    )
    spec: dict[str, Text] = _described(
        "fields of the calendar with numbers or ranges: years, months, monthdays, yeardays, "
        "weekyears, weeks, weekdays, hours, minutes, seconds",
        {},
        [{"hours": "9-16", "weekdays": "1-5"}],
    )


class AgentTest(Model):
    """A test of a resource's agent, in defaults."""

    standard: Text | None = _described("standard, e.g. ocf")
    provider: Text | None = _described("provider, e.g. heartbeat")
    type_: Text | None = _described("type, e.g. IPaddr2")


class OperationTest(Model):
    """A test of the operation, in defaults of operations."""

    name: Text = pydantic.Field(description="operation")
    interval: Duration | None = _described("interval")


class Rule(Model):
    """A condition: one test, or several joined by and / or."""

    and_: list[Rule] | None = _described("all of these hold")
    or_: list[Rule] | None = _described("at least one of these holds")
    attribute: Text | None = _described("node attribute", examples=["rack", "#uname"])
    operation: Literal["lt", "gt", "lte", "gte", "eq", "ne", "defined", "not_defined"] | None = (
        _described("how the attribute is compared", examples=["eq"])
    )
    value: Text | None = _described("what it is compared with")
    type_: Literal["string", "integer", "number", "version"] | None = _described(
        "how both are read"
    )
    value_source: Literal["literal", "param", "meta"] | None = _described(
        "whether the value is meant literally or names a parameter or meta-attribute"
    )
    date: Date | None = _described("a test of the time")
    agent: AgentTest | None = _described("a test of the resource's agent; in defaults only")
    op: OperationTest | None = _described("a test of the operation; in defaults only")


class Block(Model):
    """Values that hold while a rule does."""

    # built at once, for almost every model holds blocks and would work their schema out anew
    model_config = pydantic.ConfigDict(defer_build=False)

    rule: Rule | None = _described("the condition; without one the values always hold")
    score: Score = _described("blocks of higher score are looked at first", 0)
    values: dict[str, Value] = pydantic.Field(description="the values")


def _written(value: object) -> str:
    return "<blocks>" if isinstance(value, list) else "<pairs>"


Pairs = Annotated[
    Annotated[dict[str, Value], pydantic.Tag("<pairs>")]
    | Annotated[list[Block], pydantic.Tag("<blocks>")],
    pydantic.Discriminator(_written),
]


def as_option(value: object) -> object:
    """Return an option of an operation as text; its own parameters are looked at later."""
    return value if isinstance(value, dict | list) else scalar.as_text(value)


Options = dict[
    str, Annotated[Any, pydantic.PlainValidator(as_option), scalar.schema(type=scalar.SCALARS)]
]
Operations = dict[
    str,
    Annotated[
        Annotated[Options, pydantic.Tag("<pairs>")]
        | Annotated[list[Options], pydantic.Tag("<blocks>")],
        pydantic.Discriminator(_written),
    ],
]


class OperationParams(Model):
    """What an operation has besides its options."""

    params: Pairs = _described("parameters for this operation alone", {})


class Membership(Model):
    """How the cluster notices who is there."""

    token: Duration = _described("silence after which a node counts as lost", 3_000, ["3s"])


class Consent(Model):
    """Acceptance of something unsafe, with the reason."""

    accept: Text = pydantic.Field(description="the reason", examples=["test machines only"])


class Cluster(Model):
    """The cluster as a whole."""

    name: Name = pydantic.Field(description="the cluster's name", examples=["vip_cluster"])
    properties: Pairs = _described("cluster properties", {}, [{"fencing-enabled": True}])
    membership: Membership = _described("how members are noticed", Membership.model_construct())
    accept: dict[str, Text] = _described(
        "code of a finding to the reason why it is no obstacle here; such findings become notes",
        {},
        [{"lookalike-name": "names from the old cluster"}],
    )
    ignore_quorum: Consent | None = _described(
        "needed with no-quorum-policy: ignore: why it is safe here"
    )


class Defaults(Model):
    """Values for everything that does not say otherwise."""

    resources: Pairs = _described("meta-attributes", {}, [{"resource-stickiness": 100}])
    operations: Pairs = _described("options of operations", {}, [{"timeout": "20s"}])


class Node(Model):
    """A machine of the cluster."""

    address: Text = _described(
        "IP address or host name; the node's name where not given", "", ["192.168.0.5"]
    )
    connection: Literal["sandbox", "local", "ssh"] = _described(
        "how it is reached: a node of a sandbox, this machine, or SSH", "sandbox"
    )
    connection_options: dict[str, Text] = _described(
        "further settings of the connection", {}, [{"port": 22, "user": "root"}]
    )
    id_: Text = _described("its id in a CIB, where that is not its name", "", examples=["1"])
    kind: Literal["member", "remote", "ping"] = _described(
        "full member, remote node, or a machine that is only pinged", "member"
    )
    attributes: Pairs = _described("permanent node attributes", {}, [{"rack": "b"}])
    utilization: Pairs = _described("capacity", {}, [{"memory": 64}])
    standby: Flag = _described("run nothing here", False)
    maintenance: Flag = _described("leave everything here alone", False)
    score: Score = _described("every resource's base score here", 0)
    unfenceable: Consent | None = _described("accept that nothing can fence this node; says why")


class Primitive(Model):
    """A resource that one agent runs."""

    agent: Text | None = _described(
        "standard:provider:type", examples=["ocf:heartbeat:IPaddr2", "systemd:nginx"]
    )
    template: Name | None = _described("template that it takes its agent and values from")
    params: Pairs = _described("the agent's parameters", {}, [{"ip": "192.168.0.200"}])
    operations: Operations = _described(
        "operation to its options; a list where there are several of one name",
        {},
        [{"monitor": {"interval": "2s", "timeout": "20s"}}],
    )
    meta: Pairs = _described("meta-attributes", {}, [{"migration-threshold": 3}])
    utilization: Pairs = _described("what it needs of a node", {}, [{"memory": 8}])
    description: Text = _described("free text", "")


class Group(Model):
    """Primitives that run together on one node, started in order, stopped in reverse."""

    group: list[Name] = pydantic.Field(
        description="members in their order", examples=[["web_fs", "web_ip", "web_httpd"]]
    )
    meta: Pairs = _described("meta-attributes", {})
    params: Pairs = _described("parameters for every member", {})
    description: Text = _described("free text", "")


class Clone(Model):
    """A primitive or group that runs on several nodes."""

    clone: Name = pydantic.Field(description="the primitive or group", examples=["pgsql"])
    promotable: Flag = _described("whether instances can be promoted", False)
    meta: Pairs = _described("meta-attributes", {}, [{"notify": True}])
    params: Pairs = _described("parameters for every instance", {})
    description: Text = _described("free text", "")


class PortMapping(Model):
    """A port of a bundle's containers that is reached from outside."""

    id_: Text = _described("its id in a CIB", "")
    port: int | None = _described("port on the container's address")
    internal_port: int | None = _described("port inside; the same where not given")
    range: Text = _described("first-last, mapped one to one, instead of port", "")


class Network(Model):
    """How a bundle's containers are reached."""

    ip_range_start: Text = _described("address of the first container; the others follow", "")
    control_port: int | None = _described("port of the remote executor inside; 3121")
    host_interface: Text = _described("interface that the addresses are on", "")
    host_netmask: int | None = _described("bits of the addresses' net mask; 32")
    add_host: Flag = _described("whether the containers know each other's names", True)
    ports: list[PortMapping] = _described("ports that are reached from outside", [])


class Storage(Model):
    """A directory or file of the node that a container sees."""

    id_: Text = _described("its id in a CIB", "")
    source_dir: Text = _described("on the node, the same for every container", "")
    source_dir_root: Text = _described("on the node, with a directory for each container", "")
    target_dir: Text = pydantic.Field(description="where the container sees it")
    options: Text = _described("options of the mount", "")


class Bundle(Model):
    """Containers, and a primitive that runs inside of each."""

    bundle: Literal["docker", "podman", "rkt"] = pydantic.Field(
        description="what runs the containers", examples=["podman"]
    )
    image: Text = pydantic.Field(description="the containers' image", examples=["pcmk:http"])
    replicas: int | None = _described("containers; promoted-max, or 1")
    replicas_per_host: int = _described("containers on one node", 1)
    promoted_max: int = _described("instances promoted; above 0 they are promotable", 0)
    container_network: Text = _described("the technology's own network option", "")
    options: Text = _described("further options of its command line", "")
    run_command: Text = _described("what runs inside; the remote executor where not given", "")
    network: Network | None = _described("how the containers are reached")
    storage: list[Storage] = _described("directories that the containers see", [])
    resource: Name | None = _described("the primitive that runs inside")
    meta: Pairs = _described("meta-attributes", {})
    description: Text = _described("free text", "")


class Set(Model):
    """A resource set of a colocation or order."""

    resources: list[Name] = pydantic.Field(description="members")
    sequential: Flag | None = _described(
        "whether the members follow each other; where it says so, only the ends count for other sets"
    )
    require_all: Flag = _described("whether all members must be active", True)
    action: Literal["start", "stop", "promote", "demote"] | None = _described("action ordered")
    role: Role | None = _described("role that the members must have")
    score: Score | None = _described("score within the set (colocation)")
    kind: Literal["Mandatory", "Optional", "Serialize"] | None = _described(
        "how strictly the order holds within the set"
    )
    ordering: Literal["group", "listed"] | None = _described(
        "whether the members of a colocation that does not hold together follow each other"
    )


class Colocation(Model):
    """A resource is placed relative to where another is."""

    id_: Name = _described("name of the constraint", "")
    resource: Name = pydantic.Field(description="the resource that follows")
    with_: Name = pydantic.Field(description="the resource that leads")
    score: Score = _described("how much; negative: apart", score.INFINITY)
    role: Role | None = _described("role of the one that follows")
    with_role: Role | None = _described("role of the one that leads")
    node_attribute: Text | None = _described("same value of this node attribute, not same node")
    influence: Flag | None = _described("whether the follower's wishes move the leader")


class ColocationSets(Model):
    """A colocation among the resources of sets."""

    id_: Name = _described("name of the constraint", "")
    sets: list[Set] = pydantic.Field(description="the sets; a later one follows an earlier one")
    score: Score = _described("how much; negative: apart", score.INFINITY)
    node_attribute: Text | None = _described("same value of this node attribute, not same node")
    influence: Flag | None = _described("whether the followers' wishes move the leaders")


_ACTIONS = Literal["start", "stop", "promote", "demote"]


class Order(Model):
    """One thing before another."""

    id_: Name = _described("name of the constraint", "")
    first: Name = pydantic.Field(description="the resource that comes first")
    then: Name = pydantic.Field(description="the resource that comes after")
    first_action: _ACTIONS = _described("what the first must have done", "start")
    then_action: _ACTIONS | None = _described("what the other then does; as first-action")
    kind: Literal["Mandatory", "Optional", "Serialize"] = _described(
        "how strictly it holds", "Mandatory"
    )
    symmetrical: Flag | None = _described("whether the reverse holds when stopping")
    require_all: Flag = _described("whether all instances of a clone must be active", True)


class OrderSets(Model):
    """An order among the resources of sets."""

    id_: Name = _described("name of the constraint", "")
    sets: list[Set] = pydantic.Field(description="the sets, in order")
    kind: Literal["Mandatory", "Optional", "Serialize"] = _described(
        "how strictly it holds", "Mandatory"
    )
    symmetrical: Flag | None = _described("whether the reverse holds when stopping")


class ScoredRule(Model):
    """One of several rules of a location."""

    rule: Rule = pydantic.Field(description="nodes that fulfil this")
    score: Score | None = _described("score of the nodes that fulfil the rule")
    score_attribute: Text | None = _described("node attribute that holds the score")
    role: Role | None = _described("count for this role only")


class Location(Model):
    """A wish for, or against, nodes."""

    id_: Name = _described("name of the constraint", "")
    resource: Name | None = _described("the resource")
    resources: list[Name] | None = _described("several resources, or a tag's or template's name")
    pattern: Text | None = _described("regular expression on resource names")
    prefers: dict[str, Score] | None = _described("node to score", examples=[{"ha-2": 100}])
    avoids: dict[str, Score] | None = _described("node to score", examples=[{"ha-3": "INFINITY"}])
    rule: Rule | None = _described("nodes that fulfil this, instead of names")
    rules: list[ScoredRule] | None = _described("several rules, each with a score of its own")
    score: Score | None = _described("score of the nodes that fulfil the rule")
    score_attribute: Text | None = _described("node attribute that holds the score")
    role: Role | None = _described("count for this role only")
    discovery: Literal["always", "never", "exclusive"] = _described(
        "whether the resource is looked for there before it is started", "always"
    )


class Ticket(Model):
    """Resources that may run only while the site holds a ticket."""

    id_: Name = _described("name of the constraint", "")
    ticket: Name = pydantic.Field(description="the ticket")
    resource: Name | None = _described("the resource")
    resources: list[Name] | None = _described("several resources")
    role: Role | None = _described("count for this role only")
    loss_policy: Literal["stop", "demote", "fence", "freeze"] | None = _described(
        "what happens when the ticket is lost"
    )


def _hosts(value: object) -> str:
    if isinstance(value, str):
        return "<any>"
    return "<pairs>" if isinstance(value, dict) else "<blocks>"


class Device(Model):
    """A device that can cut nodes off."""

    agent: Text = pydantic.Field(
        description="a fence agent, or ipmi for the built-in driver",
        examples=["fence_ipmilan", "ipmi"],
    )
    params: Pairs = _described("the agent's parameters", {}, [{"ip": "10.0.108.120"}])
    hosts: Annotated[
        Annotated[dict[str, Text], pydantic.Tag("<pairs>")]
        | Annotated[list[Name], pydantic.Tag("<blocks>")]
        | Annotated[Literal["any"], pydantic.Tag("<any>")],
        pydantic.Discriminator(_hosts),
    ] = _described(
        "nodes that it can fence; a mapping to ports where the device has several; any: every "
        "node, under its name",
        [],
        [["ha-1"], {"ha-1": 4}, "any"],
    )
    operations: Operations = _described(
        "operations of the device where Pacemaker runs it", {}, [{"monitor": {"interval": "60s"}}]
    )
    meta: Pairs = _described(
        "delays, time-outs, priority; for Pacemaker also meta-attributes of resources",
        {},
        [{"delay-max": "5s"}],
    )
    utilization: Pairs = _described("what Pacemaker counts for it on a node", {})
    after: Name | None = _described(
        "the resource that it follows where Pacemaker assigns resources to nodes; without it, "
        "the device before it, and the first one comes before all resources"
    )
    description: Text = _described("free text", "")


class Levels(pydantic.RootModel[dict[str, list[list[Name]]]]):
    """Node to its levels, each a list of devices that must all succeed."""


class Tags(pydantic.RootModel[dict[str, list[Name]]]):
    """Tag to what it stands for."""
