"""Kepler's figures of whole nodes, beside which those of pods are read.

A node's own total wraps as the hardware's counter does, and Kepler does not say where; of its active and idle joules
Kepler takes the wraps out (`calculateEnergyDelta` in its internal/monitor/node.go). They are all of the package's, so
their sum is read. A node is known by the label `node_name` that Kepler puts on everything.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from coppice.accounting.idle_first import NodeSample, View, view_of
from coppice.adapters.meters.prometheus import Series

ACTIVE, IDLE = "kepler_node_cpu_active_joules_total", "kepler_node_cpu_idle_joules_total"
ZONES = "package(-[0-9]+)?|dram(-[0-9]+)?"
NODE = "node_name"
NAME = re.compile(r"[A-Za-z0-9._-]+")
OF_A_SERIES = {"__name__", "zone", "path", "state", "pod_id", "pod_name", "pod_namespace"}
"""Labels that tell series of one exporter apart; the others tell exporters and replicas apart."""


@dataclass(frozen=True)
class NodeView:
    """What one exporter, or one replica of a Prometheus, has of one zone of a node."""

    zone: str
    who: Mapping[str, str]
    samples: tuple[NodeSample, ...]
    _views: dict[float, View] = field(default_factory=dict, init=False, repr=False, compare=False)

    def beside(self, labels: Mapping[str, str]) -> bool:
        """Whether a pod's series with these labels may be of the same exporter: names of nodes repeat in clusters."""
        return all(labels.get(name, value) == value for name, value in self.who.items())

    def drawn(self, most_watts: float) -> View:
        """Its intervals; worked out once."""
        if most_watts not in self._views:
            self._views[most_watts] = view_of(self.samples, most_watts)
        return self._views[most_watts]


def selector(nodes: Iterable[str]) -> str:
    """Series of these nodes alone; the zones that count. A dot in a name means any character, which does no harm."""
    names = "|".join(sorted(nodes))
    return f'{{__name__=~"kepler_node_cpu_(active|idle)_joules_total",{NODE}=~"{names}",zone=~"{ZONES}"}}'


def name_of(labels: Mapping[str, str]) -> str:
    """The node of a pod's series; empty where it does not say one that can be asked for."""
    name = labels.get(NODE, "")
    return name if NAME.fullmatch(name) else ""


def views(series: Iterable[Series]) -> dict[str, list[NodeView]]:
    """By node. Kepler shows active and idle joules at once; what is shown of one alone is left out."""
    found: dict[tuple[tuple[str, str], ...], dict[str, dict[float, float]]] = {}
    for item in series:
        key = tuple(sorted((name, value) for name, value in item.labels.items() if name != "__name__"))
        counter = found.setdefault(key, {}).setdefault(item.labels.get("__name__", ""), {})
        counter.update((one.at, one.value) for one in item.samples)
    by_node: dict[str, list[NodeView]] = {}
    for key, counters in sorted(found.items()):
        labels, active, idle = dict(key), counters.get(ACTIVE, {}), counters.get(IDLE, {})
        who = {name: value for name, value in key if name not in OF_A_SERIES}
        samples = tuple(NodeSample(at, active[at], idle[at]) for at in sorted(active.keys() & idle.keys()))
        by_node.setdefault(labels.get(NODE, ""), []).append(NodeView(labels.get("zone", ""), who, samples))
    return by_node
