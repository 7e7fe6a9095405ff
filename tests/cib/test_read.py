"""Reading a whole CIB."""

from __future__ import annotations

import pytest

from reconciler.cib import read
from reconciler.model import attribute, constraint, observed, resource, rule
from reconciler.model.agent import AgentName
from reconciler.model.role import Role

_NODES = "<node id='1' uname='a'/><node id='2' uname='b'/>"


def _cib(resources="", *, constraints="", status="", config="", extra="", attrs=""):
    return read.read(
        f"<cib have-quorum='1' dc-uuid='2' {attrs}><configuration>"
        f"<crm_config>{config}</crm_config><nodes>{_NODES}</nodes>"
        f"<resources>{resources}</resources><constraints>{constraints}</constraints>{extra}"
        f"</configuration><status>{status}</status></cib>",
        now=100.0,
    )


def _pairs(sets):
    return [dict(one.pairs) for one in sets]


_PRIMITIVE = "<primitive id='{}' class='ocf' provider='heartbeat' type='Dummy'/>"


def test_frame():
    """Quorum, the deciding node and the given time come from the outermost element."""
    found = _cib().observed

    assert (found.quorate, found.dc, found.now) == (True, "b", 100.0)


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [("no-quorum-panic='1'", "true"), ("no-quorum-panic='0'", "true"), ("", "false")],
)
def test_quorum_that_was_lost(attrs, expected):
    """Whether quorum was ever had is an attribute of the cluster; any value says that it was."""
    assert _cib(attrs=attrs).observed.attributes == {read.QUORUM_LOST: expected}


def test_time_of_the_cib():
    """Without a given time the CIB's own counts."""
    assert read.read("<cib execution-date='5'/>").observed.now == 5.0


def test_time_of_the_status():
    """Without any given time the latest one in the status counts."""
    status = (
        "<cib><configuration><nodes><node id='1' uname='a'/></nodes></configuration><status>"
        "<node_state id='1'><lrm id='1'><lrm_resources><lrm_resource id='r'>"
        "<lrm_rsc_op id='o' operation='start' last-run='7' last-rc-change='6'/>"
        "</lrm_resource></lrm_resources></lrm></node_state></status></cib>"
    )

    assert read.read(status).observed.now == 7.0


def test_empty():
    """A CIB without any section is an empty cluster without quorum."""
    found = read.read("<cib/>")

    assert (found.desired.resources, found.observed.quorate) == ((), False)


def test_properties_have_current_names_and_words():
    """Older names and words of properties become the current ones."""
    config = (
        "<cluster_property_set id='x' score='9'><nvpair id='1' name='stonith-enabled'"
        " value='false'/></cluster_property_set><cluster_property_set"
        " id='cib-bootstrap-options'><nvpair id='2' name='no-quorum-policy' value='suicide'/>"
        "</cluster_property_set>"
    )

    found = _cib(config=config).desired.properties

    assert _pairs(found) == [{"no-quorum-policy": "fence"}, {"fencing-enabled": "false"}]


def test_bootstrap_options_come_first():
    """The block of bootstrap options has the top score, whatever the others say."""
    config = (
        "<cluster_property_set id='x' score='9'/>"
        "<cluster_property_set id='cib-bootstrap-options' score='1'/>"
    )

    found = _cib(config=config).desired.properties

    assert [(one.id, one.score) for one in found] == [("cib-bootstrap-options", 9), ("x", 9)]


def test_first_definition_in_a_block_counts():
    """A name written twice in one block keeps its first value; a default mark is no value."""
    text = (
        "<primitive id='p' class='lsb' type='x'><instance_attributes id='i'>"
        "<nvpair id='1' name='a' value='1'/><nvpair id='2' name='a' value='2'/>"
        "<nvpair id='3' name='b' value='#default'/></instance_attributes></primitive>"
    )

    (found,) = _cib(text).desired.resources

    assert _pairs(found.params) == [{"a": "1"}]


