"""Replicas of a bundle: the primitives that each of them consists of, though nobody wrote them.

An address, a container, and the connection to the guest node in it. Names, parameters and
monitors are those that Pacemaker gives to them (taken from the actions of ``crm_simulate``), since
the digests in a cluster's history are made of the parameters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from reconciler.frozen import frozen
from reconciler.model import attribute, container, remote, resource
from reconciler.model.agent import AgentName

_WATCH_MS = 60_000
_CONTROL_PORT = 3121
_SINGLE_ADDRESS = 32
_HOST_NETWORK = "host"
_EXECUTOR = "/usr/sbin/pacemaker-remoted"
_KEY = "/etc/pacemaker/authkey"
_LOGS = "/var/log/pacemaker/bundles"
HOST = "#uname"
"""As an address: the name of the node where it is used."""


@frozen
class _Words:
    """How a program is told about a container; ``{...}`` are filled in.

    Attributes:
        maps_on_host: whether ports are mapped even on the network of the host itself (measured).
    """

    first: str
    host_name: str
    setting: str
    network: str
    mount: str
    port: str
    host: str
    maps_on_host: bool = False


_HOSTS_ENTRY = " --hosts-entry={ip}={name}"
"""How the others' names are told by rkt, and by all where ``add-host`` is off (measured)."""
_DOCKER = _Words(
    first=" --restart=no",
    host_name=" -h {name}",
    setting=" -e {name}={value}",
    network=" --net={name}",
    mount=" -v {source}:{target}{options}",
    port=" -p {ip}{outer}:{inner}",
    host=" --add-host={name}:{ip}",
)
_WORDS: Mapping[container.Technology, _Words] = {
    container.Technology.DOCKER: _DOCKER,
    container.Technology.PODMAN: dataclasses.replace(_DOCKER, first=""),
    container.Technology.RKT: _Words(
        first="",
        host_name=" --hostname={name}",
        setting=" --environment={name}={value}",
        network=" --net={name}",
        mount=(
            " --volume vol{number},kind=host,source={source}{options}"
            " --mount volume=vol{number},target={target}"
        ),
        port=" --port={inner}:{ip}{outer}",
        host=_HOSTS_ENTRY,
        maps_on_host=True,
    ),
}
_OPTION_MARKS = {container.Technology.RKT: ","}


def address(bundle: resource.Bundle, number: int) -> str:
    """Return a replica's address; empty: it has none, or the first is no IPv4 address.

    The replicas' addresses follow each other; those that end in 0 or 255 are left out.
    """
    import ipaddress

    try:
        found = ipaddress.IPv4Address(bundle.network.ip_range_start)
    except ValueError:
        return ""
    for _ in range(number):
        found += 1
        while found.packed[-1] in {0, 255}:
            found += 1
    return str(found)


def holder(bundle: resource.Bundle, number: int) -> resource.Primitive:
    """Return the primitive that runs a replica's container.

    It needs what runs inside of it needs, of the node that it is on (measured).
    """
    engine = bundle.container
    params = {
        "image": engine.image,
        "allow_pull": "true",
        "force_kill": "false",
        "reuse": "false",
        "run_opts": _options(bundle, number),
        "mount_points": ",".join(_mount_points(bundle, number)),
        "monitor_cmd": "/bin/true",
    }
    command = engine.run_command or (_EXECUTOR if bundle.child is not None else "")
    if command:
        params["run_cmd"] = command
    agent = AgentName("ocf", "heartbeat", engine.technology.value)
    made = _primitive(bundle, remote.container(bundle, number), agent, params)
    needs = () if bundle.child is None else bundle.child.utilization
    return dataclasses.replace(made, utilization=needs)


def ip(bundle: resource.Bundle, number: int) -> resource.Primitive | None:
    """Return the primitive that holds a replica's address, or None."""
    found = address(bundle, number)
    if not found:
        return None
    network = bundle.network
    params = {"ip": found, "cidr_netmask": str(network.host_netmask or _SINGLE_ADDRESS)}
    if network.host_interface:
        params["nic"] = network.host_interface
    agent = AgentName("ocf", "heartbeat", "IPaddr2")
    return _primitive(bundle, f"{bundle.name}-ip-{found}", agent, params)


