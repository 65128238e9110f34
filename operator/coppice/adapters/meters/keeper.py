"""Meters of the cluster, read beside the loop: one round asks for every pod of every unsettled job at once.

While a pod runs, rounds add what is new to what was read. Ninety seconds after it ended its whole time is read once
more, so that what arrived late counts, and so that a new process gets the same figures as the old one would have: the
last word comes from Prometheus alone, never from this process's memory. Until then a job's account waits, at most its
fifteen minutes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from coppice.accounting.metered import Metered, PodMeter
from coppice.accounting.presence import Span
from coppice.accounting.samples import Sample
from coppice.adapters.meters import dcgm, kepler, kepler_node
from coppice.adapters.meters.pods import LAST_WORD_SECONDS, MARGIN_SECONDS, MeteredPod
from coppice.adapters.meters.prometheus import Prometheus, Series
from coppice.adapters.web import Unknown, WebError
from coppice.ports import Clock

ROUND_SECONDS, LONGEST_ROUND_SECONDS = 30.0, 300.0
SHARE = 0.05
"""Most of the time that reading may take, as long as accounts still close within their fifteen minutes."""

OVERLAP_SECONDS = 90.0
"""What each round reads again, for samples that came late."""

THIN_SECONDS, THIN_AFTER_SECONDS = 60.0, 900.0

NAMES_A_QUERY = 200

Labels = frozenset[tuple[str, str]]

log = logging.getLogger(__name__)


class Store:
    """Samples of one selector from some time on; a round adds what is new.

    `thinned` keeps one sample a minute of what is older than a quarter of an hour: enough to show a running pod, and a
    quarter of the work. It is the first of each minute of the clock, so that what was scraped at once stays together.
    Last words are computed from every sample.
    """

    def __init__(self, *, thinned: bool = False) -> None:
        self._thinned = thinned
        self._samples: dict[Labels, dict[float, float]] = {}
        self._span: tuple[float, float] | None = None

    def missing(self, start: float, now: float) -> float:
        """From when on samples must be read so that everything since `start` is there."""
        if self._span is None or start < self._span[0]:
            return start
        return min(max(self._span[1] - OVERLAP_SECONDS, start), now)

    def add(self, series: Iterable[Series], start: float, now: float, keep_from: float) -> None:
        """Take what was read from `start` to `now`, and forget what nobody needs any more."""
        for item in series:
            known = self._samples.setdefault(frozenset(item.labels.items()), {})
            known.update((sample.at, sample.value) for sample in item.samples)
        begin = start if self._span is None else min(self._span[0], start)
        self._span = max(begin, keep_from), now
        thin_until = now - THIN_AFTER_SECONDS if self._thinned else keep_from
        kept = {key: _kept(known, keep_from, thin_until) for key, known in self._items()}
        self._samples = {key: known for key, known in kept.items() if known}

    def labels(self) -> list[Mapping[str, str]]:
        """Of every series."""
        return [dict(labels) for labels, _ in self._items()]

    def series(self) -> list[Series]:
        """Everything, in order of time."""
        return [
            Series(dict(labels), tuple(Sample(at, known[at]) for at in sorted(known)))
            for labels, known in self._items()
        ]

    def _items(self) -> list[tuple[Labels, dict[float, float]]]:
        return list(self._samples.items())


@dataclass
class Stores:
    """What was read of accelerators, of pods' processors and of the nodes that these are on."""

    accelerators: Store = field(default_factory=Store)
    processors: Store = field(default_factory=Store)
    nodes: Store = field(default_factory=Store)


