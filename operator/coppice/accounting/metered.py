"""What a meter outside the pod says of one component: joules by slot, over which time, of which grade and source.

It is a part of the pod's use, so it travels in the report and the account can be computed again from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pydantic import Field

from coppice.accounting.samples import Segment
from coppice.accounting.stretch import Stretch
from coppice.accounting.units import joules as whole
from coppice.api.base import DecimalString, Model
from coppice.api.result import MAX_SLOTS, SLOT_SECONDS
from coppice.api.vocabulary import Component, Grade

MICROSECONDS = Decimal("0.000001")


class Slice(Model):
    """Joules between two moments, which are those of the samples in it, not the slot's."""

    start: datetime
    end: datetime
    joules: DecimalString


class Metered(Model):
    """One component of one pod. `covered_seconds` is the time that samples reach; the rest is a gap."""

    component: Component
    grade: Grade
    source: str = Field(max_length=64)
    covered_seconds: DecimalString
    slices: tuple[Slice, ...] = Field(default=(), max_length=MAX_SLOTS + 1)

    @property
    def joules(self) -> Decimal:
        """Their sum."""
        return sum((item.joules for item in self.slices), Decimal(0))

    def stretches(self) -> list[Stretch]:
        """The energy as the account sums it."""
        return [
            Stretch(self.component, self.grade, item.joules, item.start, item.end)
            for item in self.slices
            if item.joules
        ]


@dataclass(frozen=True)
class PodMeter:
    """What meters said of one pod. `complete`: it has ended, and what comes later changes nothing."""

    metered: tuple[Metered, ...] = ()
    complete: bool = False


def metered(component: Component, grade: Grade, source: str, segments: Iterable[Segment]) -> Metered | None:
    """Segments, which do not overlap, as at most 96 slots of time; None without any."""
    ordered = sorted(segments, key=lambda segment: segment.start)
    if not ordered:
        return None
    seconds = SLOT_SECONDS
    while ordered[-1].end // seconds - ordered[0].start // seconds >= MAX_SLOTS:
        seconds *= 2
    by_slot: dict[int, list[Segment]] = {}
    for segment in ordered:
        for number, part in _cut(segment, seconds):
            by_slot.setdefault(number, []).append(part)
    covered = Decimal(sum(segment.seconds for segment in ordered)).quantize(MICROSECONDS)
    slices = tuple(_slice(parts) for _, parts in sorted(by_slot.items()))
    return Metered(component=component, grade=grade, source=source, covered_seconds=covered, slices=slices)


def coarse(item: Metered, at_most: int) -> Metered:
    """The same with neighbouring slots joined until so many are left; no joule is lost."""
    slices = list(item.slices)
    while len(slices) > max(at_most, 1):
        slices = [_joined(slices[number : number + 2]) for number in range(0, len(slices), 2)]
    return item.model_copy(update={"slices": tuple(slices)})


def _joined(slices: list[Slice]) -> Slice:
    total = sum((item.joules for item in slices), Decimal(0))
    return Slice(start=slices[0].start, end=slices[-1].end, joules=total)


def _cut(segment: Segment, seconds: int) -> list[tuple[int, Segment]]:
    parts, begin = [], segment.start
    while begin < segment.end:
        number = int(begin // seconds)
        end = min(float((number + 1) * seconds), segment.end)
        parts.append((number, Segment(begin, end, segment.joules * (end - begin) / segment.seconds)))
        begin = end
    return parts


def _slice(parts: list[Segment]) -> Slice:
    total = whole(Decimal(sum(part.joules for part in parts)))
    return Slice(start=_moment(parts[0].start), end=_moment(parts[-1].end), joules=total)


def _moment(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
