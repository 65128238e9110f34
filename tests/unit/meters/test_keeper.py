"""Rounds: new samples added, the last word read anew, failures harmless, a new process no different from an old one."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from aiohttp import web as server
from aiohttp.test_utils import TestServer

from builders import make_profile
from coppice.adapters.meters.keeper import ClusterMeters
from coppice.adapters.meters.pods import LAST_WORD_SECONDS, MeteredPod
from coppice.adapters.meters.prometheus import Prometheus, Series
from coppice.adapters.web import Denied, Unreachable, Unusable, Web, WebError
from exporters import T0, Gpu, dcgm, kepler
from fake_cluster import FakeClock
from kepler_node import Node

GPU_NODE = make_profile("h100").accelerator().build().spec
START, END = 610, 1190


class Memory(Prometheus):
    """A Prometheus in memory that holds what was scraped until now, unless samples come late or it fails."""

    def __init__(self, clock: FakeClock, series: Callable[[], Sequence[Series]]) -> None:
        self._clock = clock
        self._all = series
        self.error: WebError | None = None
        self.asked: list[tuple[str, float, float]] = []

    async def samples(self, selector: str, start: float, end: float) -> list[Series]:
        self.asked.append((selector, start, end))
        if self.error is not None:
            raise self.error
        wanted = next(name for name in ("kepler_pod", "kepler_node", "DCGM") if name in selector)
        cut = (
            Series(item.labels, tuple(one for one in item.samples if start < one.at <= end))
            for item in self._all()
            if item.labels["__name__"].startswith(wanted)
        )
        return [item for item in cut if item.samples]


def pod(end: int | None = END) -> MeteredPod:
    until = None if end is None else T0 + end
    return MeteredPod("uid-1", "research", "topics-0a1b2-1-0", T0 + START, until, 1, GPU_NODE)


def scraped(first: int = 0, last: int = 3600) -> list[Series]:
    seconds = range(first, last, 15)
    gpu = Gpu("GPU-1", 300, [("research", "topics-0a1b2-1-0", START, END)])
    return [*dcgm([gpu], seconds), *kepler("uid-1", 4.0, START, END, seconds)]


class Stand:
    def __init__(self, series: Callable[[], Sequence[Series]] = scraped) -> None:
        self.clock = FakeClock()
        self.prometheus = Memory(self.clock, series)
        self.meters = ClusterMeters(self.prometheus, self.clock)

    async def at(self, second: float, *pods: MeteredPod) -> None:
        """A round at a second of the fleet's time."""
        self.clock.moment = datetime.fromtimestamp(T0 + second, UTC)
        await self.meters.round(pods)

    @property
    def joules(self) -> list[Decimal]:
        return [item.joules for item in self.meters.readings["uid-1"].metered]


async def test_a_running_pod_grows_and_an_ended_one_gets_its_last_word() -> None:
    stand = Stand()
    await stand.at(700, pod(None))
    early = stand.joules
    await stand.at(1000, pod(None))
    assert stand.joules[0] > early[0]
    assert not stand.meters.readings["uid-1"].complete
    await stand.at(END + 30, pod())
    assert not stand.meters.readings["uid-1"].complete
    await stand.at(END + LAST_WORD_SECONDS, pod())
    assert stand.meters.readings["uid-1"].complete
    assert stand.joules == [300 * 580, 4 * 580, Decimal("0.4") * 580]


async def test_a_round_asks_only_for_what_is_new() -> None:
    stand = Stand()
    await stand.at(1000, pod(None))
    first = len(stand.prometheus.asked)
    await stand.at(1030, pod(None))
    assert [start for _, start, _ in stand.prometheus.asked[first:]] == [T0 + 910] * 3


async def test_a_long_running_pod_is_shown_from_fewer_samples_without_losing_a_joule() -> None:
    gpu = Gpu("GPU-1", 300, [("research", "topics-0a1b2-1-0", START, 99_999)], reset_at=1_000)
    stand = Stand(lambda: dcgm([gpu], range(0, 9000, 15)))
    for second in (700, 4000, 8000):
        await stand.at(second, pod(None))
    (joules,) = stand.joules
    assert float(joules) == pytest.approx(300 * (7995 - START))


