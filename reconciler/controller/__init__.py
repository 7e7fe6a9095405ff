"""The controller: observes, plans, executes and repeats, until nothing is left to do.

Everything here is written against the ports and the pure layers. What a caller uses::

    context.Context(...)                         the ports, who acts, and the limits
    await loop.plan_only(context, desired)       -> loop.Preview; takes no lease, writes nothing
    await loop.converge(context, desired, deadline_s=600, approve=loop.approve_all)
                                                 -> result.Result
    await watch.watch(context, load, changes, stop=event)
                                                 -> result.Result of the last pass
    files.changes(paths, stop=event)             -> async iterator of reasons to load again
    await commands.standby(context, desired, "ha-1", on=True)
    await commands.maintenance(context, desired, "ha-1", on=True)
    await commands.cleanup(context, desired, "p_vip", node=None)
    await commands.fence(context, desired, "ha-1", confirm="ha-1", reboot=True)
    await commands.confirm_off(context, desired, "ha-1", confirm="ha-1", reason="...")
                                                 -> result.Result
"""
