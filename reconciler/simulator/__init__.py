"""A simulated world behind the ports: virtual time, nodes, fence devices, faults and checkers.

The real controller runs in it unchanged. The world knows the truth (what really runs on which node),
which no port tells; checkers compare every event with it. Everything is driven by one seed::

    async def scenario():
        world = World(nodes=("n1", "n2", "n3"), seed=7)
        controller = controllers.Controller(world, "one", schedule)
        return await controller.converge(desired)

    clock.run(scenario())
"""
