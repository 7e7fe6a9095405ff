"""Reasons in words: the only place where a reason code becomes English.

Each code has two sentences, with and without a subject, and, where something due is not done, a
word on what a person can do about it. Code never reads these texts.
"""

from __future__ import annotations

from reconciler.errors import position
from reconciler.frozen import frozen
from reconciler.model.reason import Reason, ReasonCode


@frozen
class Sentence:
    """The words of a reason code.

    Attributes:
        about: with ``{subject}`` for the reason's subject, and ``{detail}`` where the detail is
            part of the sentence.
        alone: where there is no subject.
        advice: what to do about it; empty: nothing has to be done.
    """

    about: str
    alone: str
    advice: str = ""


SENTENCES: dict[ReasonCode, Sentence] = {
    ReasonCode.PLACED: Sentence("{subject} is wanted, and not active", "wanted, and not active"),
    ReasonCode.MOVED: Sentence("another node suits {subject} better", "another node scores higher"),
    ReasonCode.PROBE: Sentence(
        "nobody knows yet whether {subject} runs there", "nobody knows yet whether it runs there"
    ),
    ReasonCode.RECURRING: Sentence("{subject} is monitored while active", "monitored while active"),
    ReasonCode.FAILED: Sentence("{subject} failed", "it failed"),
    ReasonCode.PARAMETERS_CHANGED: Sentence(
        "the parameters of {subject} changed in the manifest",
        "its parameters changed in the manifest",
    ),
    ReasonCode.AGENT_CHANGED: Sentence(
        "the agent of {subject} changed in the manifest", "its agent changed in the manifest"
    ),
    ReasonCode.NOT_PROMOTABLE: Sentence(
        "{subject} is promoted, and is no promotable clone", "promoted, but not promotable"
    ),
    ReasonCode.REQUIRED_BY_ORDER: Sentence(
        "ordered with the {detail} of {subject}", "ordered with another change"
    ),
    ReasonCode.REQUIRED_BY_GROUP: Sentence("follows group {subject}", "follows its group"),
    ReasonCode.COLOCATED: Sentence("colocated with {subject}", "colocated with another resource"),
    ReasonCode.NODE_UNAVAILABLE: Sentence(
        "{subject} cannot run resources", "its node cannot run resources"
    ),
    ReasonCode.STANDBY: Sentence("{subject} is in standby", "its node is in standby"),
    ReasonCode.SHUTDOWN: Sentence("{subject} is shutting down", "its node is shutting down"),
    ReasonCode.TARGET_ROLE: Sentence(
        "the target-role of {subject} says so", "its target-role says so"
    ),
    ReasonCode.MULTIPLE_ACTIVE: Sentence(
        "{subject} is active on several nodes", "it is active on several nodes"
    ),
    ReasonCode.REMOVED: Sentence(
        "{subject} is no longer in the manifest", "no longer in the manifest"
    ),
    ReasonCode.PROMOTION: Sentence(
        "the promotion scores of {subject} decide", "its promotion score is the best there"
    ),
    ReasonCode.EXCESS_INSTANCE: Sentence(
        "{subject} has more instances than wanted", "more instances than wanted"
    ),
    ReasonCode.CLEANUP: Sentence(
        "the failures of {subject} were cleaned up", "its failures were cleaned up"
    ),
    ReasonCode.FAILURE_EXPIRED: Sentence(
        "the failure of {subject} has expired", "its failure has expired"
    ),
    ReasonCode.NOTIFICATION: Sentence("tells {subject} of the change", "tells the other instances"),
    ReasonCode.CANCELLED: Sentence(
        "{subject} is no longer in the manifest", "no longer in the manifest"
    ),
    ReasonCode.TICKET: Sentence("ticket {subject} decides", "its ticket decides"),
    ReasonCode.NODE_LOST: Sentence("{subject} does not answer", "it does not answer"),
    ReasonCode.CONNECTION_LOST: Sentence(
        "the connection to {subject} is lost", "the connection to it is lost"
    ),
    ReasonCode.CONTAINER_LOST: Sentence(
        "{subject}, which holds it, is lost", "what holds it is lost"
    ),
    ReasonCode.NODE_UNSEEN: Sentence(
        "{subject} has not been seen since the cluster began",
        "it has not been seen since the cluster began",
    ),
    ReasonCode.STOP_FAILED: Sentence(
        "{subject} could not be stopped there", "a resource could not be stopped there"
    ),
    ReasonCode.DEMOTE_FAILED: Sentence(
        "{subject} could not be demoted there", "a resource could not be demoted there"
    ),
    ReasonCode.ON_FAIL_FENCE: Sentence(
        "{subject} failed there, and its on-fail is fence", "a failure there has on-fail fence"
    ),
    ReasonCode.UNFENCING: Sentence(
        "{subject} needs the node to be unfenced", "its devices need it to be unfenced"
    ),
    ReasonCode.DEVICE_CHANGED: Sentence(
        "a device that let {subject} in is defined otherwise by now",
        "a device that let it in is defined otherwise by now",
    ),
    ReasonCode.REQUESTED: Sentence("{subject} was asked to be fenced", "asked for by command"),
    ReasonCode.NO_QUORUM: Sentence(
        "the nodes that answer are no majority",
        "the nodes that answer are no majority",
        "bring nodes back until a majority answers (see: reconcile status)",
    ),
    ReasonCode.UNMANAGED: Sentence(
        "{subject} is not managed",
        "it is not managed",
        "set is-managed: true to have it managed again",
    ),
    ReasonCode.MAINTENANCE: Sentence(
        "{subject} is in maintenance",
        "it is in maintenance",
        "end the maintenance in the manifest",
    ),
    ReasonCode.NO_NODE: Sentence(
        "no node may run {subject}",
        "no node may run it",
        "see why with: reconcile explain RESOURCE",
    ),
    ReasonCode.WAITS_FOR_FENCING: Sentence(
        "{subject} must be proven off first", "a node must be proven off first"
    ),
    ReasonCode.CANNOT_FENCE: Sentence(
        "{subject} may still run it, and no fence device can prove that node off",
        "it may still run elsewhere, and no fence device can prove that node off",
        "repair or add a fence device for the node (see: reconcile fence list),"
        " or bring the node back",
    ),
    ReasonCode.FENCING_DISABLED: Sentence(
        "{subject} would have to be fenced, but fencing-enabled is false",
        "a node would have to be fenced, but fencing-enabled is false",
        "configure a fence device and set fencing-enabled: true, or bring the node back",
    ),
    ReasonCode.BLOCKED_BY_FAILURE: Sentence(
        "it failed on {subject} and must not be touched",
        "it failed and must not be touched",
        "repair the cause, then: reconcile cleanup RESOURCE",
    ),
    ReasonCode.WAITS_FOR_BLOCKED: Sentence(
        "waits for {subject}, which is blocked",
        "waits for something that is blocked",
        "unblock that first",
    ),
    ReasonCode.ORDER_CYCLE: Sentence(
        "its orders form a cycle: {subject}",
        "its orders form a cycle",
        "take one of the order constraints out",
    ),
    ReasonCode.THRESHOLD_REACHED: Sentence(
        "it failed, and may run nowhere any more",
        "it failed, and may run nowhere any more",
        "repair the cause, then: reconcile cleanup RESOURCE",
    ),
}
"""Every reason code; a test holds the table complete."""

