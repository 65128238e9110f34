"""The National Energy System Operator's Carbon Intensity API: Great Britain by half-hour, without an account.

Sent: times, and the number of a region where one is asked for. Values are direct averages: its factors count what
burns in the plant. `actual` is null until the half-hour is settled, and regions have none ever: then the forecast is
used, and labelled. Data CC BY 4.0.
"""

from datetime import timedelta
from typing import Any

from coppice.accounting.course import Span
from coppice.accounting.grid import Kind
from coppice.adapters.intensity.provider import Window, grams, items, moment, stamp
from coppice.adapters.intensity.zones import country
from coppice.adapters.web import Unusable, Web
from coppice.api.vocabulary import IntensityMethod, IntensitySignal

URL = "https://api.carbonintensity.org.uk"
NATION = "GB"
LONGEST = timedelta(days=13)
"""The API refuses ranges of 14 days and more."""


class Neso:
    """Great Britain, or one of its 17 regions: a place is `GB` or a region's number."""

    label = "UK NESO"
    kind: Kind = (IntensityMethod.DIRECT, IntensitySignal.AVERAGE)

    def __init__(self, web: Web, *, url: str = URL) -> None:
        self._web = web
        self._url = url.rstrip("/")

    def place(self, zone: str) -> str | None:
        """`GB` for everything in Great Britain."""
        return NATION if country(zone) in {"GB", "UK"} else None

    async def read(self, place: str, window: Window) -> list[Span]:
        """The window, half-hour by half-hour."""
        start = max(window.start, window.end - LONGEST)
        times = f"{stamp(start)}/{stamp(window.end)}"
        if place == NATION:
            return _spans(items(await self._web.ask(f"{self._url}/intensity/{times}"), "data"))
        answer = await self._web.ask(f"{self._url}/regional/intensity/{times}/regionid/{place}")
        return _spans(items(_region(answer, place), "data"))


def _region(answer: Any, place: str) -> Any:
    """The region's part of an answer, which is an object or a list of one."""
    data = answer.get("data") if isinstance(answer, dict) else None
    data = data[0] if isinstance(data, list) and data else data
    if not isinstance(data, dict) or str(data.get("regionid")) != place:
        raise Unusable
    return data


def _spans(points: list[dict[str, Any]]) -> list[Span]:
    spans = []
    for point in points:
        intensity = point.get("intensity")
        if not isinstance(intensity, dict):
            raise Unusable
        actual = intensity.get("actual")
        value = intensity.get("forecast") if actual is None else actual
        if value is None:
            continue
        spans.append(
            Span(
                start=moment(point.get("from")),
                end=moment(point.get("to")),
                grams_per_kilowatt_hour=grams(value, IntensitySignal.AVERAGE),
                forecast=actual is None,
            )
        )
    return spans
