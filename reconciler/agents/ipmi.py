"""The built-in fence driver ``ipmi``, described as fence agents describe themselves.

Its parameters have the names of ``fence_ipmilan``, so that a device can change from one to the
other by its agent alone.
"""

from __future__ import annotations

from reconciler.model import agent, fencing

NAME = agent.AgentName(agent.Standard.STONITH.value, "", fencing.BUILT_IN_IPMI)


def _older(name: str, current: str, *, private: bool = False) -> agent.Parameter:
    return agent.Parameter(
        name,
        private=private,
        deprecated=True,
        replaced_by=current,
        short=f"older name of {current}",
    )


def _wait(name: str) -> agent.Parameter:
    return agent.Parameter(name, type="second", short="accepted, without effect")


METADATA = agent.Metadata(
    agent=NAME,
    version="1",
    short="Power control over IPMI 2.0",
    long=(
        "Switches a machine off and on through its management controller, over the network, and "
        "asks for its state. Speaks IPMI 2.0 with cipher suite 3 or 17."
    ),
    parameters=(
        agent.Parameter("ip", required=True, short="address of the management controller"),
        agent.Parameter("ipport", type="integer", default="623", short="UDP port"),
        agent.Parameter("username", required=True, short="user, 16 bytes at most"),
        agent.Parameter(
            "password", required=True, private=True, short="password, 20 bytes at most"
        ),
        agent.Parameter(
            "privlvl",
            type="select",
            default="administrator",
            choices=("operator", "administrator"),
            short="privilege level that is asked for",
        ),
        agent.Parameter(
            "cipher", type="select", choices=("3", "17"), short="cipher suite; the best that works"
        ),
        agent.Parameter(
            "lanplus", type="boolean", default="true", short="IPMI 2.0; cannot be switched off"
        ),
        agent.Parameter("hexadecimal_kg", private=True, short="key of the controller, hexadecimal"),
        _older("ipaddr", "ip"),
        _older("login", "username"),
        _older("passwd", "password", private=True),
        _wait("power_timeout"),
        _wait("power_wait"),
        _wait("login_timeout"),
        _wait("shell_timeout"),
    ),
    operations=tuple(agent.AdvisedOperation(name) for name in ("on", "off", "status", "monitor")),
)
"""What the driver understands."""
