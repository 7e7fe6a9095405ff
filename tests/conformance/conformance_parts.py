"""What the decisions of comparisons look at in a CIB, and in the reference's answer."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import Any

Answer = Mapping[str, Any]
Differences = Mapping[str, Mapping[str, list[str]]]
Line = tuple[str, str, str]
"""Aspect, whether it is missing or extra, and what differs."""
CLONES = ("clone", "master")
"""Tags of clones."""
YES = ("true", "on", "yes", "y", "1")
"""What is written for yes."""


def node_max(clone: ET.Element) -> int:
    """Return how many instances a node may have; of those that are alike no more than one."""
    if not any(one.get("value") in YES for one in options(clone, "globally-unique")):
        return 1
    return max(numbers(clone, "clone-node-max"), default=1)


def numbers(clone: ET.Element, name: str) -> list[int]:
    """Return what is written for an option of a clone."""
    written = [one.get("value", "") for one in options(clone, name)]
    return [int(one) for one in written if one.isdigit()]


def clones(cib: ET.Element) -> Iterator[ET.Element]:
    """Yield the clones of a CIB, those of older schemas, too."""
    for tag in CLONES:
        yield from cib.iter(tag)


def cloned_groups(cib: ET.Element) -> list[ET.Element]:
    """Return the clones of groups."""
    return [clone for clone in clones(cib) if clone.find("group") is not None]


def options(clone: ET.Element, name: str) -> list[ET.Element]:
    """Return where an option of a clone is written."""
    return clone.findall(f"meta_attributes/nvpair[@name='{name}']")
