"""Meta-data of OCF agents and fence agents: XML -> ``model.agent.Metadata``.

OCF Resource Agent API 1.1, section "Metadata"; Fence Agent API, section "metadata". Both use the
same elements; fence agents name actions without time-outs and mark renamed parameters with
``obsoletes``.
"""

from __future__ import annotations

from reconciler.agents import markup, private
from reconciler.model import agent, duration, property  # noqa: A004 - the field's word

Unusable = markup.Unusable
_LONGEST = 4_096


def parse(name: agent.AgentName, text: str | bytes) -> agent.Metadata | Unusable:
    """Return what an agent says of itself, or why that is unusable. Raises nothing.

    Args:
        name: the agent; its standard decides between resource agent and fence agent.
        text: what its meta-data action printed.
    """
    root = markup.parse(text)
    if isinstance(root, markup.Unusable):
        return root
    if root.name != "resource-agent":
        return Unusable("it is no description of an agent: the root is not resource-agent")
    parameters = root.first("parameters")
    actions = root.first("actions")
    obsolete = _obsolete(parameters)
    operations = tuple(
        _operation(one)
        for one in (actions.all("action") if actions else ())
        if one.attributes.get("name")
    )
    offered = {one.name for one in operations}
    return agent.Metadata(
        agent=name,
        version=_version(root),
        short=root.attributes.get("shortdesc", "") or _text(root, "shortdesc"),
        long=_text(root, "longdesc"),
        parameters=tuple(
            _parameter(one, obsolete, fence=name.standard == "stonith")
            for one in (parameters.all("parameter") if parameters else ())
            if one.attributes.get("name")
        ),
        operations=operations,
        promotable={"promote", "demote"} <= offered,
    )


def _version(root: markup.Element) -> str:
    return _text(root, "version") or root.attributes.get("version", "")


def _text(element: markup.Element, name: str) -> str:
    found = element.first(name)
    return found.words()[:_LONGEST] if found else ""


def _yes(element: markup.Element, name: str) -> bool:
    return property.boolean(element.attributes.get(name, "")) is True


def _obsolete(parameters: markup.Element | None) -> dict[str, str]:
    """Return older name to current name."""
    found = {}
    for one in parameters.all("parameter") if parameters else ():
        name = one.attributes.get("name", "")
        if one.attributes.get("obsoletes"):
            found[one.attributes["obsoletes"]] = name
        deprecated = one.first("deprecated")
        replaced = deprecated.first("replaced-with") if deprecated else None
        if replaced is not None:
            found[name] = replaced.attributes.get("name", "")
    return found


def _parameter(
    element: markup.Element, obsolete: dict[str, str], *, fence: bool
) -> agent.Parameter:
    name = element.attributes["name"]
    content = element.first("content")
    attributes = content.attributes if content else {}
    unique = _yes(element, "unique") or bool(element.attributes.get("unique-group"))
    return agent.Parameter(
        name=name,
        type=attributes.get("type", "string"),
        required=_yes(element, "required"),
        default=attributes.get("default"),
        unique=unique,
        reloadable=_yes(element, "reloadable"),
        private=_yes(element, "private") or (fence and private.named(name)),
        choices=tuple(
            one.attributes["value"]
            for one in (content.all("option") if content else ())
            if "value" in one.attributes
        ),
        short=_text(element, "shortdesc"),
        long=_text(element, "longdesc"),
        deprecated=_yes(element, "deprecated") or element.first("deprecated") is not None,
        replaced_by=obsolete.get(name, ""),
    )


def _operation(element: markup.Element) -> agent.AdvisedOperation:
    attributes = element.attributes
    depth = property.integer(attributes.get("depth", "0"))
    return agent.AdvisedOperation(
        name=attributes["name"],
        timeout_ms=duration.parse_ms(attributes.get("timeout", "")),
        interval_ms=duration.parse_ms(attributes.get("interval", "")),
        role=attributes.get("role", ""),
        depth=depth or 0,
    )
