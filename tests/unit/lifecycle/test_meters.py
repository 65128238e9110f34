"""Meters and live intensities in a job's life: the account waits for the last word, and keeps the decision's kind."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from builders import make_job
from coppice.accounting.course import Span
from coppice.accounting.grid import Course, Grid
from coppice.accounting.metered import Metered, PodMeter, Slice
from coppice.accounting.report import recompute
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Component, Grade, IntensityMethod, IntensitySignal
from coppice.app.metered_pods import metered_pods, reserved_times
from coppice.index import Index
from coppice.index.index import KINDS
from coppice.workloads.seen import SeenPod
from loop import FixedIntensity, Loop

MARGINAL = (IntensityMethod.DIRECT, IntensitySignal.MARGINAL)


def probe_job():
    plan = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
    return make_job("newswire-topics").methods("LinearProbe").scratch(epochs=30, **plan).max_attempts(2)


class Meters:
    """Readings that a test sets."""

    def __init__(self) -> None:
        self.readings: Mapping[str, PodMeter] = {}

    def say(self, loop: Loop, joules: str, *, complete: bool) -> None:
        """The same of every pod."""
        start = loop.clock.now() - timedelta(seconds=60)
        only = Slice(start=start, end=loop.clock.now(), joules=Decimal(joules))
        said = Metered(
            component=Component.CPU, grade=Grade.MEASURED, source="kepler", covered_seconds=Decimal(31), slices=(only,)
        )
        self.readings = {pod.uid: PodMeter((said,), complete) for pod in metered_pods(loop.index)}


async def run(meters: Meters | None, intensity: FixedIntensity | None = None) -> tuple[Loop, object]:
    """A loop whose only job has just ended."""
    loop = Loop()
    loop.reconciler._meters = meters
    if intensity is not None:
        loop.reconciler._intensity = intensity
    key = loop.apply(probe_job())
    await loop.turn()
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    return loop, key


async def test_the_account_waits_for_the_meters_last_word_and_takes_it() -> None:
    meters = Meters()
    loop, key = await run(meters)
    await loop.pass_over_all()
    assert loop.conditions(key)["Finished"] == "True"
    assert loop.conditions(key)["Accounted"] != "True"
    meters.say(loop, "1234", complete=False)
    await loop.pass_over_all()
    assert loop.reports() == []
    meters.say(loop, "5678", complete=True)
    await loop.turn()
    assert loop.conditions(key)["Accounted"] == "True"
    parts = {(part.component, part.grade): part.joules for part in loop.job(key).status.totals.parts}
    assert parts[Component.CPU, Grade.MEASURED] == 5678
    assert loop.job(key).status.totals.coverage > 0


async def test_without_a_last_word_the_account_closes_after_a_quarter_of_an_hour_with_what_is_known() -> None:
    loop, key = await run(Meters())
    await loop.pass_over_all()
    assert loop.conditions(key)["Accounted"] != "True"
    loop.clock.advance(900)
    await loop.turn()
    assert loop.conditions(key)["Accounted"] == "True"
    assert loop.job(key).status.totals.coverage == 0


async def test_without_meters_nothing_waits() -> None:
    loop, key = await run(None)
    await loop.turn()
    assert loop.conditions(key)["Accounted"] == "True"


async def test_the_report_holds_what_the_meters_said() -> None:
    meters = Meters()
    loop, _ = await run(meters)
    await loop.pass_over_all()
    meters.say(loop, "5678", complete=True)
    await loop.turn()
    report = TrainingReport.model_validate(loop.reports()[0])
    account = recompute(report)
    assert account.energy_joules.quantize(Decimal("0.001")) == report.spec.totals.energy_joules
    assert account.parts[Component.CPU, Grade.MEASURED] == 5678
    assert metered_pods(loop.index) == [], "a settled job's pods are asked about no more"


async def test_reserved_times_are_those_of_every_pod_that_is_there_also_of_settled_jobs() -> None:
    loop, _ = await run(None)
    await loop.turn()
    (pod,) = loop.index.every_pod()
    assert pod.scheduled_at is not None
    assert pod.ended_at is not None
    assert metered_pods(loop.index) == []
    assert reserved_times(loop.index) == {}, "a pod without accelerators shares none"
    start, end = pod.scheduled_at.timestamp(), pod.ended_at.timestamp()
    assert reserved_times(Every(replace(pod, accelerators=1))) == {f"{pod.namespace}/{pod.name}": (start, end)}
    alive = Every(replace(pod, accelerators=1, phase="Running"))
    assert reserved_times(alive) == {f"{pod.namespace}/{pod.name}": (start, float("inf"))}


class Every(Index):
    """An index of one pod."""

    def __init__(self, pod: SeenPod) -> None:
        self._pod = pod

    def every_pod(self) -> list[SeenPod]:
        return [self._pod]


class Marginal(FixedIntensity):
    """A live source of another kind beside the table, until it is gone."""

    def live(self, loop: Loop, grams: str) -> None:
        start, end = loop.clock.now() - timedelta(hours=2), loop.clock.now() + timedelta(hours=2)
        span = Span(start=start, end=end, grams_per_kilowatt_hour=Decimal(grams))
        course = Course(*MARGINAL, "Watts", (span,), loop.clock.now())
        self.grid = Grid(table=self.value, courses={"DE": (course,)}, kinds=(MARGINAL,))

    def gone(self) -> None:
        self.grid = Grid(table=self.value, kinds=(MARGINAL,), faults={"DE": "Watts did not answer"})


async def settled_with(grid_at_the_end: str) -> str:
    """The intensity's words in the totals of a job that was decided with marginal values."""
    source = Marginal()
    loop = Loop()
    source.live(loop, "700")
    loop.reconciler._intensity = source
    key = loop.apply(probe_job())
    await loop.turn()
    source.live(loop, "650") if grid_at_the_end == "live" else source.gone()
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    totals = loop.job(key).status.totals
    return f"{totals.intensity_grams_per_kilowatt_hour:f} {totals.intensity_source}"


async def test_a_job_is_priced_with_the_intensity_of_its_own_time() -> None:
    words = await settled_with("live")
    assert words.startswith("650")
    assert "DE Direct Marginal" in words
    assert words.endswith("Watts")


async def test_a_kind_that_is_gone_is_not_replaced_by_another() -> None:
    words = await settled_with("gone")
    assert words.startswith("700")
    assert "Direct Marginal" in words
    assert words.endswith("as when it was decided")


async def test_pods_that_only_the_status_remembers_are_asked_about_after_a_restart() -> None:
    loop, key = await run(Meters())
    await loop.pass_over_all()
    (before,) = metered_pods(loop.index)
    for pod in [body for body in loop.cluster.objects.values() if body["kind"] == "Pod"]:
        del loop.cluster.objects["Pod", pod["metadata"]["namespace"], pod["metadata"]["name"]]
    loop.restart()
    loop.reconciler._meters = Meters()
    loop.cluster.feed(loop.index, KINDS)
    (after,) = metered_pods(loop.index)
    assert (after.uid, after.name) == (before.uid, "")
    assert abs(after.start - before.start) < 1
    assert loop.conditions(key)["Accounted"] != "True"
