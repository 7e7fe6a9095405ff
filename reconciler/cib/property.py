"""Cluster properties and defaults of a CIB (Pacemaker Explained, "Cluster-Wide Configuration")."""

from __future__ import annotations

from reconciler.cib import attribute as attributes
from reconciler.cib import document as documents
from reconciler.cib import operation
from reconciler.model import attribute
from reconciler.model import property as options

_BOOTSTRAP = "cib-bootstrap-options"
"""The block of properties that counts before all others, whatever their scores."""


def properties(document: documents.Document) -> attribute.AttributeSets:
    """Return the cluster properties, under their current names."""
    children = list(document.section("configuration/crm_config"))
    sets = attributes.blocks(document, children, "cluster_property_set", options.CLUSTER)
    return attributes.first(sets, _BOOTSTRAP)


def resource_defaults(document: documents.Document) -> attribute.AttributeSets:
    """Return the meta-attributes that every resource starts from."""
    children = list(document.section("configuration/rsc_defaults"))
    return attributes.blocks(document, children, "meta_attributes", options.META)


def operation_defaults(document: documents.Document) -> attribute.AttributeSets:
    """Return the options that every operation starts from."""
    children = list(document.section("configuration/op_defaults"))
    sets = attributes.blocks(document, children, "meta_attributes", options.OPERATION)
    return operation.timed(sets)


def fencing_enabled(properties: attribute.AttributeSets) -> bool:
    """Tell whether fencing is on; what membership means depends on it."""
    value = attribute.always(properties, "fencing-enabled")
    return options.boolean(value) is not False if isinstance(value, str) else True
