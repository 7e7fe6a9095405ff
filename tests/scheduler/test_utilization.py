"""Utilization: what fits on a node, and who is placed first."""

from __future__ import annotations

import dataclasses

import pytest
from scheduler import strategies, test_migration
from scheduler import test_rules as facts

from reconciler.model import constraint, desired, fencing, node, plan, resource
from reconciler.model.observed import Presence
from reconciler.model.role import Role

TOGETHER = (constraint.Colocation("k", "b", "a", facts.INFINITY),)


def _wanted(
    strategy: str, capacities: dict[str, int], needs: dict[str, int], constraints=(), **meta: str
) -> desired.Desired:
    """Return desired state with one attribute of utilization."""
    resources = [
        dataclasses.replace(
            strategies.primitive(name, **meta), utilization=strategies.sets(cpu=str(need))
        )
        for name, need in needs.items()
    ]
    found = facts.wanted(*resources, constraints=constraints, placement_strategy=strategy)
    nodes = tuple(
        node.Node(name, utilization=strategies.sets(cpu=str(value)))
        for name, value in capacities.items()
    )
    return dataclasses.replace(found, nodes=nodes)


def _targets(due: plan.Plan) -> dict[str, str]:
    """Return where each resource will be."""
    return {one.resource: one.target for one in due.changes}


@pytest.mark.parametrize("strategy", ["utilization", "balanced", "minimal"])
def test_a_resource_goes_only_where_it_fits(strategy):
    """A node with too little left does not take a resource, and what fits nowhere stays down."""
    wanted = _wanted(strategy, {"n1": 2, "n2": 4}, {"a": 3, "b": 3})

    assert _targets(facts.pipeline.schedule(wanted, facts.seen())) == {"a": "n2", "b": ""}


def test_capacities_do_not_count_by_default():
    """With the default strategy a resource may go where it does not fit."""
    wanted = _wanted("default", {"n1": 0, "n2": 0}, {"a": 3})

    assert _targets(facts.pipeline.schedule(wanted, facts.seen())) == {"a": "n1"}


@pytest.mark.parametrize(
    ("strategy", "targets"),
    [
        ("utilization", {"a": "n1", "b": "n2"}),
        ("balanced", {"a": "n2", "b": "n2"}),
        ("minimal", {"a": "n1", "b": "n1"}),
    ],
)
def test_strategies_spread_by_count_by_capacity_or_not_at_all(strategy, targets):
    """Ties go to fewer resources, to more capacity left, or to the first name."""
    wanted = _wanted(strategy, {"n1": 4, "n2": 9}, {"a": 2, "b": 2})

    assert _targets(facts.pipeline.schedule(wanted, facts.seen())) == targets


def test_what_must_run_together_is_weighed_together():
    """A primary goes where its mandatory dependents fit as well."""
    wanted = _wanted("utilization", {"n1": 4, "n2": 6}, {"a": 3, "b": 3}, TOGETHER)

    assert _targets(facts.pipeline.schedule(wanted, facts.seen())) == {"a": "n2", "b": "n2"}


@pytest.mark.parametrize("side", ["dependent_role", "primary_role"])
def test_a_colocation_of_a_role_binds_no_capacities(side):
    """A primary goes where it fits alone, if only a role of one of the two is to be near."""
    pair = dataclasses.replace(TOGETHER[0], **{side: Role.PROMOTED})
    likes = facts.location("a", "n1", 1)
    wanted = _wanted("utilization", {"n1": 4, "n2": 6}, {"a": 3, "b": 3}, (pair, likes))

    assert _targets(facts.pipeline.schedule(wanted, facts.seen()))["a"] == "n1"


def test_what_runs_is_placed_before_what_does_not():
    """A running resource keeps its capacity even if it is written last."""
    wanted = _wanted("utilization", {"n1": 3, "n2": 0}, {"a": 3, "b": 3})
    seen = facts.seen({"n1": {"b": "running", "a": "stopped"}, "n2": {}})

    assert _targets(facts.pipeline.schedule(wanted, seen)) == {"a": "", "b": "n1"}


