"""The chain: who is asked when, what is used meanwhile, and that one comparison never mixes kinds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from coppice.accounting.course import Span
from coppice.accounting.grid import Kind
from coppice.adapters.intensity.live import Link, LiveIntensity
from coppice.adapters.intensity.provider import Window
from coppice.adapters.intensity.static import StaticIntensity
from coppice.adapters.web import Denied, Throttled, Unreachable
from coppice.api.decision import Intensity
from coppice.api.vocabulary import IntensityMethod, IntensitySignal
from fake_cluster import FakeClock

LIFE_CYCLE: Kind = (IntensityMethod.LIFE_CYCLE, IntensitySignal.AVERAGE)
MARGINAL: Kind = (IntensityMethod.DIRECT, IntensitySignal.MARGINAL)
HALF_HOUR = timedelta(minutes=30)


@dataclass
class Source:
    """A source in memory: half-hours of one value by zone, or an error."""

    label: str
    kind: Kind
    grams: Mapping[str, int]
    error: Exception | None = None
    stopped: timedelta = timedelta(0)
    asked: list[str] = field(default_factory=list)

    def place(self, zone: str) -> str | None:
        return zone if zone in self.grams else None

    async def read(self, place: str, window: Window) -> list[Span]:
        self.asked.append(place)
        if self.error is not None:
            raise self.error
        last = window.now.replace(minute=0) - self.stopped
        starts = [last - number * HALF_HOUR for number in range(48)]
        value = Decimal(self.grams[place])
        return [Span(start=start, end=start + HALF_HOUR, grams_per_kilowatt_hour=value) for start in reversed(starts)]


class Chain:
    """A chain over a clock that stands still."""

    def __init__(self, *sources: Source, own: Mapping[str, Any] | None = None) -> None:
        self.clock = FakeClock()
        self.live = LiveIntensity(StaticIntensity(own), [Link(source) for source in sources], self.clock)

    async def prices(self, *zones: str) -> list[Intensity]:
        """Prices that a decision over these zones sees after a round."""
        await self.live.round(zones)
        price = self.live.grid.prices(self.clock.now(), zones)
        return [price(zone) for zone in zones]


def maps(**fields: Any) -> Source:
    return Source("Maps", LIFE_CYCLE, {"DE": 300, "SE": 30}, **fields)


def watts(**fields: Any) -> Source:
    return Source("Watts", MARGINAL, {"DE": 700, "SE": 500}, **fields)


def kinds(prices: Iterable[Intensity]) -> set[Kind]:
    return {(price.method, price.signal) for price in prices}


async def test_the_first_source_that_answers_for_every_zone_is_used_and_the_next_is_not_asked() -> None:
    first, second = watts(), maps()
    prices = await Chain(first, second).prices("DE", "SE")
    assert [(price.grams_per_kilowatt_hour, price.source) for price in prices] == [(700, "Watts"), (500, "Watts")]
    assert (first.asked, second.asked) == (["DE", "SE"], [])


async def test_a_zone_that_only_the_second_source_knows_moves_every_zone_to_its_kind() -> None:
    first = Source("Watts", MARGINAL, {"DE": 700})
    prices = await Chain(first, maps()).prices("DE", "SE")
    assert [(price.grams_per_kilowatt_hour, price.source) for price in prices] == [(300, "Maps"), (30, "Maps")]


async def test_where_no_kind_reaches_every_zone_all_get_the_tables() -> None:
    first = Source("Watts", MARGINAL, {"DE": 700})
    prices = await Chain(first).prices("DE", "SE")
    assert kinds(prices) == {LIFE_CYCLE}
    assert "not every zone has a live value of one kind" in prices[0].source
    assert "Watts has no name for the zone" in prices[1].source


async def test_a_table_value_of_the_same_kind_stands_beside_a_live_one() -> None:
    first = Source("Maps", LIFE_CYCLE, {"DE": 300})
    germany, sweden = await Chain(first).prices("DE", "SE")
    assert germany.source == "Maps"
    assert "Our World in Data" in sweden.source
    assert sweden.source.endswith("a fall-back: Maps has no name for the zone")
    assert kinds((germany, sweden)) == {LIFE_CYCLE}


async def test_own_values_of_another_kind_are_not_mixed_with_the_table() -> None:
    own = {"gramsPerKilowattHour": "3", "method": "Direct", "signal": "Average", "period": "2024", "source": "ours"}
    prices = await Chain(own={"SE": own}).prices("DE", "SE")
    assert kinds(prices) == {LIFE_CYCLE}
    assert "the value set for it is Direct Average, which other zones lack" in prices[1].source
    (alone,) = await Chain(own={"SE": own}).prices("SE")
    assert (alone.grams_per_kilowatt_hour, alone.source) == (3, "ours")


async def test_what_was_read_serves_until_it_is_stale_and_then_the_next_source_does() -> None:
    first, second = watts(), maps()
    chain = Chain(first, second)
    await chain.prices("DE")
    first.error = Unreachable()
    chain.clock.advance(7200)
    (cached,) = await chain.prices("DE")
    assert (cached.source, cached.as_of) == ("Watts", chain.clock.now() - timedelta(hours=2))
    chain.clock.advance(1801)
    (later,) = await chain.prices("DE")
    assert (later.source, second.asked) == ("Maps", ["DE"])
    second.error = Unreachable()
    chain.clock.advance(9001)
    (none,) = await chain.prices("DE")
    assert none.source.endswith("a fall-back: Watts did not answer, Maps did not answer")
    first.error = None
    chain.clock.advance(1800)
    assert [price.source for price in await chain.prices("DE")] == ["Watts"]


async def test_a_source_whose_values_stop_is_stale_though_it_answers() -> None:
    (price,) = await Chain(watts(stopped=timedelta(hours=9))).prices("DE")
    assert price.source.endswith("a fall-back: Watts has no recent value")


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(Unreachable(), [30, 60, 120, 240]), (Throttled(), [30, 60, 120, 240]), (Throttled(900), [900, 900])],
)
async def test_a_failed_question_is_put_off_longer_each_time_or_as_the_service_wishes(
    error: Exception, seconds: list[int]
) -> None:
    source = watts(error=error)
    chain = Chain(source)
    await chain.prices("DE")
    for number, wait in enumerate(seconds, start=1):
        chain.clock.advance(wait - 1)
        await chain.prices("DE")
        assert len(source.asked) == number, "asked too early"
        chain.clock.advance(1)
        await chain.prices("DE")
        assert len(source.asked) == number + 1


async def test_the_longest_wait_is_half_an_hour() -> None:
    source = watts(error=Unreachable())
    chain = Chain(source)
    for number in range(12):
        await chain.prices("DE")
        assert len(source.asked) == number + 1
        chain.clock.advance(1800)


@pytest.mark.parametrize("error", [Throttled(600), Denied()])
async def test_a_refusal_that_holds_for_every_zone_is_not_asked_for_again_per_zone(error: Exception) -> None:
    source = Source("Watts", MARGINAL, {f"Z{number}": 1 for number in range(20)}, error=error)
    prices = await Chain(source).prices(*source.grams)
    assert len(source.asked) <= 4
    assert {price.source.split("fall-back: ")[-1] for price in prices} == {f"Watts {error}"}


async def test_an_answer_that_breaks_the_reader_is_told_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    chain = Chain(watts(error=KeyError("a bug")), maps())
    assert [price.source for price in await chain.prices("DE")] == ["Maps"]
    assert "the answer for DE cannot be read" in caplog.text


async def test_fresh_values_are_not_asked_for_again_before_their_time() -> None:
    source = watts()
    chain = Chain(source)
    for seconds in (0, 100, 199, 1):
        chain.clock.advance(seconds)
        await chain.prices("DE")
    assert source.asked == ["DE", "DE"]


async def test_a_new_process_prices_the_past_as_the_old_one_did() -> None:
    old, new = Chain(watts()), Chain(watts())
    await old.prices("DE")
    new.clock.advance(3600)
    await new.prices("DE")
    start = old.clock.now() - timedelta(hours=3)
    end = start + timedelta(hours=2)
    assert old.live.grid.past("DE", MARGINAL, start, end) == new.live.grid.past("DE", MARGINAL, start, end)


async def test_without_sources_nothing_changes() -> None:
    (price,) = await Chain().prices("DE")
    assert price == StaticIntensity().current("DE", Chain().clock.now())