_FENCED: dict[ReasonCode, str] = {
    ReasonCode.NODE_LOST: "it does not answer",
    ReasonCode.CONNECTION_LOST: "the connection to it is lost",
    ReasonCode.CONTAINER_LOST: "what holds it is lost",
    ReasonCode.NODE_UNSEEN: "it has not been seen since the cluster began",
    ReasonCode.CANNOT_FENCE: "no fence device can prove it off",
    ReasonCode.FENCING_DISABLED: "fencing-enabled is false",
}
"""Sentences about a node whose name stands right before them."""


def sentence(reason: Reason, *, subject_known: str = "") -> str:
    """Return a reason as a phrase without full stop.

    Args:
        reason: what is to be said.
        subject_known: a name that stands right before the phrase and need not be said again.
    """
    words = SENTENCES[reason.code]
    alone = not reason.subject or reason.subject == subject_known
    text = words.alone
    if not alone:
        text = words.about.format(subject=reason.subject, detail=reason.detail or "change")
        if "{detail}" in words.about:
            return text
    elif subject_known:
        text = _FENCED.get(reason.code, text)
    return f"{text} ({reason.detail})" if reason.detail else text


def advice(reason: Reason, resource: str) -> str:
    """Return what a person can do where something is blocked; empty: nothing is known."""
    return SENTENCES[reason.code].advice.replace("RESOURCE", resource)


def place(origin: position.Position) -> str:
    """Return a position as shown behind a phrase: ``FILE:LINE``; empty where nobody wrote it."""
    if not origin.file:
        return ""
    return f"{origin.file}:{origin.line}" if origin.line else origin.file


def reason_json(reason: Reason | None) -> dict[str, object] | None:
    """Return a reason as JSON: the stable code first, the text for people last."""
    if reason is None:
        return None
    return {
        "code": reason.code.value,
        "subject": reason.subject,
        "detail": reason.detail,
        "position": position_json(reason.origin),
        "text": sentence(reason),
    }


def position_json(origin: position.Position) -> dict[str, object] | None:
    """Return a position as JSON, or None for values that no person wrote."""
    if not origin.file:
        return None
    return {"file": origin.file, "line": origin.line, "column": origin.column}
