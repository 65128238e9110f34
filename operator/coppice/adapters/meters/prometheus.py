"""Raw samples from a Prometheus: an instant query with a range selector, an hour at a time.

Raw samples, not `increase()`, because the boundaries of a pod and the resets of a counter are handled here, once, for
every source; and because Prometheus would extrapolate.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coppice.accounting.samples import Sample
from coppice.adapters.secret_files import authority, bearer
from coppice.adapters.web import Unusable, Web

CHUNK_SECONDS = 3600


@dataclass(frozen=True)
class Series:
    """One time series: labels and samples in order of time."""

    labels: Mapping[str, str]
    samples: tuple[Sample, ...]


class Prometheus:
    """The HTTP API of one Prometheus, or of what speaks like it (Thanos, Mimir, VictoriaMetrics)."""

    def __init__(self, web: Web, url: str, credentials: Path | None = None) -> None:
        self._web = web
        self._url = url.rstrip("/")
        self._credentials = credentials

    async def samples(self, selector: str, start: float, end: float) -> list[Series]:
        """Every sample of a selector from `start` to `end` (seconds since 1970). Raises WebError."""
        found: dict[frozenset[tuple[str, str]], list[Sample]] = {}
        last = start
        while last < end:
            until = min(last + CHUNK_SECONDS, end)
            seconds = max(math.ceil(until - last), 1)
            for series in await self._query(f"{selector}[{seconds}s]", until):
                found.setdefault(frozenset(series.labels.items()), []).extend(series.samples)
            last = until
        return [Series(dict(labels), tuple(samples)) for labels, samples in found.items()]

    async def _query(self, query: str, at: float) -> list[Series]:
        answer = await self._web.ask(
            f"{self._url}/api/v1/query",
            form={"query": query, "time": f"{at:.3f}"},
            headers=bearer(self._credentials),
            authority=authority(self._credentials),
        )
        data = answer.get("data") if isinstance(answer, dict) and answer.get("status") == "success" else None
        result = data.get("result") if isinstance(data, dict) and data.get("resultType") == "matrix" else None
        if not isinstance(result, list):
            raise Unusable
        return [_series(item) for item in result]


def _series(item: Any) -> Series:
    try:
        labels = {str(name): str(value) for name, value in item["metric"].items()}
        pairs = ((float(at), float(value)) for at, value in item["values"])
        return Series(labels, tuple(Sample(at, value) for at, value in pairs if math.isfinite(value)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unusable from error
