"""What a fence agent says of itself: its options and actions (Fence Agent API, "metadata")."""

from __future__ import annotations

# Meta-data comes from programs that we would run as root anyway, and its size is bounded.
from xml.etree import ElementTree as ET

from reconciler.frozen import frozen
from reconciler.model import agent


@frozen
class FenceMetadata:
    """A fence agent's description.

    Attributes:
        described: name, texts, parameters and actions (as operations).
        unfences: its ``on`` must be called on a node before that may use what it guards
            (``automatic="1"``).
    """

    described: agent.Metadata
    unfences: bool = False

    @property
    def name(self) -> str:
        """The agent's name, e.g. ``fence_ipmilan``."""
        return self.described.agent.kind

    def offers(self, action: str) -> bool:
        """Tell whether the agent lists the action."""
        return self.described.offers(action)


def parse(name: str, xml: str) -> FenceMetadata | None:
    """Return what the XML says, or None where it is no description of a fence agent."""
    if "<!" in xml.replace("<!--", ""):
        return None
    try:
        root = ET.fromstring(xml)  # noqa: S314 - bounded, and without declarations
    except ET.ParseError:
        return None
    if root.tag != "resource-agent":
        return None
    actions = [one for one in root.iterfind("actions/action") if one.get("name")]
    described = agent.Metadata(
        agent=agent.AgentName(agent.Standard.STONITH.value, "", name),
        short=root.get("shortdesc", ""),
        long=_text(root.find("longdesc")),
        parameters=tuple(
            _parameter(one) for one in root.iterfind("parameters/parameter") if one.get("name")
        ),
        operations=tuple(agent.AdvisedOperation(one.get("name", "")) for one in actions),
    )
    unfences = any(one.get("name") == "on" and one.get("automatic") == "1" for one in actions)
    return FenceMetadata(described, unfences)


def _parameter(element: ET.Element) -> agent.Parameter:
    name = element.get("name", "")
    content = element.find("content")
    kind, default = ("string", None) if content is None else _content(content)
    return agent.Parameter(
        name=name,
        type=kind,
        required=element.get("required") == "1",
        default=default,
        unique=element.get("unique") == "1",
        private=_is_private(name),
        choices=tuple(one.get("value", "") for one in element.iterfind("content/option")),
        short=_text(element.find("shortdesc")),
        long=_text(element.find("longdesc")),
        deprecated=element.get("deprecated") == "1",
    )


def _content(element: ET.Element) -> tuple[str, str | None]:
    return element.get("type", "string"), element.get("default")


def _is_private(name: str) -> bool:
    # Fence agents do not mark private options in their meta-data.
    return any(word in name for word in ("passw", "secret", "token", "hexadecimal_kg")) and not (
        name.endswith("_script")
    )


def _text(element: ET.Element | None) -> str:
    return "" if element is None else " ".join((element.text or "").split())
