"""Whose electricity a ComputeProfile's nodes use: the zone that somebody set, else the one that the nodes say.

A zone that a profile names always wins. Nodes come before the installation's zone, because a label that a cloud sets
on each node is closer to where a job runs than one value for everything; where they say nothing, the installation's
zone holds, and only without one what the cluster's other nodes agree on. What is not known stays empty: the table
then prices it with the world's average, labelled.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coppice.api.computeprofile import ComputeProfile, ComputeProfileSpec

REGION_LABEL = "topology.kubernetes.io/region"


@dataclass(frozen=True)
class Node:
    """A node as prices see it; `zone` is empty where its label says no region, or one that no table knows."""

    name: str
    labels: Mapping[str, str]
    zone: str = ""

    @property
    def region(self) -> str:
        """What its label says."""
        return self.labels.get(REGION_LABEL, "")


@dataclass(frozen=True)
class Whereabouts:
    """A zone, empty where nobody knows one, and in words how it was found; no words where somebody set it."""

    zone: str
    because: str = ""


BY_NODE = "zone by the node's region label"
"""How a zone that a pod's node says is told beside its price."""


def zone_of(profile: ComputeProfileSpec, nodes: Sequence[Node], default_zone: str) -> Whereabouts:
    """Where the nodes of a profile are; nodes of several zones count by their number, the installation's zone first."""
    if profile.zone:
        return Whereabouts(profile.zone)
    matching = [node for node in nodes if profile.node_selector.items() <= node.labels.items()]
    found = Counter(node.zone for node in matching if node.zone)
    if found:
        zone = min(found, key=lambda name: (-found[name], name != default_zone, name))
        return Whereabouts(zone, _said(found[zone], len(matching)))
    strange = min((node.region for node in matching if node.region), default="")
    unknown = f"no table knows the nodes' region {strange}" if strange else ""
    if default_zone:
        return Whereabouts(default_zone, unknown)
    others = {node.zone for node in nodes if node.zone}
    if len(others) == 1 and not matching:
        return Whereabouts(others.pop(), "zone by the cluster's other nodes: the profile has none now")
    return Whereabouts("", unknown)


def zones_of(
    profiles: Iterable[ComputeProfile], default_zone: str, found: Mapping[str, Whereabouts] | None = None
) -> frozenset[str]:
    """Zones whose prices a decision compares: those of the profiles, by name in `found` where they were looked up."""
    found = found or {}
    zones = (profile.spec.zone or _found(profile, default_zone, found).zone for profile in profiles)
    return frozenset(zones) or frozenset({default_zone})


def _found(profile: ComputeProfile, default_zone: str, found: Mapping[str, Whereabouts]) -> Whereabouts:
    return found.get(profile.metadata.name, Whereabouts(default_zone))


def _said(there: int, all_of_them: int) -> str:
    if there == all_of_them:
        return "zone by the nodes' region label"
    return f"zone by the region label of {there} of {all_of_them} nodes"
