"""How much may be done at once."""

from __future__ import annotations

import pytest

from reconciler.model import attribute, desired
from reconciler.transition import limits


def wanted(**properties: str) -> desired.Desired:
    """Return a manifest with cluster properties."""
    pairs = {name.replace("_", "-"): value for name, value in properties.items()}
    return desired.Desired("c", properties=(attribute.AttributeSet(pairs),))


def test_without_properties_only_fencing_is_bounded():
    """By default there is no bound but one fencing at a time."""
    assert limits.of(wanted()) == limits.Limits(batch=0, per_node=0, concurrent_fencing=False)


def test_properties_set_the_limits():
    """batch-limit, node-action-limit and concurrent-fencing are read as written."""
    found = limits.of(wanted(batch_limit="30", node_action_limit="4", concurrent_fencing="true"))

    assert found == limits.Limits(30, 4, concurrent_fencing=True)


@pytest.mark.parametrize("text", ["", "-1", "many", "²"])
def test_what_is_no_number_sets_no_limit(text):
    """Words that are no whole number are taken for "not set"."""
    assert limits.of(wanted(batch_limit=text)).batch == 0