def test_the_last_of_equal_blocks_counts_first():
    """Of blocks with equal scores the last counts, a template's after those of the resource."""
    block = "<instance_attributes id='{0}'><nvpair id='{0}v' name='x' value='{0}'/></instance_attributes>"
    template = (
        f"<template id='t' class='lsb' type='x'>{block.format('a')}{block.format('b')}</template>"
    )
    one = f"<primitive id='p' template='t'>{block.format('c')}{block.format('d')}</primitive>"
    (found,) = _cib(template + one).desired.resources

    assert [each.pairs["x"] for each in found.params] == ["d", "c", "b", "a"]


def test_options_of_an_operation_in_a_block():
    """A block may hold time-out, on-fail and start-delay; what is no option is no parameter."""
    pairs = {"timeout": "7s", "on-fail": "nothing", "enabled": "false", "target-role": "Stopped"}
    written = "".join(
        f"<nvpair id='v{name}' name='{name}' value='{value}'/>" for name, value in pairs.items()
    )
    op = f"<op id='o' name='monitor' interval='1s'><meta_attributes id='m'>{written}</meta_attributes></op>"
    found = _cib(
        f"<primitive id='p' class='lsb' type='x'><operations>{op}</operations></primitive>"
    )
    (one,) = found.desired.resources[0].operations

    assert (one.timeout_ms, one.on_fail, one.enabled) == (7_000, resource.OnFail.IGNORE, True)
    assert "target-role" not in one.attributes[0].pairs
    assert [str(each.position) for each in found.uncarried] == ["cib:o"]


def test_a_test_of_the_agent_without_a_provider():
    """It means agents that have none, as Pacemaker reads it."""
    block = (
        "<meta_attributes id='m'><rule id='r' score='1'><rsc_expression id='e' class='ocf'/></rule>"
        "<nvpair id='v' name='priority' value='1'/></meta_attributes>"
    )
    (found,) = _cib(extra=f"<rsc_defaults>{block}</rsc_defaults>").desired.resource_defaults

    assert found.rule is not None
    assert found.rule.tests == (rule.ResourceTest("ocf", "", None),)


def test_template():
    """A primitive takes its agent, values and operations from its template, its own first."""
    text = (
        "<template id='t' class='ocf' provider='heartbeat' type='Dummy'>"
        "<instance_attributes id='ti'><nvpair id='1' name='a' value='t'/></instance_attributes>"
        "<operations><op id='o1' name='monitor' interval='10' timeout='1'/>"
        "<op id='o2' name='start' interval='0' timeout='2'/></operations></template>"
        "<primitive id='p' template='t'>"
        "<instance_attributes id='pi'><nvpair id='2' name='a' value='p'/></instance_attributes>"
        "<operations><op id='o3' name='monitor' interval='10s' timeout='3'/></operations>"
        "</primitive>"
    )

    found = _cib(text).desired
    (one,) = found.resources

    assert one.agent == AgentName("ocf", "heartbeat", "Dummy")
    assert _pairs(one.params) == [{"a": "p"}, {"a": "t"}]
    assert {(op.name, op.timeout_ms) for op in one.operations} == {
        ("monitor", 3_000),
        ("start", 2_000),
    }
    assert found.tags == {"t": ("p",)}


def test_collectives():
    """Groups and clones keep their members, and an old master element is a promotable clone."""
    group = f"<group id='g'>{_PRIMITIVE.format('p1')}{_PRIMITIVE.format('p2')}</group>"
    master = (
        f"<master id='m'>{_PRIMITIVE.format('p3')}<meta_attributes id='x'>"
        "<nvpair id='1' name='master-max' value='2'/></meta_attributes></master>"
    )

    first, second = _cib(f"<clone id='c'>{group}</clone>{master}").desired.resources

    assert resource.names(first) == ("c", "g", "p1", "p2")
    assert attribute.always(second.meta, "promotable") == "true"
    assert attribute.always(second.meta, "promoted-max") == "2"