@pytest.mark.parametrize(("where", "first"), [("n1", "x"), ("n2", "g")])
def test_a_group_is_at_home_on_the_node_that_was_read_first(where, first):
    """Whichever of its members runs there."""
    members = tuple(
        dataclasses.replace(strategies.primitive(name), utilization=strategies.sets(cpu="1"))
        for name in "ab"
    )
    likes = [facts.location("g", "n1", 10), facts.location("g", "n2", 30)]
    likes.append(facts.location("x", "n3", 20))
    found = _wanted("utilization", {"n1": 3, "n2": 3, "n3": 3}, {"x": 1}, likes)
    wanted = dataclasses.replace(found, resources=(resource.Group("g", members), *found.resources))
    other = "n2" if where == "n1" else "n1"
    states = {where: {"b": "running"}, other: {"a": "running"}, "n3": {"x": "running"}}
    seen = facts.seen(states)
    nodes = {
        name: dataclasses.replace(one, place=place)
        for place, (name, one) in enumerate(seen.nodes.items())
    }
    due = facts.pipeline.schedule(wanted, dataclasses.replace(seen, nodes=nodes))

    told = [one.instance for one in due.moments]
    assert min("gx", key=told.index) == first


@pytest.mark.parametrize(("managed", "first"), [("true", "x"), ("false", "p")])
def test_a_clone_that_nobody_manages_is_not_at_home_where_it_was_lost(managed, first):
    """It is placed by the score of the next node where it runs."""
    needy = dataclasses.replace(
        strategies.primitive("p", is_managed=managed), utilization=strategies.sets(cpu="1")
    )
    likes = [facts.location("c", "n1", 10), facts.location("c", "n2", 30)]
    likes.append(facts.location("x", "n3", 20))
    found = _wanted("utilization", {"n1": 1, "n2": 1, "n3": 1}, {"x": 1}, likes)
    device = fencing.FenceDevice("f", "fence_xvm", hosts=("n1",))
    wanted = dataclasses.replace(
        found,
        resources=(resource.Clone("c", needy), *found.resources),
        properties=strategies.sets(placement_strategy="utilization"),
        fencing=fencing.Fencing((device,)),
    )
    states = {"n1": {"p": "running"}, "n2": {"p": "running"}, "n3": {"x": "running"}}
    presence = {"n1": Presence.UNKNOWN}
    due = facts.pipeline.schedule(wanted, facts.seen(states, presence=presence))

    told = [one.instance for one in due.moments]
    assert min(("x", "p:0"), key=told.index).startswith(first)


def test_who_is_placed_first_hears_a_primary_that_listens_to_nobody():
    """What runs draws what follows it over one that has no influence on it."""
    pairs = [
        constraint.Colocation("k", "p", "q", facts.INFINITY, influence=False),
        constraint.Colocation("l", "r", "p", facts.INFINITY),
        facts.location("s", "n1", 50),
    ]
    needs = {"s": 1, "q": 0, "p": 0, "r": 1}
    wanted = _wanted("utilization", {"n1": 1, "n2": 0}, needs, pairs, resource_stickiness="100")
    states = {"n1": {"q": "running"}, "n2": {}}

    assert _targets(facts.pipeline.schedule(wanted, facts.seen(states)))["r"] == "n1"


def _first_or_second(*constraints: constraint.Constraint) -> dict[str, str]:
    """Return where a group of two and a primitive after it go that want the same room."""
    members = (strategies.primitive("x"), strategies.primitive("y"))
    need = strategies.sets(cpu="1")
    group = resource.Group("g", (dataclasses.replace(members[0], utilization=need), members[1]))
    found = _wanted("utilization", {"n1": 1, "n2": 0}, {"s": 1, "z": 0}, constraints)
    return _targets(
        facts.pipeline.schedule(
            dataclasses.replace(found, resources=(group, *found.resources)), facts.seen()
        )
    )


def test_a_group_that_cannot_run_as_a_whole_is_placed_late():
    """What its first member wishes counts for nothing where the last can run nowhere."""
    bans = [facts.location("y", name, -facts.INFINITY) for name in ("n1", "n2")]
    likes = [facts.location("g", "n1", 100), facts.location("s", "n1", 50)]

    assert _first_or_second(*bans, *likes)["s"] == "n1"


def test_what_a_group_must_be_with_is_heard_once():
    """Who is placed first is decided by the wishes of a group, not of each member again."""
    near = constraint.Colocation("k", "g", "z", facts.INFINITY)

    assert (
        _first_or_second(near, facts.location("z", "n1", 30), facts.location("s", "n1", 40))["s"]
        == "n1"
    )


def test_capacity_is_given_back_before_it_is_used():
    """A start on a full node waits for the stop of what leaves it, without any constraint."""
    away = facts.location("b", "n1", -facts.INFINITY)
    home = facts.location("a", "n1", 100)
    wanted = _wanted("utilization", {"n1": 3, "n2": 3}, {"a": 3, "b": 3}, (away, home))
    seen = facts.seen({"n1": {"b": "running", "a": "stopped"}, "n2": {"a": "stopped"}})

    due = facts.pipeline.schedule(wanted, seen)

    before = {"a_start_0@n1"}
    while True:
        more = before | {edge.before for edge in due.edges if edge.after in before}
        if more == before:
            break
        before = more
    assert "b_stop_0@n1" in before