async def test_a_sharer_that_is_settled_already_is_known_though_no_scrape_saw_it_go() -> None:
    seconds = [second for second in range(0, 3600, 15) if not 700 < second < 1000]
    held = [("research", "topics-0a1b2-1-0", START, END), ("research", "settled", START, 910)]
    stand = Stand(lambda: dcgm([Gpu("GPU-1", 300, held)], seconds))
    stand.clock.moment = datetime.fromtimestamp(T0 + END + 100, UTC)
    await stand.meters.round([pod()], {"research/settled": (T0 + START, T0 + 910)})
    assert float(stand.joules[0]) == pytest.approx(300 * (END - START) - 150 * (910 - START))


async def test_one_round_asks_once_for_all_pods() -> None:
    stand = Stand()
    many = [MeteredPod(f"uid-{n}", "research", f"p-{n}", T0 + START, None, 1, GPU_NODE) for n in range(150)]
    await stand.at(1000, *many)
    assert len(stand.prometheus.asked) == 3
    assert 'node_name=~"node-1"' in stand.prometheus.asked[-1][0]


async def test_a_new_process_reads_the_same_as_one_that_watched() -> None:
    old, new = Stand(), Stand()
    for second in (700, 900, 1100, END + 30):
        await old.at(second, pod(None if second < END else END))
    await old.at(END + 100, pod())
    await new.at(END + 3000, pod())
    assert old.joules == new.joules


async def test_samples_that_come_late_count_in_the_last_word() -> None:
    late = False

    def series() -> list[Series]:
        return scraped() if late else []

    stand = Stand(series)
    await stand.at(1000, pod(None))
    assert stand.meters.readings["uid-1"].metered == ()
    late = True
    await stand.at(END + 100, pod())
    assert stand.joules[0] == 300 * 580


@pytest.mark.parametrize("error", [Unreachable(), Denied(), Unusable()])
async def test_a_failure_keeps_what_is_known_and_is_told_once(
    error: WebError, caplog: pytest.LogCaptureFixture
) -> None:
    stand = Stand()
    await stand.at(1000, pod(None))
    before = stand.meters.readings
    stand.prometheus.error = error
    await stand.at(END + 100, pod())
    await stand.at(END + 130, pod())
    assert stand.meters.readings == before
    assert caplog.text.count(f"Prometheus {error}") == 1
    stand.prometheus.error = None
    await stand.at(END + 160, pod())
    assert stand.meters.readings["uid-1"].complete


async def test_a_pod_without_any_series_is_complete_with_nothing_after_its_end() -> None:
    stand = Stand(list)
    await stand.at(END + 100, pod())
    reading = stand.meters.readings["uid-1"]
    assert (reading.metered, reading.complete) == ((), True)


async def test_pods_of_settled_jobs_are_forgotten_and_nothing_is_asked_for_nobody() -> None:
    stand = Stand()
    await stand.at(END + 100, pod())
    asked = len(stand.prometheus.asked)
    await stand.at(END + 130, pod())
    assert len(stand.prometheus.asked) == asked, "a last word is final"
    await stand.at(END + 160)
    assert stand.meters.readings == {}


LENGTH, NIGHT_SECONDS = 9000, 1200
CPU_NODE = make_profile().host(idleWatts="100", peakWatts="260").build().spec


def a_day(every: int = 15) -> list[Series]:
    """A node whose system works by day: at 30 W by night, 50 W by day, and 40 W more while each of two pods works."""
    spans = {"early": (600, 7000), "late": (4000, 7000)}
    used = {uid: [1.0 if start <= at < end else 0.0 for at in range(LENGTH)] for uid, (start, end) in spans.items()}
    by_day = [20.0 if at >= NIGHT_SECONDS else 0.0 for at in range(LENGTH)]
    working = zip(by_day, *used.values(), strict=True)
    used["system"] = [0.1] * LENGTH
    node = Node(30, [base + 40 * sum(pods) for base, *pods in working], used, spans)
    return node.scraped(range(0, LENGTH, every))


