"""Builders of what accounts are made from: pods, what they say of themselves, and intensities."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from coppice.accounting.use import PodUse
from coppice.api.base import Interval
from coppice.api.decision import CounterfactualRecord, EstimateRecord, Intensity
from coppice.api.result import EarlierPod, Energy, EnergySeries, Outcome, Result
from coppice.api.vocabulary import Basis, Component, Grade, IntensityMethod, IntensitySignal

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GIB = 2**30


def at(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def make_pod(uid: str = "pod-1", seconds: float = 3600, *, start: float = 0, **fields: Any) -> PodUse:
    """A pod of two cores and 4 GiB that was reserved for so many seconds from noon on."""
    values: dict[str, Any] = {"cpu_request": Decimal(2), "memory_request_bytes": 4 * GIB, **fields}
    return PodUse(uid=uid, start=at(start), end=at(start + seconds), **values)


def make_result(uid: str = "pod-1", **fields: Any) -> Result:
    """A completed result of attempt 1."""
    return Result.model_validate({"attempt": 1, "pod_uid": uid, "outcome": Outcome.COMPLETED, **fields})


def make_earlier(uid: str, **fields: Any) -> EarlierPod:
    """What a checkpointed pod left on the volume."""
    return EarlierPod.model_validate({"pod_uid": uid, "outcome": Outcome.CHECKPOINTED, **fields})


def make_energy(
    component: Component, grade: Grade, joules: Sequence[float], *, covered: int = 0, slot_seconds: int = 900
) -> Energy:
    """One series of slots from noon on."""
    series = EnergySeries(component=component, grade=grade, joules=tuple(Decimal(str(value)) for value in joules))
    return Energy(slots_start=NOON, slot_seconds=slot_seconds, covered_seconds=covered, series=(series,))


def make_intensity(grams: str = "400", zone: str = "DE", method: str = "LifeCycle") -> Intensity:
    """A life-cycle average unless said otherwise."""
    return Intensity(
        zone=zone,
        grams_per_kilowatt_hour=Decimal(grams),
        method=IntensityMethod(method),
        signal=IntensitySignal.AVERAGE,
        period="2023",
        source="a test",
    )


def interval(low: str, mid: str, high: str) -> Interval:
    """Three bounds."""
    return Interval(low=Decimal(low), mid=Decimal(mid), high=Decimal(high))


def make_counterfactual(basis: Basis = Basis.DECLARED) -> CounterfactualRecord:
    """A counterfactual of 60, 100 and 180 gCO2e."""
    one, carbon = interval("1", "1", "1"), interval("60", "100", "180")
    estimate = EstimateRecord(
        flops=one, memory_bytes=one, run_seconds=one, energy_watt_hours=one, operational_grams=one,
        embodied_grams=one, carbon_grams=carbon, expected=Decimal(110),
    )  # fmt: skip
    return CounterfactualRecord(basis=basis, estimate=estimate)
