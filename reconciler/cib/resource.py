"""Resources of a CIB: primitives and their templates, groups, clones, old ``master`` elements, bundles.

Pacemaker Explained, "Resources", "Collective Resources" and "Reusing parts of the configuration".
"""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree as ET

from reconciler.cib import attribute as attributes
from reconciler.cib import bundle, operation
from reconciler.cib import document as documents
from reconciler.model import agent, attribute, resource
from reconciler.model import property as options

_DEFAULT_PROVIDER = {"ocf": "heartbeat"}


def resources(document: documents.Document) -> tuple[resource.Resource, ...]:
    """Return the resources, in their order, which counts where priorities are equal."""
    found = (_resource(document, one) for one in document.section("configuration/resources"))
    return tuple(one for one in found if one is not None)


def template_users(document: documents.Document) -> dict[str, tuple[str, ...]]:
    """Return for each template the primitives made from it, for which its name also stands."""
    users: dict[str, list[str]] = {}
    for section in document.root.iterfind("configuration/resources"):
        for element in section.iter("primitive"):
            name = element.get("template")
            if name:
                users.setdefault(name, []).append(element.get("id", ""))
    return {name: tuple(members) for name, members in users.items()}


def templates(document: documents.Document) -> tuple[resource.Primitive, ...]:
    """Return the templates, each as the primitive that one without more would be."""
    found = document.section("configuration/resources")
    return tuple(_primitive(document, one) for one in found if one.tag == "template")


def _resource(document: documents.Document, element: ET.Element) -> resource.Resource | None:
    match element.tag:
        case "primitive":
            return _primitive(document, element)
        case "group":
            return _group(document, element)
        case "clone" | "master":
            return _clone(document, element)
        case "bundle":
            return bundle.read(document, element, _primitive)
        case "template":
            return None
        case _:
            document.findings.not_carried(element, "a kind of resource that is not supported")
            return None


def _primitive(document: documents.Document, element: ET.Element) -> resource.Primitive:
    template = _template(document, element)
    # What is written on the resource itself comes last, and so counts first.
    inherited = list(template) if template is not None else []
    parts = [*inherited, *element]
    kind = {**(template.attrib if template is not None else {}), **element.attrib}
    standard = kind.get("class", "")
    return resource.Primitive(
        name=element.get("id", ""),
        agent=agent.named(
            standard,
            kind.get("provider", _DEFAULT_PROVIDER.get(standard, "")),
            kind.get("type", ""),
        ),
        params=attributes.blocks(document, parts, "instance_attributes"),
        meta=attributes.blocks(document, parts, "meta_attributes", options.META),
        operations=operation.operations(document, [*element, *inherited]),
        utilization=attributes.blocks(document, parts, "utilization"),
        origin=documents.origin(element),
    )


def _template(document: documents.Document, element: ET.Element) -> ET.Element | None:
    name = element.get("template")
    if not name:
        return None
    found = document.ids.get(name)
    if found is None or found.tag != "template":
        document.findings.warn("cib-dangling-reference", element, f"no template {name!r}")
        return None
    return found


def _group(document: documents.Document, element: ET.Element) -> resource.Group:
    return resource.Group(
        name=element.get("id", ""),
        members=tuple(_primitive(document, one) for one in element if one.tag == "primitive"),
        params=attributes.blocks(document, element, "instance_attributes"),
        meta=attributes.blocks(document, element, "meta_attributes", options.META),
        origin=documents.origin(element),
    )


def _clone(document: documents.Document, element: ET.Element) -> resource.Clone | None:
    children = [one for one in element if one.tag in {"primitive", "group"}]
    if len(children) != 1:
        document.findings.warn("cib-bad-clone", element, "needs one primitive or group")
        return None
    inner = children[0]
    meta = attributes.blocks(document, element, "meta_attributes", options.META)
    if element.tag == "master":
        meta = _promotable(meta)
    return resource.Clone(
        name=element.get("id", ""),
        child=_group(document, inner) if inner.tag == "group" else _primitive(document, inner),
        params=attributes.blocks(document, element, "instance_attributes"),
        meta=meta,
        origin=documents.origin(element),
    )


def _promotable(meta: attribute.AttributeSets) -> attribute.AttributeSets:
    """Return a clone's meta-attributes with what the element ``master`` says by its name."""
    cleared = tuple(
        dataclasses.replace(
            one, pairs={name: value for name, value in one.pairs.items() if name != "promotable"}
        )
        for one in meta
    )
    return (*cleared, attribute.AttributeSet({"promotable": "true"}))