def test_operation():
    """Options of an operation stand in its attributes or in a block inside."""
    text = (
        "<primitive id='p' class='lsb' type='x'><operations>"
        "<op id='o' name='monitor' interval='P40S' role='Master' on-fail='fence' enabled='no'"
        " interval-origin='2020-01-01'><meta_attributes id='x'>"
        "<nvpair id='1' name='timeout' value='7s'/></meta_attributes><instance_attributes id='y'>"
        "<nvpair id='2' name='OCF_CHECK_LEVEL' value='10'/></instance_attributes></op>"
        "</operations></primitive>"
    )

    (one,) = _cib(text).desired.resources
    (found,) = one.operations

    assert (found.interval_ms, found.timeout_ms) == (40_000, 7_000)
    assert (found.role, found.on_fail, found.enabled) == (
        Role.PROMOTED,
        resource.OnFail.FENCE,
        False,
    )
    assert attribute.always(found.attributes, "OCF_CHECK_LEVEL") == "10"
    assert attribute.always(found.attributes, "interval-origin") == "2020-01-01"


def test_bad_values_are_noted():
    """A value that cannot be read is left to its default, and noted."""
    text = (
        "<primitive id='p' class='lsb' type='x'><operations>"
        "<op id='o' name='monitor' interval='10' timeout='bad' role='Boss' on-fail='cry'/>"
        "</operations></primitive>"
    )

    found = _cib(text)
    (operation,) = found.desired.resources[0].operations

    assert (operation.timeout_ms, operation.role, operation.on_fail) == (None, None, None)
    assert [one.code for one in found.diagnostics] == ["cib-bad-value"] * 3


@pytest.mark.parametrize(
    ("text", "interval", "timeout"),
    [
        ("10s", 10_000, 10_000),
        ("10 minutes", 600_000, 600_000),
        ("1.5s", 1_000, 1_000),
        ("5000usec", 5, 5),
        ("1h30m", 3_600_000, 3_600_000),
        ("PT10S", 10_000, None),
        ("10xyz", 0, None),
        (".5s", 0, None),
    ],
)
def test_durations_are_read_as_pacemaker_reads_them(text, interval, timeout):
    """A unit is known by its beginning, fractions are cut off, and time-outs are not ISO 8601."""
    written = (
        "<primitive id='p' class='lsb' type='x'><operations>"
        f"<op id='o' name='monitor' interval='{text}' timeout='{text}'/></operations></primitive>"
    )
    (one,) = _cib(written).desired.resources

    assert (one.operations[0].interval_ms, one.operations[0].timeout_ms) == (interval, timeout)


@pytest.mark.parametrize(
    ("text", "expected"), [("PT33S", None), ("1.5s", "1000ms"), ("33s", "33s"), ("x", "x")]
)
def test_time_outs_in_blocks_are_read_as_others(text, expected):
    """Neither defaults nor a block in an operation can say in ISO 8601 how long it may take."""
    block = (
        f"<meta_attributes id='m'><nvpair id='n' name='timeout' value='{text}'/></meta_attributes>"
    )
    one = "<primitive id='p' class='lsb' type='x'><operations><op id='o' name='stop' interval='0'>"
    found = _cib(
        f"{one}{block}</op></operations></primitive>",
        extra=f"<op_defaults>{block}</op_defaults>",
    ).desired

    (operation,) = found.resources[0].operations
    assert attribute.always(found.operation_defaults, "timeout") == expected
    assert attribute.always(operation.attributes, "timeout") == expected


def test_options_of_operations_are_no_parameters():
    """What is written where an operation's parameters are is no option, whatever its name."""
    written = (
        "<primitive id='p' class='lsb' type='x'><operations>"
        "<op id='o' name='monitor' interval='10'><instance_attributes id='y'>"
        "<nvpair id='1' name='timeout' value='7s'/><nvpair id='2' name='on-fail' value='block'/>"
        "<nvpair id='3' name='depth' value='1'/></instance_attributes></op>"
        "</operations></primitive>"
    )
    found = _cib(written)
    (one,) = found.desired.resources[0].operations

    assert (one.timeout_ms, one.on_fail) == (None, None)
    assert [dict(each.pairs) for each in one.attributes] == [{"depth": "1"}]
    assert {each.code for each in found.diagnostics} == {"cib-not-carried"}


