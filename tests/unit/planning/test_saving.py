"""Savings from paired draws: what both arms share cancels, and failing base models are in the low bound."""

from dataclasses import replace
from math import log
from statistics import correlation, fmean, pstdev

import pytest

from builders import make_job, make_model
from coppice.planning.column import column
from coppice.planning.counterfactual import scratch_candidate
from coppice.planning.draws import log_normal_axis, normal_axis, weighted_percentiles
from coppice.planning.fit.rejection import Rejection
from coppice.planning.lognormal import LogNormal
from coppice.planning.saving import Arm, saving_grams
from coppice.planning.survey import survey
from worlds import Case

ASK = Case(make_job().scratch().methods("LinearProbe"), [make_model()]).request
PLAN = scratch_candidate(ASK)
assert not isinstance(PLAN, Rejection)
SCRATCH = Arm("scratch", "cpu-generic", PLAN.estimate)
PROBE = Arm("probe", "cpu-generic", survey(ASK).candidates[0].estimate)


def test_a_plan_that_is_the_counterfactual_saves_nothing() -> None:
    assert saving_grams([(SCRATCH, 1.0)], SCRATCH).high == 0


def test_a_sure_substitute_saves_the_difference_of_medians_about() -> None:
    found = saving_grams([(PROBE, 1.0)], SCRATCH)
    expected = SCRATCH.estimate.carbon.median - PROBE.estimate.carbon.median
    assert float(found.mid) == pytest.approx(expected, rel=0.1)
    assert found.low < found.mid < found.high


def test_a_substitute_that_always_fails_saves_less_than_nothing_by_what_it_cost() -> None:
    found = saving_grams([(PROBE, 0.0), (SCRATCH, 1.0)], SCRATCH)
    assert found.high < 0
    assert float(found.mid) == pytest.approx(-PROBE.estimate.carbon.median, rel=0.1)


def test_what_both_arms_share_narrows_the_interval() -> None:
    elsewhere = replace(PROBE, profile="other")

    def width(arm: Arm) -> float:
        found = saving_grams([(arm, 1.0)], replace(SCRATCH, estimate=replace(PROBE.estimate, own_sigma=0.2)))
        return float(found.high - found.low)

    assert width(PROBE) < width(elsewhere)


def test_a_measured_counterfactual_does_not_vary() -> None:
    fixed = replace(PROBE.estimate, seconds=LogNormal(100.0), carbon=LogNormal(5.0))
    found = saving_grams([(Arm("probe", "p", fixed), 1.0)], Arm("scratch", "p", replace(fixed, carbon=LogNormal(9.0))))
    assert (found.low, found.mid, found.high) == (4, 4, 4)


def test_draws_are_standard_normal_in_every_dimension_and_always_the_same() -> None:
    axes = [normal_axis(number) for number in range(16)]
    for number, axis in enumerate(axes):
        assert fmean(axis) == pytest.approx(0, abs=1e-9)
        assert pstdev(axis) == pytest.approx(1, abs=0.02)
        assert all(abs(correlation(axis, other)) < 0.12 for other in axes[:number])
    assert normal_axis.__wrapped__(9) == normal_axis(9)


def test_factors_are_balanced_about_one() -> None:
    assert fmean(map(log, log_normal_axis(3, 0.5))) == pytest.approx(0, abs=1e-9)
    assert pstdev(map(log, log_normal_axis(3, 0.5))) == pytest.approx(0.5, abs=0.01)


def test_more_dimensions_than_the_lattice_has_are_refused() -> None:
    with pytest.raises(ValueError, match="dimensions"):
        normal_axis(32)


def test_percentiles_weigh_their_values() -> None:
    assert weighted_percentiles(column([2.0, 1.0]), column([0.1, 0.9]), (0.1, 0.5, 0.95)) == [1.0, 1.0, 2.0]
