"""Bundles and remote nodes of a CIB."""

from __future__ import annotations

import pytest

from reconciler.cib import read
from reconciler.model import container, resource
from reconciler.model.node import NodeKind

_BUNDLE = """
<bundle id="web">
  <docker image="web:1" replicas="2" replicas-per-host="2" promoted-max="1" options="-v"
          network="host" run-command="/bin/x"/>
  <network ip-range-start="192.0.2.10" control-port="3999" host-interface="eth0" host-netmask="24">
    <port-mapping id="http" port="80" internal-port="8080"/>
  </network>
  <storage>
    <storage-mapping id="www" source-dir-root="/srv" target-dir="/www" options="rw"/>
  </storage>
  <primitive id="httpd" class="ocf" provider="pacemaker" type="Dummy"/>
</bundle>
"""
_NODES = '<node id="1" uname="n1"/><node id="far" uname="far" type="remote"/>'
_STATUS = """
<node_state id="far" uname="far" remote_node="true" in_ccm="false" node_fenced="1"/>
<node_state id="web-0" uname="web-0" remote_node="true"/>
<node_state id="stray" uname="stray"/>
"""


def _cib(resources: str = "", nodes: str = "", status: str = "") -> read.CibImport:
    return read.read(
        '<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">'
        f"<configuration><crm_config/><nodes>{nodes}</nodes><resources>{resources}</resources>"
        f"<constraints/></configuration><status>{status}</status></cib>"
    )


def test_a_bundle_is_carried_whole() -> None:
    """Container, addresses, ports, storage and the primitive inside are all read."""
    found = _cib(_BUNDLE)
    assert not found.uncarried
    (bundle,) = found.desired.resources
    assert isinstance(bundle, resource.Bundle)
    assert bundle.container == container.Container(
        container.Technology.DOCKER, "web:1", 2, 2, 1, "host", "-v", "/bin/x"
    )
    ports = (container.PortMapping(80, 8080, id="http"),)
    assert bundle.network == container.Network("192.0.2.10", 3999, "eth0", 24, ports=ports)
    assert bundle.storage == (
        container.StorageMapping("/www", source_dir_root="/srv", options="rw", id="www"),
    )
    assert resource.names(bundle) == ("web", "httpd")


def test_a_bundle_without_a_container_is_a_finding() -> None:
    """What runs nothing is not carried, and said so."""
    found = _cib('<bundle id="web"/>')
    assert not found.desired.resources
    assert [one.code for one in found.diagnostics] == ["cib-bad-bundle"]


@pytest.mark.parametrize(
    ("numbers", "replicas", "per_host"),
    [
        ("", 1, 1),
        ("promoted-max='2'", 2, 1),
        ("replicas='0' promoted-max='2'", 1, 1),
        ("replicas='-1' replicas-per-host='0' promoted-max='-1'", 1, 1),
        ("replicas='3' replicas-per-host='2'", 3, 2),
    ],
)
def test_fewer_containers_than_are_possible_are_as_many_as_that(numbers, replicas, per_host):
    """Where nothing is said there is one for each that may be promoted."""
    (found,) = _cib(f"<bundle id='b'><docker image='i' {numbers}/></bundle>").desired.resources

    assert isinstance(found, resource.Bundle)
    assert (found.container.count, found.container.replicas_per_host) == (replicas, per_host)


@pytest.mark.parametrize(
    ("network", "per_host"),
    [
        ("", None),
        ("<network host-netmask='24'/>", None),
        ("<network control-port='3121'/>", 1),
        ("<network ip-range-start='192.0.2.10'/>", 2),
    ],
)
def test_what_is_inside_of_a_bundle_must_be_reached(network, per_host):
    """Without addresses of their own, two containers on a node would need the same port."""
    box = "<docker image='i' replicas='2' replicas-per-host='2'/>"
    inside = "<primitive id='p' class='ocf' provider='pacemaker' type='Dummy'/>"
    read_back = _cib(f"<bundle id='b'>{box}{network}{inside}</bundle>")

    found = [one.container.replicas_per_host for one in read_back.desired.resources]
    assert found == [each for each in [per_host] if each]
    assert ["cib-bad-bundle"] * (not found) == [one.code for one in read_back.diagnostics]


def test_remote_nodes_are_configured_nodes() -> None:
    """A remote node among the nodes is carried with its kind."""
    found = _cib(nodes=_NODES)
    assert not found.uncarried
    assert [one.kind for one in found.desired.nodes] == [NodeKind.MEMBER, NodeKind.REMOTE]


def test_the_status_of_remote_nodes_needs_no_configuration() -> None:
    """Remote nodes are known by the status alone; other unknown nodes are a finding."""
    found = _cib(nodes=_NODES, status=_STATUS)
    assert set(found.observed.nodes) == {"n1", "far", "web-0"}
    far = found.observed.nodes["far"]
    assert far.remote
    assert far.fenced
    assert not found.observed.nodes["n1"].remote
    assert len(found.uncarried) == 1