def test_what_runs_beside_a_lost_node_s_neighbour_is_placed_late():
    """A resource that may not be where its primary cannot be comes after one without such bounds."""
    beside = constraint.Colocation("k", "a", "p", facts.INFINITY)
    banned = facts.location("p", "n2", -facts.INFINITY)
    wanted = _wanted("utilization", {"n1": 1, "n2": 0}, {"a": 1, "b": 1, "p": 0}, [beside, banned])

    assert _targets(facts.pipeline.schedule(wanted, facts.seen()))["b"] == "n1"
    assert not _targets(facts.pipeline.schedule(wanted, facts.seen()))["a"]


def test_what_cannot_be_together_prefers_the_node_with_most_left():
    """Where a set fits nowhere, its first resource takes the freest node among equal scores."""
    wanted = _wanted("utilization", {"n1": 2, "n2": 4}, {"a": 1, "b": 4}, TOGETHER)

    assert _targets(facts.pipeline.schedule(wanted, facts.seen()))["a"] == "n2"


@pytest.mark.parametrize(("score", "target"), [(0, "foxtrot"), (1, "alpha")])
def test_where_capacities_go_in_a_circle_the_table_decides(score, target):
    """Which node has more left can go in a circle; a colocation changes where it is cut."""
    left = {"alpha": "132", "charlie": "222", "echo": "321", "foxtrot": "313", "hotel": "322"}
    wanted = dataclasses.replace(
        facts.wanted(
            strategies.primitive("a"),
            strategies.primitive("d"),
            constraints=[constraint.Colocation("k", "d", "a", score)],
            placement_strategy="balanced",
        ),
        nodes=tuple(
            node.Node(name, utilization=strategies.sets(c=cpu, m=memory, d=disk))
            for name, (cpu, memory, disk) in left.items()
        ),
    )
    due = facts.pipeline.schedule(wanted, facts.seen({name: {} for name in left}))

    assert _targets(due)["a"] == target


@pytest.mark.parametrize(("score", "target"), [(0, "ha11.example"), (-1_000_000, "ha13.example")])
def test_which_node_has_most_room_is_asked_in_the_order_of_the_table_in_use(score, target):
    """Each colocation that counts makes a copy of it; one of no strength makes none."""
    left = ("23", "14", "42", "11", "14", "31", "23", "32", "13", "21", "33", "22", "33")
    resources = [
        dataclasses.replace(strategies.primitive(name), utilization=strategies.sets(c=need, m=need))
        for name, need in (("a", "1"), ("b", "5"), ("d", "0"))
    ]
    pairs = [
        constraint.Colocation("k", "b", "a", facts.INFINITY),
        constraint.Colocation("l", "d", "a", score),
    ]
    names = [f"ha{place}.example" for place in range(1, 14)]
    wanted = dataclasses.replace(
        facts.wanted(*resources, constraints=pairs, placement_strategy="balanced"),
        nodes=tuple(
            node.Node(name, utilization=strategies.sets(c=cpu, m=memory))
            for name, (cpu, memory) in zip(names, left, strict=True)
        ),
    )
    due = facts.pipeline.schedule(wanted, facts.seen({name: {} for name in names}))

    assert _targets(due)["a"] == target


@pytest.mark.parametrize(
    ("named", "target"),
    [("echo foxtrot hotel", "hotel"), ("alpha charlie echo foxtrot hotel", "foxtrot")],
)
def test_in_an_opt_in_cluster_the_table_holds_what_is_named(named, target):
    """Nodes that nobody named for a resource are not in it, and do not move the cut."""
    left = {"alpha": "132", "charlie": "222", "echo": "321", "foxtrot": "313", "hotel": "322"}
    wanted = dataclasses.replace(
        facts.wanted(
            strategies.primitive("a"),
            constraints=[facts.location("a", name, 0) for name in named.split()],
            placement_strategy="balanced",
            symmetric_cluster="false",
        ),
        nodes=tuple(
            node.Node(name, utilization=strategies.sets(c=cpu, m=memory, d=disk))
            for name, (cpu, memory, disk) in left.items()
        ),
    )
    due = facts.pipeline.schedule(wanted, facts.seen({name: {} for name in left}))

    assert _targets(due)["a"] == target