def _kept(known: Mapping[float, float], keep_from: float, thin_until: float) -> dict[float, float]:
    kept: dict[float, float] = {}
    last = float("-inf")
    for at in sorted(known):
        if at >= keep_from and (at >= thin_until or at // THIN_SECONDS > last):
            kept[at] = known[at]
            last = at // THIN_SECONDS
    return kept


class ClusterMeters:
    """DCGM and Kepler through one Prometheus; `readings` is the latest snapshot by pod uid."""

    def __init__(self, prometheus: Prometheus, clock: Clock) -> None:
        self._prometheus = prometheus
        self._clock = clock
        self._stores = Stores(Store(thinned=True), Store(thinned=True), Store(thinned=True))
        self._told = ""
        self.readings: Mapping[str, PodMeter] = {}

    async def keep(
        self,
        pods: Callable[[], Sequence[MeteredPod]],
        sharers: Callable[[], Mapping[str, Span]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Read for ever; `pods` are those of unsettled jobs now, `sharers` the reserved times of all pods known."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self.round(pods(), sharers())
            await sleep(min(max(ROUND_SECONDS, (loop.time() - began) / SHARE), LONGEST_ROUND_SECONDS))

    async def round(self, pods: Sequence[MeteredPod], sharers: Mapping[str, Span] | None = None) -> None:
        """Read what is new of every pod, and the last word on those that ended; a failure changes nothing.

        `sharers` are reserved times, by namespace/name, of pods that may be on the same device, settled ones included.
        """
        now = self._clock.now().timestamp()
        open_ = [pod for pod in pods if pod.uid not in self.readings or not self.readings[pod.uid].complete]
        ended = [pod for pod in open_ if pod.end is not None and now >= pod.end + LAST_WORD_SECONDS]
        running = [pod for pod in open_ if pod not in ended]
        reserved = {**(sharers or {}), **{pod.full_name: (pod.start, pod.until(now)) for pod in pods}}
        self.readings = {pod.uid: self.readings[pod.uid] for pod in pods if pod.uid in self.readings}
        try:
            for group, stores in ((ended, Stores()), (running, self._stores)):
                found = await self._read(group, reserved, now, stores) if group else {}
                self.readings = {**self.readings, **_meters(found, complete=group is ended)}
        except WebError as error:
            words = "refused the query" if isinstance(error, Unknown) else str(error)
            self._tell(f"meters: Prometheus {words}; accounts wait for it up to 15 minutes, then estimate")
        except Exception:
            # An answer of a shape that no reader expects must not end the operator.
            log.exception("meters: an answer of Prometheus cannot be read")
        else:
            self._tell("")

    async def _read(
        self, pods: Sequence[MeteredPod], reserved: Mapping[str, Span], now: float, stores: "Stores"
    ) -> dict[str, tuple[Metered, ...]]:
        since = min(pod.start for pod in pods) - MARGIN_SECONDS
        with_accelerators = [pod for pod in pods if pod.accelerators]
        if with_accelerators:
            begin = min(pod.start for pod in with_accelerators) - MARGIN_SECONDS
            await self._refresh(stores.accelerators, [dcgm.SELECTOR], begin, now)
        uids = {pod.uid for pod in pods}
        await self._refresh(stores.processors, [kepler.selector(some) for some in _chunks(uids)], since, now)
        nodes = {kepler_node.name_of(one) for one in stores.processors.labels() if one.get("pod_id") in uids} - {""}
        if nodes:
            await self._refresh(stores.nodes, [kepler_node.selector(some) for some in _chunks(nodes)], since, now)
        # In a thread, because hundreds of thousands of samples take seconds, and the Lease must be renewed meanwhile.
        return await asyncio.to_thread(_computed, pods, reserved, stores, now)

    async def _refresh(self, store: Store, selectors: Sequence[str], since: float, now: float) -> None:
        start = store.missing(since, now)
        series = [item for selector in selectors for item in await self._prometheus.samples(selector, start, now)]
        store.add(series, start, now, since)

    def _tell(self, sentence: str) -> None:
        if sentence and sentence != self._told:
            log.warning("%s", sentence)
        self._told = sentence


def _computed(
    pods: Sequence[MeteredPod], reserved: Mapping[str, Span], stores: Stores, now: float
) -> dict[str, tuple[Metered, ...]]:
    devices = dcgm.devices(stores.accelerators.series(), reserved)
    by_pod: dict[str, list[Series]] = {}
    for item in stores.processors.series():
        by_pod.setdefault(item.labels.get("pod_id", ""), []).append(item)
    nodes = kepler_node.views(stores.nodes.series())
    found = {}
    for pod in pods:
        own = by_pod.get(pod.uid, [])
        beside = [view for name in {kepler_node.name_of(item.labels) for item in own} for view in nodes.get(name, [])]
        accelerator = dcgm.accelerator(pod, devices, now)
        found[pod.uid] = (*((accelerator,) if accelerator else ()), *kepler.readings(pod, own, now, beside))
    return found


def _chunks(names: Iterable[str]) -> list[list[str]]:
    ordered = sorted(names)
    return [ordered[number : number + NAMES_A_QUERY] for number in range(0, len(ordered), NAMES_A_QUERY)]


def _meters(found: Mapping[str, tuple[Metered, ...]], *, complete: bool) -> dict[str, PodMeter]:
    return {uid: PodMeter(item, complete) for uid, item in found.items()}
