"""Digests in a history after parameters were written in another way."""

from __future__ import annotations

import pytest

from reconciler.cib import redigest
from reconciler.model import agent, attribute, desired, observed, resource, secret
from reconciler.scheduler import digest

_DUMMY = agent.AgentName("ocf", "heartbeat", "Dummy")
_PLAIN = {"ip": "1", "password": "hush"}
_REFERRED = {"ip": "1", "password": secret.SecretRef(secret.SecretSource.ENV, ("X",))}


def _wanted(params):
    monitor = resource.Operation("monitor", interval_ms=10_000)
    sets = (attribute.AttributeSet(params),)
    return desired.Desired("c", resources=(resource.Primitive("r", _DUMMY, sets, (), (monitor,)),))


def _carried(params, *, interval_ms=0, **digests):
    record = observed.OperationRecord(
        "monitor" if interval_ms else "start",
        interval_ms,
        1,
        0,
        observed.OperationStatus.DONE,
        digests=observed.Digests(all=digest.digest(params), **digests),
    )
    history = observed.ResourceHistory("r:0", _DUMMY, (record,))
    node = observed.ObservedNode("a", observed.Presence.ONLINE, histories={"r:0": history})
    seen = observed.Observed(1.0, quorate=True, nodes={"a": node})
    found = redigest.carried(seen, _wanted(_PLAIN), _wanted(_REFERRED))
    return found.nodes["a"].histories["r:0"].operations[0].digests


def test_unchanged_parameters_stay_unchanged():
    """A digest of the parameters as they were becomes one of the parameters as they are written."""
    assert _carried(_PLAIN).all == digest.digest(_REFERRED)


def test_changed_parameters_stay_changed():
    """A digest of other parameters keeps saying that they have changed."""
    other = {**_PLAIN, "ip": "2"}

    assert _carried(other).all == digest.digest(other)


@pytest.mark.parametrize("timeout", ["20000"])
def test_recurring_operations(timeout):
    """The digest of a recurring operation holds its time-out, too."""
    extra = {"CRM_meta_timeout": timeout}

    found = _carried({**_PLAIN, **extra}, interval_ms=10_000)
    assert found.all == digest.digest({**_REFERRED, **extra})


def test_parameters_that_need_a_restart():
    """The digest of the named parameters is carried as well."""
    found = _carried(
        _PLAIN,
        nonreloadable=digest.digest({"password": "hush"}),
        restart_parameters=("password",),
    )

    assert found.nonreloadable == digest.digest({"password": _REFERRED["password"]})