def test_an_instance_does_not_stay_where_it_does_not_fit():
    """An instance that runs on a node with too little for it goes to one with enough."""
    clone = resource.Clone(
        "c",
        dataclasses.replace(
            strategies.primitive("p", resource_stickiness="0"), utilization=strategies.sets(cpu="2")
        ),
        meta=strategies.sets(clone_max="1"),
    )
    wanted = dataclasses.replace(_wanted("utilization", {"n1": 1, "n2": 2}, {}), resources=(clone,))
    due = facts.pipeline.schedule(wanted, facts.seen({"n1": {"p": "running"}, "n2": {}}))

    assert due.placement["p:0"] == {"n2": Role.STARTED}


@pytest.mark.parametrize(("instances", "nodes"), [("1", ["n2"]), ("2", ["n1", "n2"])])
def test_one_instance_for_every_node_leaves_no_room_for_who_follows_the_clone(instances, nodes):
    """Only where few instances are spread do they look for room for who must be with one."""
    meta = strategies.sets(globally_unique="true", clone_node_max="2", clone_max=instances)
    wanted = _wanted(
        "utilization",
        {"n1": 1, "n2": 4},
        {"x": 2},
        [constraint.Colocation("k", "x", "c", facts.INFINITY)],
    )
    clone = resource.Clone("c", strategies.primitive("p"), meta=meta)
    wanted = dataclasses.replace(wanted, resources=(clone, *wanted.resources))
    due = facts.pipeline.schedule(wanted, facts.seen())

    assert sorted(where for each in "01" for where in due.placement.get(f"p:{each}", {})) == nodes


def test_an_instance_needs_no_room_for_another_one_that_its_followers_could_be_with():
    """Who must be with a clone is with the instance that looks for room, whichever it is."""
    needy = dataclasses.replace(strategies.primitive("p"), utilization=strategies.sets(cpu="4"))
    clone = resource.Clone("c", needy, meta=strategies.sets(clone_max="3"))
    pairs = [constraint.Colocation("k", "x", "c", facts.INFINITY)]
    found = _wanted("minimal", {"a": 0, "b": 0, "n1": 8, "n2": 4}, {"x": 2}, pairs)
    wanted = dataclasses.replace(found, resources=(clone, *found.resources))
    states = {"a": {"p": "running"}, "b": {"p": "running"}, "n1": {}, "n2": {"p": "running"}}
    due = facts.pipeline.schedule(wanted, facts.seen(states))

    where = [list(due.placement[f"p:{each}"]) for each in "012"]
    assert where == [["n1"], ["n2"], []]


@pytest.mark.parametrize(("more", "target"), [(True, "n2"), (False, "n1")])
def test_room_is_needed_for_what_is_bound_by_something_that_is_placed(more, target):
    """Who must be with p must be with w, too, and so must another that has no place yet."""
    pairs = [
        constraint.Colocation("k1", "c", "w", facts.INFINITY),
        constraint.Colocation("k2", "e", "w", facts.INFINITY),
        constraint.Colocation("k3", "c", "p", facts.INFINITY),
    ]
    likes = [facts.location("w", "n1", 100), facts.location("p", "n1", 50)]
    needs = {"w": 1, "p": 1, "q": 1, "e": 1 if more else 0}
    found = _wanted("utilization", {"n1": 3, "n2": 3}, needs, [*pairs, *likes])
    first, second, child, last = found.resources
    first = dataclasses.replace(first, meta=strategies.sets(priority="10"))
    resources = (first, second, resource.Clone("c", child), last)
    due = facts.pipeline.schedule(dataclasses.replace(found, resources=resources), facts.seen())

    assert _targets(due)["w"] == "n1"
    assert _targets(due)["p"] == target


@pytest.mark.parametrize(("active", "target"), [(True, "n2"), (False, "n3")])
def test_a_group_that_was_to_stay_does_not_ask_which_node_has_most_room(active, target):
    """It goes to the first that has enough for its first member, as all of it fits nowhere."""
    members = tuple(
        dataclasses.replace(strategies.primitive(name), utilization=strategies.sets(cpu=need))
        for name, need in (("a", "2"), ("b", "9"))
    )
    group = resource.Clone("c", resource.Group("g", members), meta=strategies.sets(clone_max="1"))
    found = _wanted("utilization", {"n1": 1, "n2": 2, "n3": 4}, {})
    wanted = dataclasses.replace(found, resources=(group,))
    states = {"n1": {"a": "running"} if active else {}, "n2": {}, "n3": {}}
    due = facts.pipeline.schedule(wanted, facts.seen(states))

    assert list(due.placement["a:0"]) == [target]


