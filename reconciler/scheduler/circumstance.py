"""Circumstances: everything that is decided before steps are made, in one frozen value."""

from __future__ import annotations

from reconciler.frozen import frozen
from reconciler.model import desired as desired_state
from reconciler.model import observed
from reconciler.scheduler import operation, options, parameters, placement, situation


@frozen
class Circumstances:
    """What the passes that make steps look at.

    Attributes:
        wanted, seen: the inputs.
        settings: cluster properties.
        situation: where everything is now.
        assignment: where everything shall be.
        operations, parameters: readers of the configuration.
    """

    wanted: desired_state.Desired
    seen: observed.Observed
    settings: options.Cluster
    situation: situation.Situation
    assignment: placement.Assignment
    operations: operation.Reader
    parameters: parameters.Parameters
