"""Making a CIB that shows something as small as it can be while it still shows it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from xml.etree import ElementTree as ET

_NEEDED = frozenset(
    {"cib", "configuration", "crm_config", "nodes", "resources", "constraints", "status"}
)
_TOP = frozenset({"primitive", "group", "clone", "master", "bundle"})


def shrink(text: str, still: Callable[[str], bool], rounds: int = 6) -> str:
    """Return the smallest CIB found for which ``still`` holds.

    Args:
        text: a CIB for which it holds.
        still: tells whether a CIB shows what is looked for.
        rounds: how often everything is tried.
    """
    root = ET.fromstring(text)  # noqa: S314 - our own CIBs and the records
    for _ in range(rounds):
        before = ET.tostring(root)
        root = _pass(root, _wholes, still)
        root = _pass(root, _singles, still)
        root = _pass(root, _attributes, still)
        if ET.tostring(root) == before:
            break
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode")


_Cut = Callable[[ET.Element], bool]
"""Removes something from a copy; False where there is nothing to remove any more."""


def _pass(
    root: ET.Element,
    cuts: Callable[[ET.Element], Iterator[_Cut]],
    still: Callable[[str], bool],
) -> ET.Element:
    for cut in list(cuts(root)):
        candidate = copy.deepcopy(root)
        if cut(candidate) and still(ET.tostring(candidate, encoding="unicode")):
            root = candidate
    return root


def _remove(root: ET.Element, matches: Callable[[ET.Element], bool]) -> bool:
    removed = False
    for parent in list(root.iter()):
        for child in list(parent):
            if matches(child):
                parent.remove(child)
                removed = True
    return removed


def _wholes(root: ET.Element) -> Iterator[_Cut]:
    """Cut resources and nodes with everything that speaks of them."""
    for element in root.iterfind("configuration/resources//*"):
        if element.tag in _TOP:
            names = {one.get("id", "") for one in element.iter()}
            yield functools.partial(_remove, matches=functools.partial(_speaks, names))
    for element in root.iterfind("configuration/nodes/node"):
        names = {element.get("id", ""), element.get("uname", "")}
        yield functools.partial(_remove, matches=functools.partial(_places, names))


def _speaks(names: set[str], one: ET.Element) -> bool:
    if one.tag == "lrm_resource":
        return one.get("id", "").partition(":")[0] in names
    if one.tag in {"node", "node_state", "nvpair", "cluster_property_set"} | _NEEDED:
        return False
    return any(value in names for value in one.attrib.values())


def _places(names: set[str], one: ET.Element) -> bool:
    if one.tag in {"node", "node_state"}:
        return one.get("id") in names
    return one.tag == "rsc_location" and one.get("node") in names


def _singles(root: ET.Element) -> Iterator[_Cut]:
    """Cut single elements, big ones first."""
    elements = [one for one in root.iter() if one.tag not in _NEEDED]
    elements.sort(key=lambda one: -sum(1 for _ in one.iter()))
    for element in elements:
        key = ET.tostring(element)
        yield lambda tree, key=key, tag=element.tag: _remove(
            tree, lambda one: one.tag == tag and ET.tostring(one) == key
        )


def _attributes(root: ET.Element) -> Iterator[_Cut]:
    """Cut attributes that say something special."""
    optional = ("priority", "score", "influence", "symmetrical", "require-all", "node-attribute")
    optional += ("rsc-role", "with-rsc-role", "role", "timeout", "on-fail", "sequential", "kind")
    for element in root.iter():
        for name in optional:
            if name in element.attrib:
                key = (element.tag, element.get("id"))
                yield lambda tree, key=key, name=name: _drop(tree, key, name)


def _drop(tree: ET.Element, key: tuple[str, str | None], name: str) -> bool:
    dropped = False
    for one in tree.iter(key[0]):
        if one.get("id") == key[1] and name in one.attrib:
            del one.attrib[name]
            dropped = True
    return dropped
