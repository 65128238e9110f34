"""Screening: what is spared is dominated without doubt, and what may be shown or asked is drafted."""

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from coppice.api.decision import MAX_CANDIDATES
from coppice.planning.preposterior import MOST_PROSPECTS
from coppice.planning.rung import MAX_RUNGS
from coppice.planning.sieving.screening import Field, Room, wanted

ENDLESS = (float("inf"),) * 3

figures = st.floats(0.1, 1000.0)
candidates = st.lists(
    st.tuples(figures, st.floats(0.01, 0.99), figures, st.booleans(), st.integers(0, 20), st.booleans()),
    min_size=1,
    max_size=60,
)
"""Cost, chance, seconds, trains, group, unsure."""


def field(rows: list[tuple[float, float, float, bool, int, bool]], twins: list[int]) -> Field:
    cost, chance, seconds, trains, group, unsure = (np.array(column) for column in zip(*rows, strict=True))
    used = {number for number, free in zip(group.tolist(), (~trains).tolist(), strict=True) if free}
    return Field(
        cost=cost,
        chance=chance,
        highs=np.array([cost, cost, seconds]),
        trains=trains,
        group=group,
        twins=np.array([twins[number] for number in group]),
        used_as_is=np.array([number in used for number in group.tolist()]),
        unsure=unsure,
    )


@given(candidates, st.lists(st.integers(1, 9), min_size=21, max_size=21), st.integers(1, 8), st.booleans())
def test_what_is_spared_is_dominated_by_more_than_a_ladder_can_hold(rows, twins, rungs, limited) -> None:  # type: ignore[no-untyped-def]
    asked = field(rows, twins)
    room = Room((*ENDLESS[:2], 500.0 if limited else float("inf")), rungs, rungs, None)
    free = sum(one for one, trains in zip(asked.twins.tolist(), asked.trains.tolist(), strict=True) if not trains)
    for number in np.flatnonzero(~wanted(asked, room)):
        better = {
            int(asked.group[other])
            for other in range(len(rows))
            if asked.group[other] != asked.group[number]
            and not asked.unsure[other]
            and asked.cost[other] < asked.cost[number]
            and asked.chance[other] >= asked.chance[number]
            and (asked.trains[number] or not asked.trains[other])
            and (not limited or asked.highs[2][other] <= asked.highs[2][number])
        }
        count = {group: twins[group] for group in better}
        only_trained = sum(many for group, many in count.items() if not asked.used_as_is[asked.group == group].any())
        dominated = sum(count.values()) >= min(rungs + free, MAX_RUNGS)
        assert dominated or (asked.trains[number] and only_trained >= rungs)


@given(candidates, st.integers(1, 8))
def test_the_first_by_price_are_drafted_and_the_cheapest_and_whatever_rounding_may_change(rows, rungs) -> None:  # type: ignore[no-untyped-def]
    asked = field(rows, [1] * 21)
    found = wanted(asked, Room(ENDLESS, rungs, rungs, None))
    price = asked.cost / asked.chance
    assert found[np.argsort(price)[:MAX_CANDIDATES]].all()
    assert found[np.argmin(asked.cost)]
    assert found[asked.unsure].all()
    models: list[int] = []
    for number in np.argsort(price):
        if asked.trains[number] and int(asked.group[number]) not in models and len(models) < MOST_PROSPECTS:
            models.append(int(asked.group[number]))
            assert found[number]


def test_a_limit_that_holds_only_dear_candidates_spares_none_of_them() -> None:
    """Of 30 cheap ones none may run; the two that may are kept though all the others are likelier and cheaper."""
    rows = [(1.0 + 0.1 * number, 0.9, 600.0, True, number, False) for number in range(18)]
    rows += [(100.0, 0.5, 400.0, True, 19, False), (90.0, 0.4, 300.0, True, 20, False)]
    found = wanted(field(rows, [1] * 21), Room((*ENDLESS[:2], 500.0), 3, 3, None))
    assert found[18:].all()


def test_hundreds_of_candidates_of_one_curve_are_told_apart_by_those_that_are_better() -> None:
    rows = [
        (10.0 * (1 + size) * dear, 0.5 + 0.02 * size, 10.0, True, size, False)
        for size, dear in product(range(20), (1.0, 1.5, 2.0, 3.0, 5.0, 8.0))
    ]
    found = wanted(field(rows, [4] * 21), Room(ENDLESS, 3, 2, None))
    assert 20 <= found.sum() < len(rows) / 2
