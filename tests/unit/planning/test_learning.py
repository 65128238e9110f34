"""Corrections: a factor of 1 that jobs move, robustly, through the effects that cells share."""

from math import exp, log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coppice.api.vocabulary import Learning, Method, Metric
from coppice.planning.learning.chapter import A_JOB_SHOWS, AT_MOST, Chapter, Quantity
from coppice.planning.learning.correction import NO_CORRECTION, Correction
from coppice.planning.learning.effects import MAX_CELLS, Cell, fitted
from coppice.planning.learning.history import VARIANCES, History, weighted_median
from coppice.planning.learning.lesson import Lesson

TIME = VARIANCES[Quantity.TIME]
CELL: Cell = (Method.LORA, "bert", "a100")


def lesson(ratio: float, cell: Cell = CELL, quantity: str = "time") -> Lesson:
    method, family, profile = cell
    data = (Metric.ACCURACY, "r8", None, 8)
    what = {quantity: log(ratio)}
    return Lesson("uid", "text-classification", data, method, "ClusterBaseModel/m", False, family, profile, **what)  # type: ignore[arg-type]


def history(*own: Lesson, **others: list[Lesson]) -> History:
    chapters = {"research": Chapter(own), **{name: Chapter(tuple(taught)) for name, taught in others.items()}}
    return History({name: chapter for name, chapter in chapters.items() if chapter.lessons})


def learned(*own: Lesson, cell: Cell = CELL, learning: Learning = Learning.ALL, **others: list[Lesson]) -> Correction:
    return history(*own, **others).corrections("research", learning).of(*cell)


def factor(*ratios: float, **others: list[Lesson]) -> float:
    return learned(*map(lesson, ratios), **others).time.median


def test_without_jobs_nothing_is_corrected() -> None:
    assert learned() == NO_CORRECTION
    assert NO_CORRECTION.inputs == {}


@pytest.mark.parametrize("jobs", [1, 2, 5, 40])
def test_jobs_of_one_cell_are_shrunk_by_the_formula_of_the_text(jobs: int) -> None:
    """mean = y V / (V + scatter / n): pencil and paper."""
    expected = exp(log(1.5) * TIME.effects / (TIME.effects + TIME.scatter / jobs))
    found = learned(*[lesson(1.5)] * jobs)
    assert found.time.median == pytest.approx(expected)
    assert (found.time.own, found.time.others, found.time.related) == (jobs, 0, 0)


def test_more_jobs_that_agree_move_further_and_leave_less_doubt() -> None:
    few, many = learned(*[lesson(1.5)] * 2).time, learned(*[lesson(1.5)] * 20).time
    assert 1 < few.median < many.median < 1.5
    assert few.spread > many.spread
    assert few.sigma > many.sigma > 0


def test_jobs_that_disagree_leave_more_doubt_than_was_assumed() -> None:
    wild = learned(*(lesson(ratio) for ratio in [0.3, 3.0] * 20)).time
    calm = learned(*(lesson(ratio) for ratio in [0.99, 1.01] * 20)).time
    assert wild.spread > 1 > calm.spread


def test_one_odd_job_counts_for_twice_at_most() -> None:
    assert factor(1000.0) == factor(2.0) < 2


def test_a_few_odd_jobs_among_many_change_nothing() -> None:
    good = [1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1]
    assert factor(*good, 500.0, 800.0, 900.0) == pytest.approx(factor(*good, 1.1, 1.1, 1.1))


def test_many_jobs_that_agree_can_show_a_large_factor() -> None:
    assert factor(*[10.0] * 20) > 9


def test_a_slow_node_makes_every_method_slow_there_and_nothing_elsewhere() -> None:
    slow = [lesson(2.0)] * 10
    here = learned(*slow, cell=(Method.FROM_SCRATCH, "resnet", "a100")).time
    elsewhere = learned(*slow, cell=(Method.FROM_SCRATCH, "resnet", "t4"))
    assert 1.2 < here.median < learned(*slow).time.median
    assert (here.own, here.related) == (0, 10)
    assert elsewhere == NO_CORRECTION


