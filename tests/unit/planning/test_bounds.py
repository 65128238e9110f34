"""What spares the search most of its steps: bounds, and rungs that can go; each held against every set there is."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import inf
from random import Random

import pytest

from coppice.planning.attempts import worth_an_attempt
from coppice.planning.bounds import Bounds, Relaxed
from coppice.planning.dominance import Undominated, Waits, undominated
from coppice.planning.room import Room
from coppice.planning.rung import Rules, Rung, can_bind

LENGTH, TRAINS = 3, 2
SCRATCH = Rung("scratch", 9.0, 0.4, "scratch")


def rung(
    name: str, cost: float, chance: float, group: str = "", *, suited: float = 1.0, trains: bool = True, high: float = 0
) -> Rung:
    return Rung(name, cost, chance, group or name, suited, (high,), trains)


def drawn(seed: int, count: int = 7) -> list[Rung]:
    """Independent rungs in the order of their price."""
    random = Random(seed)
    rungs = [
        rung(f"r{n}", random.uniform(0.1, 9), random.uniform(0.05, 0.95), trains=random.random() < 0.6)
        for n in range(count)
    ]
    return sorted(rungs, key=lambda one: one.price)


def sets(rungs: Sequence[Rung]) -> Iterator[tuple[Rung, ...]]:
    for size in range(LENGTH + 1):
        yield from (some for some in combinations(rungs, size) if sum(one.trains for one in some) <= TRAINS)


def outcome(rungs: Sequence[Rung], last: Rung | None) -> tuple[float, float]:
    """Cost and failure of independent rungs, then the last one."""
    cost, missed = 0.0, 1.0
    for one in (*rungs, *([last] if last else [])):
        cost, missed = cost + missed * one.cost, missed * (1 - one.chance)
    return cost, missed


def bounds(rungs: Sequence[Rung], last: Rung | None) -> Bounds:
    return Bounds(rungs, [one.trains for one in rungs], last, LENGTH, TRAINS)


def relaxed(rungs: Sequence[Rung], last: Rung | None) -> list[Relaxed]:
    return bounds(rungs, last).relaxed(0.02, inf)


@pytest.mark.parametrize("last", [SCRATCH, None])
@pytest.mark.parametrize("seed", range(12))
def test_a_ladder_of_independent_rungs_is_the_cheapest_at_its_price_of_failure(seed: int, last: Rung | None) -> None:
    rungs = drawn(seed)
    for found in relaxed(rungs, last):
        least = min(cost + found.price * miss for cost, miss in (outcome(some, last) for some in sets(rungs)))
        assert found.cost + found.price * found.miss == pytest.approx(least)
        assert found.least[0][-1] == pytest.approx(least)


@pytest.mark.parametrize("seed", range(12))
def test_the_surest_ladder_is_the_likeliest_of_all(seed: int) -> None:
    rungs = drawn(seed)
    least = min(outcome(some, SCRATCH)[1] for some in sets(rungs))
    assert bounds(rungs, SCRATCH).surest().miss == pytest.approx(least)


@pytest.mark.parametrize("seed", range(12))
def test_going_on_with_a_rung_costs_no_less_than_the_bound(seed: int) -> None:
    rungs = drawn(seed)
    found = relaxed(rungs, SCRATCH)[0]
    for number, one in enumerate(rungs):
        with_it = [some for some in sets(rungs[number:]) if one in some]
        costs = [cost + found.price * miss for cost, miss in (outcome(some, SCRATCH) for some in with_it)]
        assert found.with_each(TRAINS, LENGTH)[number] == pytest.approx(min(costs))
        assert found.with_some([number], TRAINS, LENGTH, 2.0, 0.5) == [pytest.approx(2 + min(costs) / 2)]


def test_where_the_cheapest_ladder_suffices_no_price_is_looked_for() -> None:
    assert len(bounds(drawn(1), SCRATCH).relaxed(0.9, inf)) == 1


def kept(rungs: Sequence[Rung]) -> list[Undominated]:
    return undominated(rungs, (), 7)


def left(rungs: Sequence[Rung], last: Rung | None, attempts: int) -> list[str]:
    return [one.rung.name for one in worth_an_attempt(kept(rungs), last, attempts)]


def test_a_rung_goes_once_as_many_base_models_as_attempts_have_a_better_one() -> None:
    rungs = [rung("a", 1, 0.6), rung("b", 2, 0.6), rung("c", 3, 0.6)]
    assert left(rungs, SCRATCH, 2) == ["a", "b"]
    assert left(rungs, SCRATCH, 3) == ["a", "b", "c"]


def test_a_better_rung_that_an_evaluation_of_its_base_model_can_spoil_replaces_none() -> None:
    spoiled = rung("a", 1, 0.6, suited=0.7)
    as_is = rung("as-is", 0.1, 0.3, "a", suited=0.7, trains=False)
    assert left([spoiled, as_is, rung("b", 2, 0.6)], SCRATCH, 1) == ["as-is", "a", "b"]
    assert left([spoiled, as_is, rung("b", 2, 0.4)], SCRATCH, 1) == ["as-is", "a"]


def test_without_a_last_rung_a_likelier_one_at_the_same_cost_replaces_none() -> None:
    rungs = [rung("a", 1, 0.7), rung("b", 1, 0.6)]
    assert left(rungs, SCRATCH, 1) == ["a"]
    assert left(rungs, None, 1) == ["a", "b"]


def test_a_limit_that_no_ladder_can_exceed_is_not_looked_at() -> None:
    rungs = [rung("a", 1, 0.5, high=10), rung("b", 2, 0.5, high=5)]
    assert can_bind(rungs, None, Rules(remaining=(20.0,)), 2) == []
    assert can_bind(rungs, None, Rules(remaining=(19.0,)), 2) == [0]
    assert can_bind(rungs, rung("scratch", 9, 0.4, high=1), Rules(remaining=(20.0,)), 2) == [0]


def test_where_a_limit_can_bind_a_smaller_rung_stays_beside_likelier_ones() -> None:
    rungs = [rung(f"r{n}", 1, 0.9, high=10) for n in range(4)]
    small = rung("small", 2, 0.5, high=1)
    assert small in [one.rung for one in undominated([*rungs, small], (0,), 2)]
    assert small not in [one.rung for one in undominated([*rungs, small], (), 2)]


def test_a_rung_with_too_many_better_ones_of_its_own_base_model_takes_no_equal_one_of_another_with_it() -> None:
    own = [rung(f"a{n}", 1, 0.5, "a") for n in range(3)]
    other = rung("b", 1, 0.5)
    assert [one.rung.name for one in undominated([*own, other], (), 2)] == ["a0", "a1", "b"]


def test_a_rung_waits_for_a_better_one_until_a_rung_of_that_base_model_stands() -> None:
    better, worse, other = rung("a", 1, 0.6), rung("b", 2, 0.6), rung("c", 1, 0.2, "a")
    ordered = [Undominated(better, ()), Undominated(worse, (better,)), Undominated(other, ())]
    assert Waits(ordered[:2], SCRATCH).over([0, 1], 0b00) == [0]
    assert Waits(ordered[:2], SCRATCH).over([0, 1], 0b01) == [0, 1]
    assert Waits(ordered, SCRATCH).over([1], 0b000) == [1], "c comes later and is of the base model of a"
    assert Waits(ordered, SCRATCH).siblings == [0b101, 0b010, 0b101]


def test_the_smallest_rungs_say_how_many_more_fit_a_limit() -> None:
    rungs = [rung("as-is", 1, 0.5, trains=False, high=1), *(rung(f"r{n}", 1, 0.5, high=n) for n in (2, 3, 4))]
    room = Room(rungs, (10.0,), (0,))
    assert room.after((0.0,), 7, 3) == (4, 3)
    assert room.after((5.0,), 7, 3) == (2, 2)
    assert room.after((5.0,), 1, 1) == (1, 1)
    assert room.after((10.0,), 7, 3) == (0, 0)
    assert Room(rungs, (10.0,), ()).after((), 7, 3) == (7, 3)