def connection(bundle: resource.Bundle, number: int) -> resource.Primitive:
    """Return the connection to a replica's guest node."""
    meta = attribute.AttributeSet({"remote-addr": address(bundle, number) or HOST})
    port = attribute.AttributeSet(
        {"remote-port": str(bundle.network.control_port or _CONTROL_PORT)}
    )
    inside = dataclasses.replace(holder(bundle, number), meta=(meta, port, *bundle.meta))
    return remote.guest_connection(inside, remote.replica(bundle, number))


def follows_host(one: resource.Primitive) -> bool:
    """Tell whether a connection leads to whatever node its container is on."""
    return one.agent == remote.CONNECTION and attribute.always(one.params, "addr") == HOST


def inside(bundle: resource.Bundle) -> resource.Clone | None:
    """Return the clone of what runs inside of the replicas, or None."""
    if bundle.child is None:
        return None
    engine = bundle.container
    texts = {
        "clone-max": str(engine.count),
        "clone-node-max": str(engine.replicas_per_host),
        "globally-unique": str(engine.replicas_per_host > 1).lower(),
    }
    if engine.promoted_max > 0:
        texts |= {"promotable": "true", "promoted-max": str(engine.promoted_max)}
    # What people wrote about instances holds; they start one after the other unless told not to.
    ordered = attribute.AttributeSet({"ordered": "true"})
    kind = "master" if engine.promoted_max > 0 else "clone"
    return resource.Clone(
        f"{bundle.name}-{kind}",
        dataclasses.replace(bundle.child, utilization=()),
        meta=(attribute.AttributeSet(texts), *bundle.meta, ordered),
        origin=bundle.origin,
    )


def _primitive(
    bundle: resource.Bundle, name: str, agent: AgentName, params: Mapping[str, str]
) -> resource.Primitive:
    return resource.Primitive(
        name,
        agent,
        params=(attribute.AttributeSet(params),),
        operations=(resource.Operation("monitor", interval_ms=_WATCH_MS),),
        origin=bundle.origin,
    )


def _mounts(bundle: resource.Bundle, number: int) -> list[tuple[str, str, str]]:
    """Return source, target and options of everything that a container sees of its node."""
    name = remote.replica(bundle, number)
    found = [
        (one.source_dir or f"{one.source_dir_root}/{name}", one.target_dir, one.options)
        for one in bundle.storage
    ]
    if bundle.child is not None:
        found += [(_KEY, _KEY, ""), (f"{_LOGS}/{name}", "/var/log", "")]
    return found


def _mount_points(bundle: resource.Bundle, number: int) -> list[str]:
    """Return the directories that are a replica's own."""
    name = remote.replica(bundle, number)
    found = [f"{one.source_dir_root}/{name}" for one in bundle.storage if one.source_dir_root]
    return found + ([f"{_LOGS}/{name}"] if bundle.child is not None else [])


def _ports(bundle: resource.Bundle) -> list[tuple[str, str]]:
    """Return the ports outside and inside that are mapped."""
    found = [
        (one.range, one.range) if one.range else (str(one.port), str(one.internal_port or one.port))
        for one in bundle.network.ports
    ]
    if bundle.child is not None:
        control = str(bundle.network.control_port or _CONTROL_PORT)
        found.append((control, control))
    return found


def _options(bundle: resource.Bundle, number: int) -> str:
    """Return the words of the command line that runs a container."""
    engine, network = bundle.container, bundle.network
    words = _WORDS[engine.technology]
    mark = _OPTION_MARKS.get(engine.technology, ":")
    own = address(bundle, number)
    port = str(network.control_port or _CONTROL_PORT)
    parts = [words.first]
    if own:
        parts.append(words.host_name.format(name=remote.replica(bundle, number)))
    parts.append(words.setting.format(name="PCMK_stderr", value="1"))
    if engine.network:
        parts.append(words.network.format(name=engine.network))
    parts.append(words.setting.format(name="PCMK_remote_port", value=port))
    for index, (source, target, options) in enumerate(_mounts(bundle, number)):
        tail = f"{mark}{options}" if options else ""
        parts.append(words.mount.format(number=index, source=source, target=target, options=tail))
    if own or engine.network != _HOST_NETWORK or words.maps_on_host:
        at = f"{own}:" if own else ""
        parts += [words.port.format(ip=at, outer=o, inner=i) for o, i in _ports(bundle)]
    if engine.options:
        parts.append(f" {engine.options}")
    parts.append(" ")
    if own:
        host = words.host if network.add_host else _HOSTS_ENTRY
        parts += [
            host.format(name=remote.replica(bundle, each), ip=address(bundle, each))
            for each in range(engine.count)
        ]
    return "".join(parts)
