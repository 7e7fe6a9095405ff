"""Containers as desired: what a bundle runs its replicas in.

Pacemaker Explained, "Bundles (Containerized Resources)".
"""

from __future__ import annotations

import enum

from reconciler.frozen import frozen


class Technology(enum.Enum):
    """The program that runs containers; its word names the agent, too."""

    DOCKER = "docker"
    PODMAN = "podman"
    RKT = "rkt"


@frozen
class Container:
    """How a bundle's containers are made.

    Attributes:
        image: tag of the image, which must exist on every node.
        replicas: how many run at once; None: ``promoted_max`` if that is above 0, else 1.
        replicas_per_host: how many may share a node.
        promoted_max: how many of the instances inside are promoted; above 0: they are promotable.
        network: word for the program's own network switch; empty: its default.
        options: further words of its command line.
        run_command: what runs inside; empty: the remote executor where there is a resource inside.
    """

    technology: Technology
    image: str
    replicas: int | None = None
    replicas_per_host: int = 1
    promoted_max: int = 0
    network: str = ""
    options: str = ""
    run_command: str = ""

    @property
    def count(self) -> int:
        """How many replicas there are."""
        return self.replicas if self.replicas is not None else max(self.promoted_max, 1)


@frozen
class PortMapping:
    """A port of the container that is reached from outside.

    Attributes:
        port: on the container's address; None where ``range`` says it.
        internal_port: inside; None: as outside.
        range: "first-last", mapped one to one.
    """

    port: int | None = None
    internal_port: int | None = None
    range: str = ""
    id: str = ""


@frozen
class Network:
    """How a bundle's containers are reached.

    Attributes:
        ip_range_start: address of the first replica, the others follow; empty: no addresses.
        control_port: of the remote executor inside; None: the usual one.
        host_interface: on which the addresses are; empty: any.
        host_netmask: its length in bits; None: that of a single address.
        add_host: whether the containers know each other's names.
    """

    ip_range_start: str = ""
    control_port: int | None = None
    host_interface: str = ""
    host_netmask: int | None = None
    add_host: bool = True
    ports: tuple[PortMapping, ...] = ()


@frozen
class StorageMapping:
    """A directory or file of the node that a container sees.

    Attributes:
        source_dir: the same for every replica; empty where ``source_dir_root`` is used.
        source_dir_root: each replica gets a directory of its own below.
        target_dir: where the container sees it.
        options: of the file system's mount.
    """

    target_dir: str
    source_dir: str = ""
    source_dir_root: str = ""
    options: str = ""
    id: str = ""


NO_NETWORK = Network()
"""Nothing is said about the network."""
