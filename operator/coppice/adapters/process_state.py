"""Gauges of how this process stands: whether it leads, and what waits in its queue."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge


class ProcessState:
    """Asked at every scrape, so nothing has to be kept up to date."""

    def __init__(
        self,
        registry: CollectorRegistry,
        leads: Callable[[], bool],
        waiting: Callable[[], int],
        working: Callable[[], int],
    ) -> None:
        leader = Gauge("coppice_leader", "1 while this process leads, else 0.", registry=registry)
        leader.set_function(leads)
        keys = Gauge("coppice_work_queue_keys", "Objects in the work queue, by state.", ["state"], registry=registry)
        keys.labels("waiting").set_function(waiting)
        keys.labels("working").set_function(working)
