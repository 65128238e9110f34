"""Electricity Maps: consumption-based averages by zone and hour, life cycle or direct; a token of yours.

Sent: the zone, the emission factors wanted, and the token, as the header `auth-token`. A plan without forecasts
answers 401 or 403 to them alone; that is no failure of the rest.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

from coppice.accounting.course import Span
from coppice.accounting.grid import Kind
from coppice.adapters.intensity.provider import Window, grams, items, moment, spans_of
from coppice.adapters.intensity.zones import grid_zone
from coppice.adapters.secret_files import secret
from coppice.adapters.web import Denied, Unknown, Unusable, Web
from coppice.api.vocabulary import IntensityMethod, IntensitySignal

URL = "https://api.electricitymaps.com/v3"
FACTORS = {IntensityMethod.LIFE_CYCLE: "lifecycle", IntensityMethod.DIRECT: "direct"}
HOUR = timedelta(hours=1)


class ElectricityMaps:
    """Averages; `forecast` also asks for what is to come."""

    label = "Electricity Maps"

    def __init__(
        self,
        web: Web,
        credentials: Path | None,
        *,
        url: str = URL,
        method: IntensityMethod = IntensityMethod.LIFE_CYCLE,
        forecast: bool = False,
    ) -> None:
        self._web = web
        self._credentials = credentials
        self._url = url.rstrip("/")
        self._method = method
        self._forecast = forecast

    @property
    def kind(self) -> Kind:
        """Averages of the method that was chosen."""
        return self._method, IntensitySignal.AVERAGE

    def place(self, zone: str) -> str | None:
        """The grid zone."""
        return grid_zone(zone) or None

    async def read(self, place: str, window: Window) -> list[Span]:
        """The last 24 hours by hour, the current one and, where asked for, the forecast."""
        history = await self._ask("history", place)
        latest = await self._ask("latest", place)
        spans = self._spans(items(history, "history"), place)
        spans += self._spans([latest], place)
        if self._forecast:
            spans += await self._forecasts(place)
        return spans

    async def _forecasts(self, place: str) -> list[Span]:
        try:
            answer = await self._ask("forecast", place)
        except (Denied, Unknown):
            return []
        points = items(answer, "forecast")
        return spans_of(self._points(points), HOUR, forecast=True)

    async def _ask(self, what: str, place: str) -> Any:
        answer = await self._web.ask(
            f"{self._url}/carbon-intensity/{what}",
            {"zone": place, "emissionFactorType": FACTORS[self._method]},
            headers={"auth-token": secret(self._credentials, "token")},
        )
        if not isinstance(answer, dict) or answer.get("zone", place) != place:
            raise Unusable
        return answer

    def _spans(self, points: list[dict[str, Any]], place: str) -> list[Span]:
        wanted = FACTORS[self._method]
        for point in points:
            if point.get("zone", place) != place or point.get("emissionFactorType", wanted) != wanted:
                raise Unusable
        return spans_of(self._points(points), HOUR)

    def _points(self, points: list[dict[str, Any]]) -> list[Any]:
        return [
            (moment(point.get("datetime")), grams(point["carbonIntensity"], IntensitySignal.AVERAGE))
            for point in points
            if point.get("carbonIntensity") is not None
        ]
