"""Joules by quarter-hour: carbon intensity changes with the clock, so energy keeps its time.

Slots are aligned to UTC. A sample that spans a boundary is divided by time. Sums are rounded as sums (to 0.1 J) and
slots as their differences, so that no rounding is lost or counted twice.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from coppice.api.result import MAX_SLOTS, SLOT_SECONDS, Energy, EnergySeries, merged_slots
from coppice.api.vocabulary import Component, Grade


@dataclass(frozen=True)
class Sample:
    """Joules of one component between two moments (seconds since the epoch)."""

    component: Component
    grade: Grade
    source: str
    start: float
    end: float
    joules: float


@dataclass
class Slots:
    """Samples summed by series and slot."""

    slot_seconds: int = SLOT_SECONDS
    sums: dict[tuple[Component, Grade, str], dict[int, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )

    def add(self, sample: Sample) -> None:
        """Adds a sample, divided over the slots it spans in proportion to time."""
        series = self.sums[sample.component, sample.grade, sample.source]
        length = sample.end - sample.start
        first, last = int(sample.start // self.slot_seconds), int(sample.end // self.slot_seconds)
        if length <= 0 or first == last:
            series[first] += sample.joules
            return
        for slot in range(first, last + 1):
            overlap = min(sample.end, (slot + 1) * self.slot_seconds) - max(sample.start, slot * self.slot_seconds)
            series[slot] += sample.joules * overlap / length

    def energy(self, covered_seconds: float) -> Energy | None:
        """What was summed, in at most 96 slots; None before the first sample."""
        used = [slot for series in self.sums.values() for slot in series]
        if not used:
            return None
        first, last = min(used), max(used)
        series = tuple(
            EnergySeries.model_construct(
                component=component, grade=grade, source=source, joules=_rounded(sums, first, last)
            )
            for (component, grade, source), sums in self.sums.items()
        )
        whole = Energy.model_construct(
            slots_start=datetime.fromtimestamp(first * self.slot_seconds, tz=UTC),
            slot_seconds=self.slot_seconds,
            covered_seconds=round(covered_seconds),
            series=series,
        )
        return Energy.model_validate(merged_slots(whole, MAX_SLOTS).model_dump())


def _rounded(sums: dict[int, float], first: int, last: int) -> tuple[Decimal, ...]:
    total, before, values = 0.0, Decimal(0), []
    for slot in range(first, last + 1):
        total += sums.get(slot, 0.0)
        after = Decimal(round(total * 10)) / 10
        values.append(after - before)
        before = after
    return tuple(values)
