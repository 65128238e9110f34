"""Operational carbon: energy by slot of time, each times the grid's intensity in that slot.

The sum over slots is kept, not energy times a mean, because intensity and power both change with the clock
(SCI 1.1, ISO/IEC 21031:2024: O = E x I). Slots are aligned to UTC; their length doubles until at most 96 are left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from coppice.accounting.course import EPOCH, Span, mean, within
from coppice.accounting.stretch import Stretch
from coppice.accounting.units import JOULES_PER_KILOWATT_HOUR, divided, grams
from coppice.api.decision import Intensity
from coppice.api.result import MAX_SLOTS, SLOT_SECONDS

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Slot:
    """Facility energy in joules and its operational carbon in gCO2e, from `start` for so many seconds."""

    start: datetime
    seconds: int
    joules: Decimal
    grams: Decimal

    @property
    def grams_per_kilowatt_hour(self) -> Decimal:
        """Energy-weighted intensity of the slot."""
        return self.grams * JOULES_PER_KILOWATT_HOUR / self.joules if self.joules else Decimal(0)


def operational_grams(energy_joules: Decimal, grams_per_kilowatt_hour: Decimal) -> Decimal:
    """Carbon in gCO2e of an energy at one intensity."""
    return grams(energy_joules * grams_per_kilowatt_hour / JOULES_PER_KILOWATT_HOUR)


def slots_of(stretches: Sequence[Stretch], intensity: Intensity, course: tuple[Span, ...] = ()) -> tuple[Slot, ...]:
    """The energy of all stretches by slot; their joules sum to the stretches' exactly.

    Each slot is priced with the mean of the course in it, and with `intensity` where nothing is known of it.
    """
    if not stretches:
        return ()
    start, end = min(item.start for item in stretches), max(item.end for item in stretches)
    seconds = SLOT_SECONDS
    while _number(end, seconds) - _number(start, seconds) >= MAX_SLOTS:
        seconds *= 2
    sums: dict[int, Decimal] = {}
    for stretch in stretches:
        for number, part in _parts(stretch, seconds):
            sums[number] = sums.get(number, Decimal(0)) + part
    return tuple(
        Slot(start, seconds, sums[number], operational_grams(sums[number], _price(start, seconds, intensity, course)))
        for number in sorted(sums)
        if sums[number]
        for start in (_start(number, seconds),)
    )


def merged(slots: Iterable[Slot], at_most: int = MAX_SLOTS) -> tuple[Slot, ...]:
    """Slots of several accounts together, in at most so many; joules and grams keep their sums."""
    slots = tuple(slots)
    seconds = max((slot.seconds for slot in slots), default=SLOT_SECONDS)
    while len({_number(slot.start, seconds) for slot in slots}) > at_most:
        seconds *= 2
    sums: dict[int, tuple[Decimal, Decimal]] = {}
    for slot in slots:
        number = _number(slot.start, seconds)
        energy, carbon = sums.get(number, (Decimal(0), Decimal(0)))
        sums[number] = energy + slot.joules, carbon + slot.grams
    return tuple(Slot(_start(number, seconds), seconds, *sums[number]) for number in sorted(sums))


def _price(start: datetime, seconds: int, intensity: Intensity, course: tuple[Span, ...]) -> Decimal:
    known = mean(within(course, start, start + timedelta(seconds=seconds))) if course else None
    return intensity.grams_per_kilowatt_hour if known is None else known


def _number(moment: datetime, seconds: int) -> int:
    return (moment - EPOCH) // timedelta(seconds=seconds)


def _start(number: int, seconds: int) -> datetime:
    return EPOCH + timedelta(seconds=number * seconds)


def _parts(stretch: Stretch, seconds: int) -> list[tuple[int, Decimal]]:
    first, last = _number(stretch.start, seconds), _number(stretch.end, seconds)
    if first >= last:
        return [(first, stretch.joules)]
    numbers = range(first, last + 1)
    bounds = [stretch.start, *(_start(number, seconds) for number in numbers[1:]), stretch.end]
    lengths = [Decimal((end - begin) // _MICROSECOND) for begin, end in pairwise(bounds)]
    return list(zip(numbers, divided(stretch.joules, lengths), strict=True))
