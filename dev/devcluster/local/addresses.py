"""The addresses of one local cluster, chosen so that several fit on one machine.

The host and the node share a /30 (a veth pair); Pods live in a range that only the node knows. Both come from the
cluster's index, which `up` picks as the first whose /30 no interface of the host uses.
"""

from __future__ import annotations

from dataclasses import dataclass

from devcluster.errors import DevClusterError

INDEXES = range(1, 250)


@dataclass(frozen=True)
class Addresses:
    """All addresses that follow from a cluster's index."""

    index: int

    @property
    def host(self) -> str:
        """The host's end of the veth pair."""
        return f"10.213.{self.index}.1"

    @property
    def node(self) -> str:
        """The node's end: the API server, Prometheus and the kubelet listen here."""
        return f"10.213.{self.index}.2"

    @property
    def interface(self) -> str:
        """The name of the host's end (at most 15 characters, IFNAMSIZ)."""
        return f"coppice-dev{self.index}"

    @property
    def pods(self) -> str:
        """The range that Pods take their addresses from."""
        return f"10.214.{self.index}.0/24"


def free_addresses(used: set[str]) -> Addresses:
    """The first index whose host address is not among `used` (all IPv4 addresses of the host)."""
    for index in INDEXES:
        addresses = Addresses(index)
        if addresses.host not in used:
            return addresses
    raise DevClusterError("All local cluster networks (10.213.1.0/30 and on) are in use; take a cluster down first.")
