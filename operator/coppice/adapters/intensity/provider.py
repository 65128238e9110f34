"""What every live source of carbon intensity does: answer for one place and one window of time, or say why not."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, Protocol

from coppice.accounting.course import Span
from coppice.accounting.grid import Kind
from coppice.adapters.web import Unusable
from coppice.api.vocabulary import IntensitySignal

MOST_GRAMS = Decimal(5000)
"""No grid emits more: the dirtiest generator, oil with poor efficiency, stays below 2,000 g/kWh."""


@dataclass(frozen=True)
class Window:
    """Which time is asked for: values from `start`, forecasts to `end`; `now` divides them."""

    start: datetime
    now: datetime
    end: datetime


class Provider(Protocol):
    """One service. `label` names it in metrics and reports, `kind` says what its values may be compared with."""

    @property
    def label(self) -> str:
        """A short name that never changes."""
        ...

    @property
    def kind(self) -> Kind:
        """Method and signal of every value."""
        ...

    def place(self, zone: str) -> str | None:
        """What the service calls a zone; None where it has no name for it, so that nothing is asked."""
        ...

    async def read(self, place: str, window: Window) -> list[Span]:
        """Spans in the order in which they were said. Raises coppice.adapters.web.WebError."""
        ...


def grams(value: Any, signal: IntensitySignal, factor: Decimal = Decimal(1)) -> Decimal:
    """A number of an answer in gCO2e/kWh. Raises Unusable for what none can be.

    An average of 0 is refused: no grid has it, and a service that fails may say it. A marginal one may be 0, where
    the next kilowatt-hour would be curtailed otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unusable
    try:
        number = Decimal(str(value)) * factor
    except InvalidOperation as error:
        raise Unusable from error
    least = Decimal("0.1") if signal is IntensitySignal.AVERAGE else Decimal(0)
    if not number.is_finite() or not least <= number <= MOST_GRAMS:
        raise Unusable
    return number.quantize(Decimal("0.000001"))


def moment(text: Any) -> datetime:
    """A time of an answer, UTC; without a zone it is UTC. Raises Unusable."""
    if not isinstance(text, str):
        raise Unusable
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unusable from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def items(answer: Any, *path: str) -> list[dict[str, Any]]:
    """The list of objects at a path of an answer. Raises Unusable where there is none."""
    for key in path:
        answer = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise Unusable
    return answer


def spans_of(
    points: Iterable[tuple[datetime, Decimal]], length: timedelta | None = None, *, forecast: bool = False
) -> list[Span]:
    """Points as spans: each lasts `length`, or without one to the next point, the last one as long as the shortest."""
    ordered = sorted(dict(points).items())
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(ordered)]
    each = length or min(gaps, default=timedelta(hours=1))
    return [
        Span(start=start, end=start + each, grams_per_kilowatt_hour=value, forecast=forecast)
        for start, value in ordered
    ]


def stamp(at: datetime) -> str:
    """A time as every one of these services takes it: `2026-03-01T12:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
