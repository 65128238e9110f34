"""Any PromQL expression as a source: an exporter of your utility's, a recording rule, your own solar roof.

Sent, to your own Prometheus: the expression, with `$zone` replaced by the zone. It must give one series in gCO2e per
kilowatt-hour; what method and signal that is, the installation says. Prometheus's own staleness applies.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from coppice.accounting.course import Span
from coppice.accounting.grid import Kind
from coppice.adapters.intensity.provider import Window, grams, spans_of
from coppice.adapters.secret_files import authority, bearer
from coppice.adapters.web import Unknown, Unusable, Web

STEP = timedelta(minutes=5)
ZONE = "$zone"
PLAIN = re.compile(r"[A-Za-z0-9_./-]{1,64}")
"""Zones that may stand in an expression: nothing in them ends a string."""


class PromQl:
    """One expression, evaluated every 5 minutes of the window."""

    label = "PromQL"

    def __init__(self, web: Web, kind: Kind, *, url: str, expression: str, credentials: Path | None = None) -> None:
        self._web = web
        self._url = url.rstrip("/")
        self._expression = expression
        self._credentials = credentials
        self.kind = kind

    def place(self, zone: str) -> str | None:
        """The zone itself, where an expression can hold it."""
        return zone if ZONE in self._expression and PLAIN.fullmatch(zone) else None

    async def read(self, place: str, window: Window) -> list[Span]:
        """The window so far; an expression knows no future."""
        answer = await self._web.ask(
            f"{self._url}/api/v1/query_range",
            form={
                "query": self._expression.replace(ZONE, place),
                "start": str(int(window.start.timestamp())),
                "end": str(int(window.now.timestamp())),
                "step": str(int(STEP.total_seconds())),
            },
            headers=bearer(self._credentials),
            authority=authority(self._credentials),
        )
        return spans_of(self._points(_one_series(answer)), STEP)

    def _points(self, values: list[Any]) -> list[Any]:
        points = []
        for time, text in values:
            if not math.isfinite(float(text)):
                continue
            points.append((datetime.fromtimestamp(float(time), UTC), grams(text, self.kind[1])))
        return points


def _one_series(answer: Any) -> list[Any]:
    """Samples of the only series. Raises Unknown for none, Unusable for several: which one holds, nobody says."""
    data = answer.get("data") if isinstance(answer, dict) and answer.get("status") == "success" else None
    result = data.get("result") if isinstance(data, dict) and data.get("resultType") == "matrix" else None
    if not isinstance(result, list):
        raise Unusable
    if not result:
        raise Unknown
    values = result[0].get("values") if len(result) == 1 and isinstance(result[0], dict) else None
    if not isinstance(values, list) or not all(isinstance(item, list) and len(item) == 2 for item in values):
        raise Unusable
    return values
