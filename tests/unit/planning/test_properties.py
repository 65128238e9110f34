"""What holds for every decision, whatever the numbers."""

from decimal import Decimal
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_job, make_model, make_policy
from coppice.api.decision import DecisionRecord
from coppice.planning.ladder import Ladder, Rules, Rung, best_ladder
from coppice.planning.replay import differences
from evaluation.ladder import random_cases
from worlds import Case, decided

JOB = make_job().scratch()
MODELS = [make_model(), make_model("wide").architecture(parameters=66_000_000, hiddenSize=768)]
CASES = [case for case in random_cases(400, seed=3, most_rungs=5) if case.rungs]


def value(ladder: Ladder | None, rules: Rules) -> tuple[float, float]:
    """Less is better: chance up to the sufficient one, then cost; nothing is worst."""
    if ladder is None:
        return 1.0, 0.0
    return -round(min(ladder.chance, rules.sufficient), 9), round(ladder.cost, 9)


SCRATCH = decided(JOB.mode("Never")).ladder[0].estimate
ROOM = st.sampled_from([1.0, 1.02, 1.1, 1.5, 3.0])


@settings(max_examples=12, deadline=None)
@given(time=ROOM, energy=ROOM, attempts=st.integers(1, 4))
def test_substituting_breaks_no_limit_that_scratch_alone_would_keep(time, energy, attempts) -> None:  # type: ignore[no-untyped-def]
    seconds = ceil(float(SCRATCH.run_seconds.high) * time)
    watt_hours = ceil(float(SCRATCH.energy_watt_hours.high) * energy)
    limited = JOB.limits(runSeconds=seconds, energyWattHours=watt_hours).max_attempts(attempts)
    record = Case(limited, MODELS).decide()
    assert isinstance(record, DecisionRecord)
    assert sum(rung.estimate.run_seconds.high for rung in record.ladder) <= seconds
    assert sum(rung.estimate.energy_watt_hours.high for rung in record.ladder) <= watt_hours
    assert record.ladder[-1].base_model is None


@settings(max_examples=25, deadline=None)
@given(case=st.sampled_from(CASES), factor=st.floats(0.1, 1), more=st.floats(0, 1), data=st.data())
def test_a_cheaper_and_likelier_rung_never_makes_the_plan_worse(case, factor, more, data) -> None:  # type: ignore[no-untyped-def]
    number = data.draw(st.integers(0, len(case.rungs) - 1))
    old = case.rungs[number]
    chance = old.chance + more * (old.suited - old.chance)
    new = Rung(old.name, old.cost * factor, chance, old.group, old.suited, old.highs, old.trains)
    better = [*case.rungs[:number], new, *case.rungs[number + 1 :]]
    before = value(best_ladder(case.rungs, case.last, case.rules), case.rules)
    after = value(best_ladder(better, case.last, case.rules), case.rules)
    assert after[0] < before[0] + 1e-8
    assert after[0] < before[0] - 1e-8 or after[1] <= before[1] * (1 + 1e-7)


@settings(max_examples=25, deadline=None)
@given(case=st.sampled_from(CASES), saving=st.floats(0, 1), tighter=st.floats(0, 1))
def test_stricter_rules_never_give_a_better_plan(case, saving, tighter) -> None:  # type: ignore[no-untyped-def]
    rules = case.rules
    strict = Rules(
        tuple(left * tighter for left in rules.remaining if tighter) or rules.remaining,
        max(rules.train_rungs - 1, 1),
        rules.sufficient,
        max(rules.minimum_saving, saving),
    )
    before = value(best_ladder(case.rungs, case.last, rules), rules)
    assert before <= value(best_ladder(case.rungs, case.last, strict), rules)


@settings(max_examples=4, deadline=None)
@given(percents=st.tuples(st.integers(0, 95), st.integers(0, 95)))
def test_a_higher_minimum_saving_never_lets_more_be_tried(percents) -> None:  # type: ignore[no-untyped-def]
    records = [Case(JOB, MODELS, policies=[make_policy().minimum_saving(one)]).decide() for one in sorted(percents)]
    tried = [sum(rung.base_model is not None for rung in record.ladder) for record in records]  # type: ignore[union-attr]
    chances = [record.ladder_chance or Decimal(0) for record in records]  # type: ignore[union-attr]
    assert bool(tried[0]) >= bool(tried[1])
    assert chances[0] >= chances[1]
    assert [differences(record) for record in records] == [[], []]  # type: ignore[arg-type]
