"""Where nodes are, so that carbon is priced with the electricity that they use.

Nodes are listed with each resync and one that a pod of ours ran on in between is fetched once; nothing is watched,
since a node's region never changes. Nodes that are gone are remembered, because their pods' accounts close later.
Without the right to read nodes everything else goes on, with the zones that people set.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from sys import intern
from typing import Any

from coppice.accounting.zone import REGION_LABEL, Node, Whereabouts, zone_of
from coppice.adapters.intensity.zones import zone_of_region
from coppice.api.computeprofile import ComputeProfile
from coppice.ports import Cluster, ClusterError, Forbidden

KIND = "Node"
MOST_REMEMBERED = 20_000

log = logging.getLogger(__name__)


class Nodes:
    """Nodes by name, those that are gone included; `own` are zones that the installation gives a value or a name."""

    def __init__(self, cluster: Cluster, default_zone: str, own: Collection[str] = ()) -> None:
        self._cluster = cluster
        self._default_zone = default_zone
        self._own = frozenset(own)
        self._nodes: dict[str, Node] = {}
        self._there: frozenset[str] = frozenset()
        self._forbidden = False
        self._found: tuple[tuple[ComputeProfile, ...], Mapping[str, Whereabouts]] | None = None

    def zone(self, name: str) -> str:
        """The zone that a node says; empty where it says none, or was never seen."""
        node = self._nodes.get(name)
        return node.zone if node else ""

    def labels(self, name: str) -> Mapping[str, str] | None:
        """A node's labels; None where it was never seen, or is not there any more when it was first asked for."""
        node = self._nodes.get(name)
        return node.labels if node and node.labels else None

    def whereabouts(self, profiles: tuple[ComputeProfile, ...]) -> Mapping[str, Whereabouts]:
        """Where each profile's nodes are now, by the profile's name; worked out once until one of them changes."""
        if self._found is None or self._found[0] is not profiles:
            there = [self._nodes[name] for name in sorted(self._there)]
            found = {one.metadata.name: zone_of(one.spec, there, self._default_zone) for one in profiles}
            self._found = profiles, found
        return self._found[1]

    async def know(self, names: Iterable[str]) -> None:
        """Fetch the nodes that were never seen. Raises ClusterError where trying again helps."""
        for name in sorted({name for name in names if name and name not in self._nodes}):
            if self._forbidden:
                return
            try:
                body = await self._cluster.get(KIND, None, name)
            except Forbidden as error:
                self._told(error)
                return
            self._take(name, body)
            if body is not None:
                self._there |= {name}
                self._found = None

    async def read(self) -> None:
        """List every node. Raises ClusterError, but for a right that is missing, which is told once."""
        try:
            bodies, _ = await self._cluster.list(KIND)
        except Forbidden as error:
            self._told(error)
            return
        self._forbidden = False
        self.put_list(bodies)

    def put_list(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Take over a complete LIST of nodes."""
        for body in bodies:
            self._take(body["metadata"]["name"], body)
        self._there = frozenset(body["metadata"]["name"] for body in bodies)
        self._found = None
        for name in [name for name in self._nodes if name not in self._there][:-MOST_REMEMBERED]:
            del self._nodes[name]

    async def keep(self, seconds: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """List them again every so many seconds, for ever."""
        while True:
            await sleep(seconds)
            try:
                await self.read()
            except ClusterError as error:
                log.warning("reading the nodes is put off: %s", error)

    def _take(self, name: str, body: Mapping[str, Any] | None) -> None:
        labels = (body["metadata"].get("labels") or {}) if body else {}
        provider = (body.get("spec") or {}).get("providerID", "") if body else ""
        zone = zone_of_region(labels.get(REGION_LABEL, ""), provider, self._own)
        self._nodes[name] = Node(name, {intern(key): intern(value) for key, value in labels.items()}, zone)

    def _told(self, error: Forbidden) -> None:
        if not self._forbidden:
            log.warning("zones come from profiles and the installation alone, for nodes may not be read: %s", error)
        self._forbidden = True
