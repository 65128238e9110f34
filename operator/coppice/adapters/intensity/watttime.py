"""WattTime v3: what the next kilowatt-hour emits at the stack (`co2_moer`), every 5 minutes; an account of yours.

Sent: the region, the signal, times, and user name and password to log in for a token that holds 30 minutes. Values
come in pounds a megawatt-hour, 453.59237 / 1000 grams a kilowatt-hour each.
"""

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from coppice.accounting.course import Span
from coppice.accounting.grid import Kind
from coppice.adapters.intensity.provider import Window, grams, items, moment, spans_of, stamp
from coppice.adapters.intensity.zones import watttime_region
from coppice.adapters.secret_files import secret
from coppice.adapters.web import Denied, Unknown, Unusable, Web
from coppice.api.vocabulary import IntensityMethod, IntensitySignal

URL = "https://api.watttime.org"
GRAMS_PER_KILOWATT_HOUR = Decimal("453.59237") / 1000
"""Of one pound a megawatt-hour: the international pound is 453.59237 g."""

UNITS = "lbs_co2_per_mwh"
MOST_HORIZON_HOURS = 72
LONGEST_HISTORY = timedelta(days=30)
SIGNALS = {"co2_moer": IntensitySignal.MARGINAL, "co2_aoer": IntensitySignal.AVERAGE}


class WattTime:
    """Marginal operating emissions, or average ones with the signal `co2_aoer`."""

    label = "WattTime"

    def __init__(
        self,
        web: Web,
        credentials: Path | None,
        *,
        url: str = URL,
        signal: Literal["co2_moer", "co2_aoer"] = "co2_moer",
        forecast: bool = True,
    ) -> None:
        self._web = web
        self._credentials = credentials
        self._url = url.rstrip("/")
        self._signal = signal
        self._forecast = forecast
        self._token = ""
        self._logging_in = asyncio.Lock()

    @property
    def kind(self) -> Kind:
        """What leaves the stack, of the marginal or the average kilowatt-hour."""
        return IntensityMethod.DIRECT, SIGNALS[self._signal]

    def place(self, zone: str) -> str | None:
        """The region."""
        return watttime_region(zone) or None

    async def read(self, place: str, window: Window) -> list[Span]:
        """Values of the window and the forecast, if the plan has one."""
        start = max(window.start, window.now - LONGEST_HISTORY)
        times = {"start": stamp(start), "end": stamp(window.now)}
        spans = self._spans(await self._ask("historical", place, times), place)
        return [*spans, *await self._forecasts(place, window)] if self._forecast else spans

    async def _forecasts(self, place: str, window: Window) -> list[Span]:
        hours = min(max(round((window.end - window.now).total_seconds() / 3600), 1), MOST_HORIZON_HOURS)
        try:
            answer = await self._ask("forecast", place, {"horizon_hours": str(hours)})
        except (Denied, Unknown):
            return []
        return self._spans(answer, place, forecast=True)

    async def _ask(self, what: str, place: str, query: dict[str, str]) -> Any:
        query = {"region": place, "signal_type": self._signal, **query}
        token, fresh = await self._token_unlike("")
        try:
            return await self._with_token(token, what, query)
        except Denied:
            if fresh:
                raise
        token, _ = await self._token_unlike(token)
        return await self._with_token(token, what, query)

    async def _with_token(self, token: str, what: str, query: dict[str, str]) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return await self._web.ask(f"{self._url}/v3/{what}", query, headers=headers)

    async def _token_unlike(self, refused: str) -> tuple[str, bool]:
        """A token that was not refused yet, and whether it was asked for just now."""
        async with self._logging_in:
            fresh = self._token in {"", refused}
            if fresh:
                self._token = await self._log_in()
            return self._token, fresh

    async def _log_in(self) -> str:
        login = secret(self._credentials, "username"), secret(self._credentials, "password")
        answer = await self._web.ask(f"{self._url}/login", basic=login)
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise Unusable
        return token

    def _spans(self, answer: Any, place: str, *, forecast: bool = False) -> list[Span]:
        points = items(answer, "data")
        meta = answer.get("meta")
        if not isinstance(meta, dict) or meta.get("units") != UNITS or meta.get("region", place) != place:
            raise Unusable
        seconds = meta.get("data_point_period_seconds", 300)
        if not isinstance(seconds, int) or not 0 < seconds <= 86400:
            raise Unusable
        read = [
            (moment(point.get("point_time")), grams(point["value"], self.kind[1], GRAMS_PER_KILOWATT_HOUR))
            for point in points
            if point.get("value") is not None
        ]
        return spans_of(read, timedelta(seconds=seconds), forecast=forecast)
