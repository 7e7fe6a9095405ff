"""Writing a whole CIB: ``Desired`` to its configuration, ``Observed`` to its status.

The counterpart of ``cib.read``: what is written reads back as what it was made of, and Pacemaker
2.1 or later accepts it. Names of options are those that Pacemaker 2 knows; later releases still do.
"""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree as ET

from reconciler.cib import property as properties
from reconciler.cib import read
from reconciler.cib.writing import attribute as attributes
from reconciler.cib.writing import constraint as constraints
from reconciler.cib.writing import element, node, status
from reconciler.cib.writing import resource as resources
from reconciler.model import attribute, desired, fencing, observed, resource

_SCHEMA = "pacemaker-3.9"
_BOOTSTRAP = "cib-bootstrap-options"


def text(
    wanted: desired.Desired,
    levels: tuple[fencing.FencingLevel, ...] = (),
    seen: observed.Observed | None = None,
) -> str:
    """Return a CIB as XML.

    Args:
        wanted: the configuration, with fence devices among the resources as Pacemaker has them.
        levels: in which order devices are tried.
        seen: the status; None: an empty one.
    """
    ids = element.Ids()
    _reserve(wanted, ids)
    root = ET.Element("cib", _frame(wanted, seen))
    configuration = element.add(root, "configuration", {})
    _options(configuration, wanted, ids)
    node.nodes(element.add(configuration, "nodes", {}), wanted.nodes, ids)
    section = element.add(configuration, "resources", {})
    for one in wanted.resources:
        resources.add(section, one, ids)
    constraints.constraints(element.add(configuration, "constraints", {}), wanted.constraints, ids)
    if wanted.tags:
        constraints.tags(element.add(configuration, "tags", {}), wanted.tags, ids)
    if levels:
        node.levels(element.add(configuration, "fencing-topology", {}), levels, ids)
    for tag, sets in (
        ("rsc_defaults", wanted.resource_defaults),
        ("op_defaults", wanted.operation_defaults),
    ):
        if sets:
            parent = element.add(configuration, tag, {})
            attributes.blocks(parent, "meta_attributes", sets, ids)
    state = element.add(root, "status", {})
    if seen is not None:
        enabled = properties.fencing_enabled(wanted.properties)
        status.add(state, seen, status.ids(wanted.nodes), fencing=enabled)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _reserve(wanted: desired.Desired, ids: element.Ids) -> None:
    """Keep the names of resources and tags, which are ids in a CIB, from other things."""
    for one in wanted.resources:
        for name in resource.names(one):
            ids.reserve(name)


def _frame(wanted: desired.Desired, seen: observed.Observed | None) -> dict[str, str]:
    frame = {
        "validate-with": _SCHEMA,
        "crm_feature_set": status.FEATURE_SET,
        "epoch": "1",
        "num_updates": "0",
        "admin_epoch": "0",
    }
    if seen is None:
        return frame
    frame["have-quorum"] = "1" if seen.quorate else "0"
    if seen.dc:
        frame["dc-uuid"] = status.ids(wanted.nodes).get(seen.dc, seen.dc)
    if seen.attributes.get(read.QUORUM_LOST) == "true":
        frame["no-quorum-panic"] = "1"
    if seen.now:
        frame["execution-date"] = str(int(seen.now))
    return frame


def _options(parent: ET.Element, wanted: desired.Desired, ids: element.Ids) -> None:
    section = element.add(parent, "crm_config", {})
    sets = list(wanted.properties)
    named = any("cluster-name" in one.pairs for one in sets)
    if wanted.name and not named:
        sets.append(attribute.AttributeSet({"cluster-name": wanted.name}))
    merged = attribute.merged(tuple(sets))
    if merged and merged[0].rule is None:
        merged = (dataclasses.replace(merged[0], id=_BOOTSTRAP), *merged[1:])
    attributes.blocks(section, "cluster_property_set", merged, ids, attributes.property_spelled)
