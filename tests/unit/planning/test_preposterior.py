"""What it is worth to know how a probe comes out: against brute force, and by hand."""

from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coppice.planning.preposterior import Prospect, ladder_cost, value_of_probing

CHANCES = st.floats(0.05, 0.95)
PROSPECTS = st.lists(st.tuples(st.floats(0.1, 10), CHANCES, st.floats(0.5, 1.0)), min_size=1, max_size=3).map(
    lambda rows: [Prospect(str(number), *row) for number, row in enumerate(rows)]
)


def by_brute_force(prospects: list[Prospect], failure: float, most: int) -> float:
    orders = (order for count in range(most + 1) for order in permutations(prospects, min(count, len(prospects))))
    return min(cost_of(order, failure) for order in orders)


def cost_of(order: tuple[Prospect, ...], failure: float) -> float:
    reached, cost = 1.0, 0.0
    for one in order:
        cost, reached = cost + reached * one.cost, reached * (1 - one.chance)
    return cost + reached * failure


@settings(max_examples=60, deadline=None)
@given(PROSPECTS, st.floats(0.1, 50), st.integers(0, 3))
def test_the_cheapest_ladder_is_that_of_brute_force(prospects: list[Prospect], failure: float, most: int) -> None:
    assert ladder_cost(prospects, failure, most) == pytest.approx(by_brute_force(prospects, failure, most))


@settings(max_examples=60, deadline=None)
@given(PROSPECTS, st.floats(0.1, 50), st.integers(0, 3))
def test_knowing_more_is_never_expected_to_cost(prospects: list[Prospect], failure: float, most: int) -> None:
    cost = ladder_cost(prospects, failure, most)
    value = value_of_probing(prospects, len(prospects), failure, most)
    assert 0 <= value <= cost


def test_a_probe_whose_word_is_chance_is_worth_nothing() -> None:
    deaf = [Prospect("a", 1.0, 0.6, 0.5), Prospect("b", 2.0, 0.7, 0.5)]
    assert value_of_probing(deaf, 2, 20.0, 2) == pytest.approx(0.0)


def test_a_probe_that_never_errs_is_worth_what_perfect_knowledge_is() -> None:
    """Two rungs of cost 1 and 2, chances 0.5: what would run is known, and nothing runs in vain."""
    sure = [Prospect("a", 1.0, 0.5, 1.0), Prospect("b", 2.0, 0.5, 1.0)]
    known = 0.5 * 1.0 + 0.25 * 2.0 + 0.25 * 10.0
    blind = 1.0 + 0.5 * 2.0 + 0.25 * 10.0
    assert ladder_cost(sure, 10.0, 2) == pytest.approx(blind)
    assert value_of_probing(sure, 2, 10.0, 2) == pytest.approx(blind - known)


def test_a_worked_case_with_one_attempt_beside_scratch() -> None:
    """Equal models at cost 1 and chance 0.5, r = 0.8, scratch 10: the one with the good word is tried."""
    pair = [Prospect("a", 1.0, 0.5, 0.8), Prospect("b", 1.0, 0.5, 0.8)]
    before = 1.0 + 0.5 * 10
    after = sum(
        0.25 * (1.0 + (1 - (0.8 if good else 0.2)) * 10)
        for good in (any(words) for words in product((True, False), repeat=2))
    )
    assert value_of_probing(pair, 2, 10.0, 1) == pytest.approx(before - after) == pytest.approx(1.5)


def test_an_attempt_that_may_not_be_made_is_worth_nothing_to_know() -> None:
    assert value_of_probing([Prospect("a", 1.0, 0.5, 0.9), Prospect("b", 1.0, 0.5, 0.9)], 2, 100.0, 0) == 0.0


def test_a_ladder_that_saves_less_than_the_minimum_is_not_taken() -> None:
    rungs = [Prospect("a", 1.0, 0.5)]
    assert ladder_cost(rungs, 4.0, 1) == 3.0
    assert ladder_cost(rungs, 4.0, 1, minimum_saving=0.3) == 4.0