def test_operations_that_cannot_be_told_apart():
    """Two recurring operations of one name and interval are both left alone, and noted."""
    text = (
        "<primitive id='p' class='lsb' type='x'><operations>"
        "<op id='o1' name='monitor' interval='10' role='Promoted'/>"
        "<op id='o2' name='monitor' interval='10s' role='Unpromoted'/>"
        "<op id='o3' name='monitor' interval='11'/></operations></primitive>"
    )

    found = _cib(text)

    assert [one.enabled for one in found.desired.resources[0].operations] == [False, False, True]
    assert {one.code for one in found.diagnostics} == {"cib-duplicate-operation"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", constraint.OrderKind.MANDATORY),
        ("kind='Serialize'", constraint.OrderKind.SERIALIZE),
        ("kind='nonsense'", constraint.OrderKind.MANDATORY),
        ("score='0'", constraint.OrderKind.OPTIONAL),
        ("score='INFINITY'", constraint.OrderKind.MANDATORY),
    ],
)
def test_order_kind(text, expected):
    """How strictly an order holds is said by kind, or by score in older files."""
    (found,) = _cib(
        constraints=f"<rsc_order id='o' first='a' then='b' {text}/>"
    ).desired.constraints

    assert found.kind is expected


def test_colocation():
    """A colocation carries its roles, score, attribute and influence."""
    text = (
        "<rsc_colocation id='c' rsc='a' with-rsc='b' score='-INFINITY' rsc-role='Slave'"
        " with-rsc-role='Promoted' node-attribute='rack' influence='false'/>"
    )

    (found,) = _cib(constraints=text).desired.constraints

    assert (found.dependent, found.primary, found.score) == ("a", "b", -1_000_000)
    assert (found.dependent_role, found.primary_role) == (Role.UNPROMOTED, Role.PROMOTED)
    assert (found.node_attribute, found.influence) == ("rack", False)


@pytest.mark.parametrize(("dependent", "primary"), [("t", "u"), ("t", "v"), ("v", "t")])
def test_a_colocation_of_two_tags_or_templates_is_listed_and_left_out(dependent, primary):
    """Pacemaker ignores it; with a resource on one side it counts."""
    resources = "<template id='v' class='ocf' provider='heartbeat' type='Dummy'/>"
    tags = "<tags><tag id='t'><obj_ref id='a'/></tag><tag id='u'><obj_ref id='b'/></tag></tags>"
    pair = "<rsc_colocation id='c{}' rsc='{}' with-rsc='{}' score='1'/>"
    text = pair.format(1, dependent, primary) + pair.format(2, dependent, "b")

    found = _cib(resources + "".join(map(_PRIMITIVE.format, "ab")), constraints=text, extra=tags)

    assert [one.id for one in found.desired.constraints] == ["c2"]
    assert [str(one.position) for one in found.uncarried] == ["cib:c1"]


def test_sets():
    """Resource sets keep their order and what each says of itself."""
    text = (
        "<rsc_order id='o'><resource_set id='s1' sequential='false' require-all='false'>"
        "<resource_ref id='a'/><resource_ref id='b'/></resource_set>"
        "<resource_set id='s2' action='promote' role='Promoted'><resource_ref id='c'/>"
        "</resource_set></rsc_order>"
    )

    (found,) = _cib(constraints=text).desired.constraints
    first, second = found.sets

    assert (first.in_sequence, second.in_sequence) == (False, True)
    assert (first.resources, first.sequential, first.require_all) == (("a", "b"), False, False)
    assert (second.action, second.role, second.sequential) == ("promote", Role.PROMOTED, None)


