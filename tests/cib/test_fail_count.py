"""Fail counts of older and newer clusters."""

from __future__ import annotations

import pytest

from reconciler.cib import fail_count

_OLD, _NEW = "fail-count-p", "fail-count-p#start_0"


@pytest.mark.parametrize("feature_set", ["", "2.1", "3.0.12"])
def test_an_old_cluster_has_one_count_for_each_resource(feature_set):
    """Counts of single operations mean nothing to it; its own are read as if of a probe."""
    found = fail_count.counting({_OLD: "2", _NEW: "3", "other": "x"}, feature_set)

    assert found == {"fail-count-p#monitor_0": "2", "other": "x"}


@pytest.mark.parametrize("feature_set", ["3.0.13", "3.1.0", "3.16.1"])
def test_a_newer_cluster_counts_each_operation(feature_set):
    """A count of the whole resource means nothing any more."""
    found = fail_count.counting({_OLD: "2", _NEW: "3", "last-failure-p": "9"}, feature_set)

    assert found == {_NEW: "3"}
