"""What this process did since it started: decisions, rejections, passes, errors and how fresh its watches are.

These counters start at 0 with every process, which Prometheus understands; accounts never live here.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.registry import Collector

from coppice.api.reasons import DecisionReason, FitReason

RECONCILE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ProcessMetrics:
    """Counters of one process; `now` gives the time, UTC.

    Counters by reason begin at 0 for every reason: the first rise of a series that began with it would be seen by no
    `increase`.
    """

    def __init__(self, registry: CollectorRegistry, now: Callable[[], datetime]) -> None:
        self._now = now
        self._last_event = now()
        self._decisions = Counter(
            "coppice_decisions", "Decisions made by this process, by reason.", ["reason"], registry=registry
        )
        self._rejections = Counter(
            "coppice_fit_rejections", "Candidates rejected by fit checks, by reason.", ["reason"], registry=registry
        )
        self._reconcile = Histogram(
            "coppice_reconcile_seconds",
            "Time of one pass over one object, in seconds.",
            buckets=RECONCILE_BUCKETS,
            registry=registry,
        )
        self._errors = Counter(
            "coppice_errors", "Errors met by this process, by kind of error.", ["kind"], registry=registry
        )
        for reason in DecisionReason:
            self._decisions.labels(reason)
        for why in FitReason:
            self._rejections.labels(why)
        age = Gauge(
            "coppice_last_event_age_seconds",
            "Time since the last watch event or bookmark was seen, in seconds.",
            registry=registry,
        )
        age.set_function(self._last_event_age_seconds)

    def decided(self, reason: str, rejected: Mapping[str, int]) -> None:
        """A decision was written, with so many candidates rejected by reason."""
        self._decisions.labels(reason).inc()
        for why, candidates in rejected.items():
            self._rejections.labels(why).inc(candidates)

    def passed(self, seconds: float) -> None:
        """A pass over one object ended, well or not."""
        self._reconcile.observe(seconds)

    def failed(self, error: BaseException) -> None:
        """An error was met; its class is its kind."""
        self._errors.labels(type(error).__name__).inc()

    def event_seen(self) -> None:
        """A watch brought something."""
        self._last_event = self._now()

    def _last_event_age_seconds(self) -> float:
        return (self._now() - self._last_event).total_seconds()


def registry_with(*collectors: Collector) -> CollectorRegistry:
    """A registry of its own with this process's CPU and memory, without the series that say when a counter began.

    Switching the latter off is global in prometheus_client; nothing else in this process exports metrics.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for collector in collectors:
        registry.register(collector)
    return registry