def test_a_method_that_is_slow_everywhere_is_slow_on_a_profile_never_seen() -> None:
    seen = [lesson(2.0, (Method.LORA, "bert", name)) for name in ("a", "b", "c", "d") for _ in range(5)]
    there = learned(*seen, cell=(Method.LORA, "bert", "new")).time.median
    other_family = learned(*seen, cell=(Method.LORA, "llama", "new")).time.median
    other_method = learned(*seen, cell=(Method.FULL_FINE_TUNE, "bert", "new")).time.median
    assert there > other_family > other_method == 1.0


def test_an_unknown_family_is_no_other_s() -> None:
    unknown = (Method.LORA, "", "new")
    assert TIME.between(unknown, (Method.LORA, "", "old")) == TIME.method


def test_other_namespaces_are_heard_less_than_the_own() -> None:
    jobs = [lesson(2.0)] * 8
    assert factor(*[2.0] * 8) > factor(sales=jobs) > 1


def test_one_tenant_cannot_ruin_another_s_estimates() -> None:
    own = [1.0] * 5
    flood = [lesson(20.0)] * 500
    assert factor(*own, sales=flood) == pytest.approx(factor(*own, sales=[lesson(20.0)] * 8))
    assert factor(*own, sales=flood) < 1.65
    honest = {f"team-{number}": [lesson(1.0)] * 4 for number in range(3)}
    assert factor(sales=flood, **honest) == pytest.approx(1.0)


def test_all_other_namespaces_together_weigh_two_jobs() -> None:
    several, crowd = (
        factor(1.0, 1.0, **{f"n{number}": [lesson(2.0)] * 9 for number in range(count)}) for count in (2, 50)
    )
    assert several == pytest.approx(crowd)


@pytest.mark.parametrize(
    ("learning", "own", "others"), [(Learning.ALL, 3, 4), (Learning.OWN_NAMESPACE, 3, 0), (Learning.OFF, 0, 0)]
)
def test_a_policy_says_whose_jobs_are_heard(learning: Learning, own: int, others: int) -> None:
    found = learned(*[lesson(2.0)] * 3, learning=learning, sales=[lesson(2.0)] * 4).time
    assert (found.own, found.others) == (own, others)


def test_memory_is_only_ever_asked_for_more() -> None:
    assert learned(*[lesson(0.5, quantity="memory")] * 9).memory.median == 1.0
    assert learned(*[lesson(1.5, quantity="memory")] * 9).memory.median > 1.3


def test_quantities_are_learned_apart() -> None:
    found = learned(*[lesson(1.2, quantity="power")] * 9)
    assert found.power.median > 1.1
    assert not found.time.learned


def test_the_heaviest_cells_are_kept() -> None:
    observed = {(Method.LORA, f"f{number}", "p"): (0.1, 1.0 + number) for number in range(MAX_CELLS + 10)}
    effects = fitted(observed, TIME)
    assert len(effects.cells) == MAX_CELLS
    assert (Method.LORA, "f0", "p") not in effects.cells


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=12))
def test_a_correction_never_goes_further_than_its_jobs(ratios: list[float]) -> None:
    found = learned(*(lesson(exp(ratio)) for ratio in ratios)).time
    bound = min(A_JOB_SHOWS * len(ratios), AT_MOST)
    assert min(0, *ratios, bound) - 1e-9 <= log(found.median) <= min(max(0, *ratios, -bound), bound) + 1e-9
    assert 0 < found.sigma < sqrt(TIME.effects)


def test_half_of_the_weight_lies_below_a_weighted_median() -> None:
    assert weighted_median([(1.0, 1.0), (2.0, 1.0), (9.0, 1.0)]) == 2.0
    assert weighted_median([(1.0, 1.0), (9.0, 3.0)]) == 9.0
    assert weighted_median([(1.0, 1.0), (3.0, 1.0)]) == 2.0


def test_inputs_say_what_was_learned_from_how_many_jobs() -> None:
    found = learned(*[lesson(2.0)] * 3, sales=[lesson(2.0)]).inputs
    assert found["timeEvidence"] == "3 own, 1 others, 0 related"
    assert set(found) == {"timeFactor", "timeFactorSigma", "timeEvidence"}
