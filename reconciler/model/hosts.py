"""The nodes of a fence device as Pacemaker's fencer is told of them.

``pcmk_host_list`` names nodes, ``pcmk_host_map`` gives each the port or plug by which the device
knows it (Pacemaker Explained, "Special Meta-Attributes for Fencing Resources").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model import secret

LIST = "pcmk_host_list"
MAP = "pcmk_host_map"
Hosts = tuple[str, ...] | Mapping[str, str]


def names(text: str) -> tuple[str, ...]:
    """Return the nodes of a list."""
    return tuple(text.replace(",", " ").replace(";", " ").split())


def ports(text: str) -> dict[str, str]:
    """Return node to port of a map; nothing where a part of it is no such pair."""
    parts = text.replace(";", " ").split()
    found = dict(part.split(":", 1) for part in parts if ":" in part)
    return found if len(found) == len(parts) else {}


def list_text(nodes: Iterable[str]) -> str:
    """Return nodes as a list."""
    return " ".join(nodes)


def map_text(found: Mapping[str, str]) -> str:
    """Return nodes with their ports as a map."""
    return ";".join(f"{node}:{port}" for node, port in found.items())


def split(
    params: Mapping[str, secret.Value],
) -> tuple[Hosts | None, dict[str, secret.Value]]:
    """Return the nodes that parameters name, and the other parameters.

    A list beside a map of the same nodes says nothing more. None: no node is named, or not in a
    way that could be told apart; then the parameters stay as they are.
    """
    rest = {name: value for name, value in params.items() if name not in {LIST, MAP}}
    listed, mapped = params.get(LIST), params.get(MAP)
    nodes = names(listed) if isinstance(listed, str) else ()
    found = ports(mapped) if isinstance(mapped, str) else {}
    if found and (listed is None or set(nodes) == set(found)):
        return found, rest
    if mapped is None and nodes:
        return nodes, rest
    return None, dict(params)


def joined(hosts: Hosts) -> dict[str, secret.Value]:
    """Return nodes as the parameter that names them."""
    if isinstance(hosts, Mapping):
        return {MAP: map_text(hosts)}
    return {LIST: list_text(hosts)}
