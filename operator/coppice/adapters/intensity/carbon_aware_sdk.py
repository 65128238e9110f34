"""The Green Software Foundation's carbon-aware-sdk as a web service of yours, in front of any of its sources.

Sent: the location and times. It does not say what its values are (its sources differ), so the installation does:
method and signal are given with its address. Values are gCO2e per kilowatt-hour.
"""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from coppice.accounting.course import Span
from coppice.accounting.grid import Kind
from coppice.adapters.intensity.provider import Window, grams, items, moment, spans_of, stamp
from coppice.adapters.secret_files import authority
from coppice.adapters.web import Denied, Unknown, Unreachable, Unusable, Web


class CarbonAwareSdk:
    """Observed emissions by location, and the current forecast."""

    label = "carbon-aware-sdk"

    def __init__(
        self, web: Web, kind: Kind, *, url: str, forecast: bool = True, credentials: Path | None = None
    ) -> None:
        self._web = web
        self._url = url.rstrip("/")
        self._forecast = forecast
        self._authority = authority(credentials)
        self.kind = kind

    def place(self, zone: str) -> str | None:
        """The location is the zone as it stands, without a provider's prefix."""
        return zone.rsplit("/", maxsplit=1)[-1] or None

    async def read(self, place: str, window: Window) -> list[Span]:
        """Emissions of the window, then the forecast where the service's source has one."""
        query = {"location": place, "time": stamp(window.start), "toTime": stamp(window.now)}
        observed = items({"data": await self._ask("emissions/bylocation", query)}, "data")
        spans = spans_of(self._points(observed, "time", "rating"), _length(observed))
        return [*spans, *await self._forecasts(place)] if self._forecast else spans

    async def _forecasts(self, place: str) -> list[Span]:
        try:
            answer = await self._ask("emissions/forecasts/current", {"location": place})
        except (Denied, Unknown, Unreachable):
            return []  # a source without forecasts answers 501
        first: dict[str, Any] = next(iter(items({"data": answer}, "data")), {"forecastData": []})
        expected = items(first, "forecastData")
        return spans_of(self._points(expected, "timestamp", "value"), _length(expected), forecast=True)

    async def _ask(self, what: str, query: dict[str, str]) -> Any:
        return await self._web.ask(f"{self._url}/{what}", query, authority=self._authority)

    def _points(self, points: list[dict[str, Any]], time: str, value: str) -> list[Any]:
        return [
            (moment(point.get(time)), grams(point[value], self.kind[1]))
            for point in points
            if point.get(value) is not None
        ]


def _length(points: list[dict[str, Any]]) -> timedelta | None:
    """How long a point lasts: `01:00:00` in observations, minutes in forecasts; None where it is not said."""
    said = points[0].get("duration") if points else None
    if isinstance(said, int | float) and not isinstance(said, bool):
        length = timedelta(minutes=said)
    elif isinstance(said, str):
        try:
            hours, minutes, seconds = (Decimal(part) for part in said.split(":"))
            length = timedelta(seconds=float(hours * 3600 + minutes * 60 + seconds))
        except (ValueError, ArithmeticError) as error:
            raise Unusable from error
    else:
        return None
    return length if timedelta(0) < length <= timedelta(days=1) else None
