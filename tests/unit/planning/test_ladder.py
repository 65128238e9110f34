"""The ladder: equal to trying every order of every subset, and never worse for better rungs."""

from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coppice.planning import search
from coppice.planning.ladder import MAX_RUNGS, Ladder, Rules, Rung, best_ladder
from coppice.planning.together import after_misses, all_miss, suitability
from evaluation.ladder import crowded_cases, difference, random_cases

SCRATCH = Rung("scratch", 10.0, 0.5, "scratch", 1.0, (10.0,))


def rung(name: str, cost: float, chance: float, group: str = "", suited: float = 1.0, high: float = 0.0) -> Rung:
    return Rung(name, cost, chance, group or name, suited, (high or cost,))


def value(ladder: Ladder | None, rules: Rules) -> tuple[float, float] | None:
    """Chance up to the sufficient one, negative as less is better, and cost."""
    return None if ladder is None else (-min(ladder.chance, rules.sufficient), ladder.cost)


CHANCE = st.floats(0.05, 0.95)
COST = st.floats(0.1, 20)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Rung], Rung | None, Rules]:
    groups = draw(st.lists(st.lists(st.tuples(COST, CHANCE), min_size=1, max_size=2), max_size=3))
    rungs = []
    for number, members in enumerate(groups):
        suited = draw(st.sampled_from([1.0, suitability(chance for _, chance in members)]))
        rungs += [rung(f"{number}.{n}", *pair, f"g{number}", suited) for n, pair in enumerate(members)]
    rungs = rungs[:5]
    last = draw(st.none() | st.builds(lambda c, p: rung("scratch", c, p), COST, CHANCE))
    rules = Rules(
        remaining=(draw(st.sampled_from([inf, 15.0, 40.0])),),
        train_rungs=draw(st.integers(1, 5)),
        sufficient=draw(st.sampled_from([0.5, 0.95, 1.0])),
        minimum_saving=draw(st.sampled_from([0.0, 0.3])),
        by_success=draw(st.booleans()),
    )
    return rungs, last, rules


@pytest.mark.thorough
def test_it_is_the_best_of_all_orders_of_all_sets() -> None:
    assert [problem for case in random_cases(300, most_rungs=5) if (problem := difference(case))] == []


def test_of_many_rungs_only_those_are_left_out_that_a_better_one_can_replace() -> None:
    assert [problem for case in crowded_cases(8) if (problem := difference(case))] == []


@settings(max_examples=25, deadline=None)
@given(cases(), st.data())
def test_a_cheaper_or_likelier_rung_never_makes_the_plan_worse(
    case: tuple[list[Rung], Rung | None, Rules], data: st.DataObject
) -> None:
    rungs, last, rules = case
    if not rungs:
        return
    number = data.draw(st.integers(0, len(rungs) - 1))
    old = rungs[number]
    chance = max(old.chance, min(data.draw(CHANCE), old.suited))
    better = Rung(old.name, old.cost * data.draw(st.floats(0.1, 1)), chance, old.group, old.suited, old.highs)
    before = value(best_ladder(rungs, last, rules), rules)
    after = value(best_ladder([*rungs[:number], better, *rungs[number + 1 :]], last, rules), rules)
    assert before is None or (after is not None and after[0] <= before[0] + 1e-9)
    if before is not None and after is not None and after[0] == pytest.approx(before[0], abs=1e-9):
        assert after[1] <= before[1] * (1 + 1e-8)


@settings(max_examples=25, deadline=None)
@given(cases())
def test_trying_base_models_first_never_breaks_a_limit_that_scratch_alone_keeps(
    case: tuple[list[Rung], Rung | None, Rules],
) -> None:
    rungs, last, rules = case
    ladder = best_ladder(rungs, last, rules)
    if ladder is not None:
        assert sum(one.highs[0] for one in ladder.rungs) <= rules.remaining[0]
        assert last is None or ladder.rungs[-1] == last
        assert last is None or rules.by_success or ladder.cost <= last.cost
        assert last is None or ladder.cost * last.chance <= last.cost * ladder.chance * (1 + 1e-9)


