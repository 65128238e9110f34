"""Live intensities, kept fresh beside the loop: a chain of sources, asked in turn, and a snapshot that never waits.

A round asks the first source for every zone that is due; the next source is asked only where that did not give all
compared zones values of one kind. A failed question is put off longer each time, or as long as the service wishes,
and its reason stands beside the fall-back that is used meanwhile. What was read is kept for a week, so that a job's
hours can be priced after it ended; after a restart it is asked for again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from coppice.accounting.course import Span, joined
from coppice.accounting.grid import Course, Grid, compared
from coppice.adapters.intensity.provider import Provider, Window
from coppice.adapters.intensity.static import StaticIntensity
from coppice.adapters.web import Denied, Throttled, Unusable, WebError
from coppice.ports import Clock

KEPT = timedelta(days=7)
AHEAD = timedelta(hours=24)
RESTATED = timedelta(hours=3)
"""How far back each round asks again, because services correct their last hours."""

FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(minutes=30)
TICK_SECONDS = 15.0
AT_ONCE = 4
"""Questions to one source at the same time; WattTime allows ten a second."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Link:
    """One source of the chain, and what some zones are called there where the shipped table says otherwise."""

    provider: Provider
    places: Mapping[str, str] = field(default_factory=dict)

    def place(self, zone: str) -> str | None:
        """What the source calls a zone, or None."""
        return self.places.get(zone) or (self.provider.place(zone) if zone else None)


@dataclass
class Standing:
    """How one source stands with one zone."""

    spans: tuple[Span, ...] = ()
    read_at: datetime | None = None
    due: datetime | None = None
    failures: int = 0
    fault: str = ""


class LiveIntensity:
    """The chain, and the latest snapshot of what it said."""

    def __init__(
        self,
        static: StaticIntensity,
        chain: Sequence[Link],
        clock: Clock,
        *,
        refresh: timedelta = timedelta(minutes=5),
        stale_after: timedelta = timedelta(hours=2),
        kept: timedelta = KEPT,
    ) -> None:
        """`refresh` is the time between two questions for a zone; `kept` how far back values are asked for and held."""
        self._chain = tuple(chain)
        self._clock = clock
        self._refresh = refresh
        self._kept = kept
        self._standings: dict[tuple[int, str], Standing] = {}
        self._held: dict[int, datetime] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        kinds = tuple(dict.fromkeys(link.provider.kind for link in chain))
        self._empty = replace(static.grid, kinds=kinds, stale_after=stale_after)
        self.grid = self._empty

    async def keep(
        self, zones: Callable[[], Iterable[str]], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Refresh for ever; `zones` are those of the profiles now."""
        while True:
            try:
                await self.round(zones())
            except Exception:
                # Prices go on from the last snapshot; a fault here must not end the operator.
                log.exception("a round of carbon intensities failed")
            await sleep(TICK_SECONDS)

    async def round(self, zones: Iterable[str]) -> None:
        """Ask what is due, source by source until one kind is known for every zone, and renew the snapshot."""
        zones = tuple(sorted(set(zones)))
        self.grid = self._snapshot(zones)
        for number, link in enumerate(self._chain):
            await asyncio.gather(*(self._ask(number, link, zone) for zone in zones))
            self.grid = self._snapshot(zones)
            if compared(self.grid, zones, self._clock.now()):
                return

    async def _ask(self, number: int, link: Link, zone: str) -> None:
        async with self._turns:
            await self._ask_now(number, link, zone)

    async def _ask_now(self, number: int, link: Link, zone: str) -> None:
        now = self._clock.now()
        standing = self._standings.setdefault((number, zone), Standing())
        place = link.place(zone)
        if place is None:
            standing.fault = f"{link.provider.label} has no name for the zone"
            return
        held = self._held.get(number)
        if (standing.due and now < standing.due) or (held and now < held):
            standing.fault = standing.fault or (self._hold_reason(number) if held and now < held else "")
            return
        try:
            spans = await self._read(link.provider, place, standing, now)
        except WebError as error:
            self._failed(number, link, standing, error)
            return
        standing.spans = _since(now - self._kept, joined((*standing.spans, *spans)))
        standing.read_at, standing.due = now, now + self._refresh
        standing.failures, standing.fault = 0, "" if spans else f"{link.provider.label} has no value"

    async def _read(self, provider: Provider, place: str, standing: Standing, now: datetime) -> list[Span]:
        start = now - self._kept
        if standing.read_at is not None:
            start = max(start, standing.read_at - RESTATED)
        try:
            return await provider.read(place, Window(start, now, now + AHEAD))
        except WebError:
            raise
        except Exception as error:
            # An answer of a shape that no reader expects must not end the round for the others.
            log.exception("%s: the answer for %s cannot be read", provider.label, place)
            raise Unusable from error

    def _failed(self, number: int, link: Link, standing: Standing, error: WebError) -> None:
        now = self._clock.now()
        wait = min(FIRST_DELAY * 2 ** min(standing.failures, 10), LONGEST_DELAY)
        if isinstance(error, Throttled) and error.retry_after_seconds is not None:
            wait = timedelta(seconds=error.retry_after_seconds)
        standing.failures += 1
        standing.due = now + wait
        told, standing.fault = standing.fault, f"{link.provider.label} {error}"
        if isinstance(error, Throttled | Denied):
            self._held[number] = now + wait  # the other zones would get the same answer
        if told != standing.fault:
            log.warning("carbon intensity: %s; asked again in %.0f s", standing.fault, wait.total_seconds())

    def _hold_reason(self, number: int) -> str:
        faults = (item.fault for (other, _), item in self._standings.items() if other == number and item.failures)
        return next(iter(faults), "")

    def _snapshot(self, zones: Sequence[str]) -> Grid:
        courses: dict[str, tuple[Course, ...]] = {}
        faults: dict[str, str] = {}
        known = {zone for _, zone in self._standings} | set(zones)
        for zone in known:
            standings = [(link, self._standings.get((n, zone))) for n, link in enumerate(self._chain)]
            courses[zone] = tuple(
                _course(link.provider, item) for link, item in standings if item and item.spans and item.read_at
            )
            said = [self._fault(link.provider, item) for link, item in standings if item]
            faults[zone] = ", ".join(reason for reason in said if reason)
        return replace(self._empty, courses=courses, faults={zone: text for zone, text in faults.items() if text})

    def _fault(self, provider: Provider, standing: Standing) -> str:
        if standing.fault:
            return standing.fault
        ends = [span.end for span in standing.spans]
        stale = not ends or self._clock.now() - max(ends) > self._empty.stale_after
        return f"{provider.label} has no recent value" if stale and standing.read_at else ""


def _course(provider: Provider, standing: Standing) -> Course:
    assert standing.read_at is not None
    method, signal = provider.kind
    return Course(method, signal, provider.label, standing.spans, standing.read_at)


def _since(start: datetime, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    return tuple(span for span in spans if span.end > start)
