"""The verbs: what they are called, what they do in a line, and where they live.

``--help`` prints this table and imports none of the modules that it names.
"""

from __future__ import annotations

from reconciler.frozen import frozen


@frozen
class Verb:
    """A verb; its module below ``reconciler.cli.verbs`` has a click command named ``attribute``."""

    module: str
    attribute: str
    summary: str
    section: str


PLANNING = "Manifests and plans"
RUNNING = "The cluster"
NODES = "Nodes and fencing"
LOCAL = "This machine"

VERBS: dict[str, Verb] = {
    "init": Verb("init", "init", "Write a first manifest directory.", PLANNING),
    "validate": Verb("validate", "validate", "Check manifests; contacts no node.", PLANNING),
    "show": Verb("show", "show", "Show what the manifests say, resolved.", PLANNING),
    "plan": Verb("plan", "plan", "Show what apply would do, and why.", PLANNING),
    "simulate": Verb(
        "simulate", "simulate", "Show what would come of it, or of an event.", PLANNING
    ),
    "import": Verb("import_cib", "import_cib", "Write a CIB as manifests.", PLANNING),
    "export": Verb("export", "export", "Write manifests as a CIB or pcs commands.", PLANNING),
    "graph": Verb("graph", "graph", "Draw the plan or the constraints.", PLANNING),
    "schema": Verb("schema", "schema", "Print the JSON Schema of manifests.", PLANNING),
    "apply": Verb("apply", "apply", "Bring the cluster to the desired state.", RUNNING),
    "watch": Verb("watch", "watch", "Keep the cluster in the desired state.", RUNNING),
    "status": Verb("status", "status", "Show nodes, resources, failures, fencing.", RUNNING),
    "explain": Verb("explain", "explain", "Show why a resource is where it is.", RUNNING),
    "cleanup": Verb("cleanup", "cleanup", "Forget the failures of a resource.", RUNNING),
    "history": Verb("history", "history", "Show what runs from this machine did.", RUNNING),
    "standby": Verb("standby", "standby", "Move everything away from a node.", NODES),
    "unstandby": Verb("standby", "unstandby", "Let a node run resources again.", NODES),
    "maintenance": Verb("maintenance", "maintenance", "Leave a node's resources alone.", NODES),
    "fence": Verb("fence", "fence", "Fence a node; list and check fence devices.", NODES),
    "agents": Verb("agents", "agents", "List and describe resource agents.", LOCAL),
    "sandbox": Verb("sandbox", "sandbox", "Run a cluster of local nodes; break it.", LOCAL),
    "completion": Verb("completion", "completion", "Print shell completion.", LOCAL),
}
"""In the order of the help."""