def names(rungs: list[Rung], last: Rung | None = SCRATCH, **rules: object) -> list[str]:
    ladder = best_ladder(rungs, last, Rules(remaining=(inf,), **rules))  # type: ignore[arg-type]
    return [one.name for one in ladder.rungs] if ladder else []


def test_independent_rungs_come_in_order_of_cost_by_chance() -> None:
    assert names([rung("a", 2, 0.4), rung("b", 1, 0.4), rung("c", 0.6, 0.1)]) == ["b", "a", "c", "scratch"]


def test_a_rung_that_costs_more_than_it_saves_is_dropped_once_the_chance_suffices() -> None:
    dear = rung("dear", 9.0, 0.5)
    assert names([rung("a", 1, 0.9), dear], sufficient=0.9) == ["a", "scratch"]


def test_attempts_bound_the_rungs_with_the_last_one_included_and_evaluations_left_out() -> None:
    several = [rung("a", 1, 0.3), rung("b", 1, 0.4), rung("c", 1, 0.5)]
    assert names(several, train_rungs=2) == ["c", "scratch"]
    as_is = Rung("as-is", 0.1, 0.2, "as-is", 1.0, (0.1,), trains=False)
    assert names([*several, as_is], train_rungs=2) == ["as-is", "c", "scratch"]


def test_no_ladder_is_longer_than_eight() -> None:
    assert len(names([rung(f"r{n}", 0.1, 0.1) for n in range(10)], sufficient=1.0)) == MAX_RUNGS


def test_a_second_rung_of_a_base_model_that_fails_with_it_is_worth_less() -> None:
    apart = [rung("a1", 1, 0.5, "a"), rung("b1", 1, 0.5, "b")]
    chance = {
        suited: best_ladder([rung("a1", 1, 0.5, "a", suited), rung("a2", 1, 0.5, "a", suited)], None, Rules()).chance  # type: ignore[union-attr]
        for suited in (1.0, 0.6)
    }
    assert chance[0.6] < chance[1.0] == best_ladder(apart, None, Rules()).chance  # type: ignore[union-attr]


def test_a_good_rung_is_found_among_many() -> None:
    many = [rung(f"r{n:02}", 5.0, 0.05) for n in range(40)]
    good = rung("good", 0.5, 0.6)
    assert names([*many, good], train_rungs=2) == ["good", "scratch"]


def crowd(seed: int) -> list[Rung]:
    """Ninety base models to train, the dearer the likelier, and ten kinds of six to use as they are."""
    random = Random(seed)
    rungs = []
    for number in range(90):
        size = random.random()
        rungs.append(rung(f"probe {number}", 0.1 * 16**size * random.uniform(1, 1.1), 0.4 + 0.3 * size))
    for kind in range(10):
        size, more = random.random(), random.uniform(1, 1.1)
        names = [f"as is {kind}.{number}" for number in range(6)]
        rungs += [Rung(name, 0.08 * 4**size * more, 0.02 + 0.03 * size, name, trains=False) for name in names]
    return rungs


@pytest.mark.parametrize("seed", [0, 13, 14])
def test_a_search_that_is_cut_short_has_found_nearly_the_best_ladder(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rungs, rules = crowd(seed), Rules(train_rungs=3, sufficient=0.94)
    monkeypatch.setattr(search, "MOST_GROWN", 10_000)
    best = best_ladder(rungs, None, rules)
    monkeypatch.setattr(search, "MOST_GROWN", 30)
    found = best_ladder(rungs, None, rules)
    assert best is not None
    assert found is not None
    assert (best.proven, found.proven) == (True, False)
    assert found.chance >= rules.sufficient
    assert found.cost <= 1.02 * best.cost


def test_a_miss_marks_down_the_base_model_s_other_rungs_and_keeps_their_joint_chance() -> None:
    before = {"probe": 0.6, "full": 0.7}
    suited, after = after_misses(before, ["probe"])
    assert 0 < after["full"] < before["full"]
    joint = all_miss(suitability(before.values()), before.values())
    assert (1 - after["full"]) * (1 - before["probe"]) == pytest.approx(joint)
    assert suited < suitability(before.values())


def test_without_misses_chances_stay() -> None:
    assert after_misses({"probe": 0.6}, ["other"])[1] == {"probe": 0.6}