def test_location_rules():
    """Each rule of a location is a location of its own; one for the started role says nothing."""
    text = (
        "<rsc_location id='l' rsc='a' resource-discovery='never'>"
        "<rule id='r1' score='5' boolean-op='or'>"
        "<expression id='e1' attribute='#uname' operation='eq' value='a'/>"
        "<date_expression id='e2' operation='date_spec'><date_spec id='d' hours='9-16'/>"
        "</date_expression></rule>"
        "<rule id='r2' score-attribute='points' role='Master'/>"
        "<rule id='r3' score='7' role='Started'/></rsc_location>"
    )

    first, second = _cib(constraints=text).desired.constraints

    assert (first.id, first.score, first.discovery.value) == ("l", 5, "never")
    assert first.rule.operator.value == "or"
    assert [type(one).__name__ for one in first.rule.tests] == ["AttributeTest", "DateTest"]
    assert first.rule.tests[1].spec == {"hours": "9-16"}
    assert (second.score_attribute, second.role) == ("points", Role.PROMOTED)


_OVER = "<rule><date_expression operation='gt' start='1970-01-02'/></rule>"


@pytest.mark.parametrize(
    "element",
    [
        "<rsc_location id='k' rsc='a' node='b' score='5'>{}</rsc_location>",
        "<rsc_colocation id='k' rsc='a' with-rsc='b' score='5'>{}</rsc_colocation>",
        "<rsc_order id='k' first='a' then='b'>{}</rsc_order>",
    ],
)
@pytest.mark.parametrize(
    ("rules", "lives"),
    [
        ("", True),
        ("<rule><date_expression operation='lt' end='1970-01-02'/></rule>", True),
        (_OVER, False),
        ("<rule><expression attribute='#uname' operation='eq' value='a'/></rule>", False),
        (f"{_OVER}<rule><date_expression operation='lt' end='1970-01-02'/></rule>", True),
    ],
)
def test_a_constraint_counts_only_in_its_lifetime(element, rules, lives):
    """One of the lifetime's rules is enough; that there is a lifetime is not carried."""
    found = _cib(
        "".join(map(_PRIMITIVE.format, "ab")),
        constraints=element.format(f"<lifetime>{rules}</lifetime>"),
    )

    assert [one.id for one in found.desired.constraints] == ["k"] * lives
    assert [str(one.position) for one in found.uncarried] == ["cib:k"]


def test_tickets():
    """A ticket constraint with sets gives one ticket for each of them."""
    text = (
        "<rsc_ticket id='t' ticket='T' loss-policy='freeze'>"
        "<resource_set id='s1'><resource_ref id='a'/></resource_set>"
        "<resource_set id='s2' role='Promoted'><resource_ref id='b'/></resource_set></rsc_ticket>"
    )

    found = _cib(constraints=text).desired.constraints

    assert [(one.resources, one.role) for one in found] == [
        (("a",), None),
        (("b",), Role.PROMOTED),
    ]
    assert {one.loss_policy for one in found} == {constraint.LossPolicy.FREEZE}


def test_ticket_states():
    """Tickets are read in their own form and in the oldest one."""
    status = (
        "<tickets><ticket_state id='T' granted='true' standby='true' last-granted='9'/>"
        "<instance_attributes id='i'><nvpair id='n' name='granted-ticket-U' value='true'/>"
        "</instance_attributes></tickets>"
    )

    assert _cib(status=status).observed.tickets == {
        "T": observed.TicketState(granted=True, standby=True, last_granted=9.0),
        "U": observed.TicketState(granted=True),
    }


