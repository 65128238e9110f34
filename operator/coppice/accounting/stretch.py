"""A stretch: joules of one component and grade, spread evenly over some time.

The whole account is a list of these. Because every joule stands in exactly one stretch, components partition the
energy by construction, and sums by component, by grade and by slot are sums over the same list.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from coppice.accounting.units import joules
from coppice.api.vocabulary import Component, Grade

Label = tuple[Component, Grade]


@dataclass(frozen=True)
class Stretch:
    """Energy in joules of one component at even power from `start` to `end` (UTC)."""

    component: Component
    grade: Grade
    joules: Decimal
    start: datetime
    end: datetime

    @property
    def label(self) -> Label:
        """What the energy is summed by."""
        return self.component, self.grade


def by_label(stretches: Iterable[Stretch]) -> dict[Label, Decimal]:
    """Joules by component and grade; labels without energy are left out."""
    sums: dict[Label, Decimal] = {}
    for stretch in stretches:
        if stretch.joules:
            sums[stretch.label] = sums.get(stretch.label, Decimal(0)) + stretch.joules
    return sums


def facility_overhead(stretches: Iterable[Stretch], pue: Decimal) -> list[Stretch]:
    """What the facility adds: (PUE - 1) x each stretch, at the same time.

    A metered or counted joule times the PUE is a factor's work, hence Modelled; of an estimate it is Estimated.
    Raises ValueError where a stretch is overhead already, because PUE is applied once.
    """
    return [_overhead(stretch, pue) for stretch in stretches if stretch.joules and pue > 1]


def _overhead(stretch: Stretch, pue: Decimal) -> Stretch:
    if stretch.component is Component.FACILITY_OVERHEAD:
        raise ValueError("facility overhead is not subject to PUE again")
    grade = Grade.ESTIMATED if stretch.grade is Grade.ESTIMATED else Grade.MODELLED
    amount = joules(stretch.joules * (pue - 1))
    return Stretch(Component.FACILITY_OVERHEAD, grade, amount, stretch.start, stretch.end)