def of_the_day(uid: str, start: int, end: int | None = 7000) -> MeteredPod:
    return MeteredPod(uid, "research", uid, T0 + start, None if end is None else T0 + end, 0, CPU_NODE)


async def test_a_node_that_is_read_for_longer_because_of_another_pod_rests_at_the_same_power() -> None:
    """Else a new process, which reads other pods beside it, would get other figures."""
    early, late = of_the_day("early", 600), of_the_day("late", 4000)
    together, alone = Stand(a_day), Stand(a_day)
    await together.at(7100, early, late)
    await alone.at(8000, late)
    assert together.meters.readings["late"].metered == alone.meters.readings["late"].metered
    (cpu,) = alone.meters.readings["late"].metered
    assert cpu.source == "kepler, idle first"
    assert float(cpu.joules) == pytest.approx((130 - 50) * 3000 / 2.1, rel=0.001)


async def test_a_running_pods_share_of_what_lies_above_rest_survives_that_older_samples_are_thinned() -> None:
    stand, fresh = Stand(a_day), Stand(a_day)
    for second in range(4100, 6900, 300):
        await stand.at(second, of_the_day("late", 4000, None), of_the_day("early", 600, None))
    await fresh.at(6800, of_the_day("late", 4000, None))
    (shown,), (read,) = stand.meters.readings["late"].metered, fresh.meters.readings["late"].metered
    assert (shown.source, float(shown.joules)) == (read.source, pytest.approx(float(read.joules), rel=0.001))


async def test_nodes_are_not_asked_for_where_no_pod_says_its_node() -> None:
    stand = Stand(lambda: [Series({**one.labels, "node_name": ""}, one.samples) for one in a_day()])
    await stand.at(8000, of_the_day("late", 4000))
    assert [selector for selector, _, _ in stand.prometheus.asked if "kepler_node" in selector] == []
    assert [one.source for one in stand.meters.readings["late"].metered] == ["kepler"]


async def test_prometheus_is_asked_for_raw_samples_an_hour_at_a_time() -> None:
    """The server stands in for Prometheus's HTTP API, /api/v1/query with a range selector."""
    asked: list[dict[str, str]] = []

    async def answer(request: server.Request) -> server.Response:
        asked.append({key: str(value) for key, value in (await request.post()).items()})
        at = float(asked[-1]["time"])
        result = [{"metric": {"__name__": "x", "UUID": "GPU-1"}, "values": [[at - 1, "5"], [at, "NaN"]]}]
        return server.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})

    app = server.Application()
    app.router.add_post("/api/v1/query", answer)
    async with TestServer(app) as running, Web() as web:
        prometheus = Prometheus(web, str(running.make_url("/")))
        (series,) = await prometheus.samples("x", T0, T0 + 5400)
    assert [(one["query"], float(one["time"])) for one in asked] == [("x[3600s]", T0 + 3600), ("x[1800s]", T0 + 5400)]
    assert [sample.value for sample in series.samples] == [5, 5]


@pytest.mark.parametrize(
    "body",
    ['{"status": "error"}', '{"status": "success", "data": {"resultType": "vector", "result": []}}', "<html>",
     '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1]]}]}}'],
)  # fmt: skip
async def test_an_answer_of_another_shape_is_unusable(body: str) -> None:
    async def said(_: server.Request) -> server.Response:
        return server.Response(text=body, content_type="application/json")

    app = server.Application()
    app.router.add_post("/api/v1/query", said)
    async with TestServer(app) as running, Web() as web:
        with pytest.raises(Unusable):
            await Prometheus(web, str(running.make_url("/"))).samples("x", T0, T0 + 60)


async def _said(body: str) -> server.Response:
    return server.Response(text=body, content_type="application/json")