_STATE = (
    "<node_state id='1' uname='a' in_ccm='true' crmd='online' join='member' expected='member'>"
    "<transient_attributes id='1'><instance_attributes id='i'>"
    "<nvpair id='n1' name='standby' value='on'/><nvpair id='n2' name='master-p' value='5'/>"
    "</instance_attributes></transient_attributes><lrm id='1'><lrm_resources>"
    "<lrm_resource id='p' class='ocf' provider='heartbeat' type='Dummy'>"
    "<lrm_rsc_op id='p_last_0' operation='migrate_from' interval='0' call-id='12' rc-code='7'"
    " op-status='4' transition-key='1:2:3:uuid' last-rc-change='50' last-run='51'"
    " exec-time='20' queue-time='1' exit-reason='why' op-digest='d1' op-restart-digest='d2'"
    " op-force-restart=' ip  nic ' op-secure-digest='d3' migrate_source='b'"
    " migrate_target='a'/></lrm_resource></lrm_resources></lrm></node_state>"
)


def test_node_states():
    """A configured node has what its status says, and is unseen where that says nothing."""
    found = _cib(status=_STATE + "<node_state id='9' uname='z'/>")

    assert list(found.observed.nodes) == ["a", "b"]
    assert found.observed.nodes["a"].presence is observed.Presence.ONLINE
    assert found.observed.nodes["a"].standby is True
    assert found.observed.nodes["a"].attributes == {"standby": "on", "master-p": "5"}
    assert found.observed.nodes["b"].presence is observed.Presence.UNSEEN
    assert [one.code for one in found.uncarried] == ["cib-not-carried"]


def test_history():
    """An operation of the history keeps everything that decisions depend on."""
    (found,) = _cib(status=_STATE).observed.nodes["a"].histories["p"].operations

    assert found == observed.OperationRecord(
        operation="migrate_from",
        interval_ms=0,
        call=12,
        rc=7,
        status=observed.OperationStatus.ERROR,
        expected_rc=3,
        changed_at=50.0,
        run_at=51.0,
        exec_ms=20,
        queue_ms=1,
        reason="why",
        digests=observed.Digests("d1", "d2", "d3", ("ip", "nic")),
        source="b",
        target="a",
        token="1:2:3:uuid",
        id="p_last_0",
    )


def test_old_history():
    """Status and exit code are found in the magic of an old entry."""
    text = _STATE.replace(" op-status='4'", " transition-magic='0:8;1:2:3:u'")
    text = text.replace(" rc-code='7'", "")
    (found,) = _cib(status=text).observed.nodes["a"].histories["p"].operations

    assert (found.status, found.rc) == (observed.OperationStatus.DONE, 8)


def _asking(name, value, *, lasting=None, entry=""):
    """Return node a, whose attribute, and entry, say something."""
    said = "name='x' value='x'" if value is None else f"name='{name}' value='{value}'"
    text = _STATE.replace("name='standby' value='on'", said)
    nodes = _NODES
    if lasting is not None:
        pair = f"<nvpair id='x' name='{name}' value='{lasting}'/>"
        block = f"<instance_attributes id='y'>{pair}</instance_attributes>"
        nodes = nodes.replace("uname='a'/>", f"uname='a'>{block}</node>")
    text = text.replace("<node_state ", f"<node_state {entry} ", 1)
    found = read.read(
        f"<cib><configuration><crm_config/><nodes>{nodes}</nodes><resources/><constraints/>"
        f"</configuration><status>{text}</status></cib>",
        now=100.0,
    )
    return found.observed.nodes["a"]


@pytest.mark.parametrize(
    ("value", "lasting", "asked"),
    [
        ("true", None, True),
        ("1700000000", None, True),
        ("12abc", None, True),
        ("0", None, False),
        ("-1", None, False),
        ("abc", None, False),
        (None, "true", True),
        ("0", "true", False),
    ],
)
def test_a_node_that_somebody_wants_fenced_is_unclean_while_it_answers(value, lasting, asked):
    """Yes, or the time of the request; of two attributes the one that passes away counts."""
    assert bool(_asking("terminate", value, lasting=lasting).unclean_reason) is asked