def test_who_comes_later_hears_that_a_node_had_no_room():
    """In a circle a resource keeps off the node where what it hears of could not be."""
    circle = (
        constraint.Colocation("k1", "c", "b", 400_000),
        constraint.Colocation("k2", "b", "a", 300_000),
        constraint.Colocation("k3", "a", "c", 100),
        facts.location("a", "n2", 500),
        facts.location("c", "n2", 300),
        facts.location("c", "n1", 7),
    )
    wanted = _wanted("minimal", {"n1": 4, "n2": 0}, {"a": 0, "b": 0, "c": 2}, circle)
    first, *others = wanted.resources
    first = dataclasses.replace(first, meta=strategies.sets(priority="10"))
    due = facts.pipeline.schedule(
        dataclasses.replace(wanted, resources=(first, *others)), facts.seen()
    )

    assert {name: due.ledgers["a"][name].score for name in ("n1", "n2")} == {
        "n1": 106,
        "n2": -399_463,
    }


def test_an_instance_that_fits_nowhere_hears_its_followers_once():
    """Who found no node at all is not asked again after the others, unlike who was refused one."""
    needy = dataclasses.replace(
        strategies.primitive("p", resource_stickiness="50"), utilization=strategies.sets(cpu="1")
    )
    pairs = [constraint.Colocation("k", "d", "c", -200), facts.location("d", "n2", 1000)]
    found = _wanted("utilization", {"n1": 0, "n2": 0}, {"d": 0}, pairs)
    wanted = dataclasses.replace(found, resources=(resource.Clone("c", needy), *found.resources))
    due = facts.pipeline.schedule(wanted, facts.seen({"n1": {"p": "running"}, "n2": {}}))

    assert due.ledgers["p:0"]["n2"].score == -1


def _swapped(resources: str, nodes: list[str]) -> plan.Plan:
    """Return a plan in which resources go round: each to the node after its own."""
    there = dict(zip(resources, nodes, strict=True))
    wishes = [
        facts.location(name, nodes[(place + 1) % len(nodes)], 100)
        for place, name in enumerate(resources)
    ]
    needs = dict.fromkeys(resources, 1)
    wanted = _wanted("utilization", dict.fromkeys(nodes, 1), needs, wishes, allow_migrate="true")
    states = {node: {name: "running"} for name, node in there.items()}
    return facts.pipeline.schedule(wanted, facts.seen(states))


def test_capacity_is_free_when_the_migration_away_has_ended():
    """What comes to a node waits until what migrates away has stopped there."""
    states = {"n1": {"x": "running"}, "n2": {}}
    wishes = [facts.location("x", "n2", 100), facts.location("y", "n1", 100)]
    wanted = _wanted("utilization", {"n1": 1, "n2": 1}, {"x": 1, "y": 1}, wishes)
    moving = dataclasses.replace(wanted.resources[0], meta=strategies.sets(allow_migrate="true"))
    wanted = dataclasses.replace(wanted, resources=(moving, wanted.resources[1]))
    due = facts.pipeline.schedule(wanted, facts.seen(states))

    assert "x_stop_0@n1" in test_migration.before(due, "y_start_0@n1")


@pytest.mark.parametrize(
    ("nodes", "last"),
    [
        (["n1", "n2"], "x"),
        (["n2", "n1"], "y"),
        (["n1", "n2", "n3"], "y"),
        (["n3", "n1", "n2"], "z"),
    ],
)
def test_who_goes_to_the_last_of_nodes_in_a_circle_does_not_wait(nodes, last):
    """Where resources migrate round, all but the one to the last node by name wait for room."""
    resources = "xyz"[: len(nodes)]
    due = _swapped(resources, nodes)
    waiting = {
        name
        for name, where in zip(resources, nodes, strict=True)
        if any(
            "_stop_0" in key for key in test_migration.before(due, f"{name}_migrate_to_0@{where}")
        )
    }

    assert waiting == set(resources) - {last}


def test_what_was_removed_gives_no_capacity_back():
    """Not even if its name is that of instances that can be told apart now."""
    meta = strategies.sets(globally_unique="true", target_role="Stopped")
    wanted = _wanted("utilization", {"n1": 1, "n2": 1}, {"p": 1, "y": 1})
    p, y = wanted.resources
    clone = resource.Clone("c", p, meta=meta)
    wanted = dataclasses.replace(wanted, resources=(clone, y))
    due = facts.pipeline.schedule(wanted, facts.seen({"n1": {"p": "running"}, "n2": {}}))

    assert "p_stop_0@n1" in {one.key for one in due.actions}
    assert "p_stop_0@n1" not in test_migration.before(due, "y_start_0@n1")