@pytest.mark.parametrize(
    ("value", "lasting", "asked"),
    [
        ("1700000000", None, True),
        ("false", None, True),
        ("", None, True),
        ("0", None, False),
        (None, "1", True),
        ("0", "1", False),
    ],
)
def test_a_node_asks_to_leave_by_an_attribute(value, lasting, asked):
    """Anything but 0 does; the node's entry itself says nothing of it."""
    assert _asking("shutdown", value, lasting=lasting, entry="shutdown='1'").shutdown is asked


def test_who_leaves_is_not_fenced_for_the_asking():
    """It goes in good order, which is more than fencing would do."""
    asked = _asking("terminate", "true")
    text = _STATE.replace("name='standby' value='on'", "name='terminate' value='true'")
    both = text.replace("<nvpair", "<nvpair id='z' name='shutdown' value='1'/><nvpair", 1)

    assert asked.unclean_reason
    assert not _cib(status=both).observed.nodes["a"].unclean_reason


def test_what_is_not_carried_is_listed():
    """Parts that the model has no place for are named, not dropped in silence."""
    extra = "<alerts><alert id='x' path='/x'/></alerts>"
    found = _cib("<moon id='b1'/>", constraints="<rsc_dance id='d'/>", extra=extra)

    assert {str(one.position) for one in found.uncarried} == {"cib:alerts", "cib:b1", "cib:d"}


def test_references():
    """Blocks, pairs, operations and rules can be used again by reference."""
    text = (
        "<primitive id='p' class='lsb' type='x'><operations id='ops'>"
        "<op id='o' name='monitor' interval='10'/></operations><meta_attributes id='m'>"
        "<nvpair id='n' name='priority' value='5'/></meta_attributes></primitive>"
        "<primitive id='q' class='lsb' type='x'><operations id-ref='ops'/>"
        "<meta_attributes id-ref='m'/></primitive>"
        "<primitive id='r' class='lsb' type='x'><meta_attributes id='m2'>"
        "<nvpair id-ref='n'/></meta_attributes><instance_attributes id-ref='m'/></primitive>"
    )

    found = _cib(text)
    first, second, third = found.desired.resources

    assert first.operations == second.operations
    assert _pairs(first.meta) == _pairs(second.meta) == _pairs(third.meta)
    assert [one.code for one in found.diagnostics] == ["cib-dangling-reference"]


def test_fencing():
    """Fence devices stay resources, and are also there in the controller's form."""
    text = (
        "<primitive id='f' class='stonith' type='fence_x'><instance_attributes id='i'>"
        "<nvpair id='1' name='pcmk_host_list' value='a, b'/>"
        "<nvpair id='2' name='pcmk_delay_max' value='5s'/></instance_attributes></primitive>"
    )
    extra = (
        "<fencing-topology><fencing-level id='l' target='a' index='1' devices='f,g'/>"
        "</fencing-topology>"
    )

    found = _cib(text, extra=extra)
    (device,) = found.fencing.devices
    (level,) = found.fencing.levels

    assert resource.names(found.desired.resources[0]) == ("f",)
    assert (device.agent, device.hosts, device.delay_max_ms) == ("fence_x", ("a", "b"), 5_000)
    assert (level.target, level.index, level.devices) == ("a", 1, ("f", "g"))


@pytest.mark.parametrize(
    ("standard", "feature_set", "names"),
    [
        ("stonith", "3.0.10", ("passwd", "pcmk_*")),
        ("stonith", "3.16.1", ("passwd",)),
        ("ocf", "3.0.10", ("passwd",)),
    ],
)
def test_private_parameters(standard, feature_set, names):
    """Once the digests of fence devices without private parameters left all settings out, too."""
    status = (
        "<node_state id='1' uname='a'><lrm id='1'><lrm_resources>"
        f"<lrm_resource id='p' class='{standard}' type='x'><lrm_rsc_op id='o' operation='start'"
        f" crm_feature_set='{feature_set}' op-secure-params=' passwd ' op-secure-digest='d'/>"
        "</lrm_resource></lrm_resources></lrm></node_state>"
    )
    (found,) = _cib(status=status).observed.nodes["a"].histories["p"].operations

    assert found.digests.private_parameters == names
