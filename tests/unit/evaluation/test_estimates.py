"""The evaluation of estimates: the constants in the code are what its data say, and its statistics are right."""

from math import log

import numpy as np
import pytest

from coppice.planning.power import FITTED_POWER
from coppice.planning.utilisation import FITTED
from evaluation import hours, watts
from evaluation.estimates import TOLERANCE
from evaluation.fitting import covariance, most_probable
from evaluation.runs import runs
from evaluation.statistics import calibrated_sigma, coverage, errors, wilson

RUNS = runs()


def test_the_constants_of_time_are_the_most_probable_ones() -> None:
    found = hours.fitted(hours.usable(RUNS))
    for name, value in vars(found).items():
        assert getattr(FITTED, name) == pytest.approx(value, rel=TOLERANCE), name


def test_the_constants_of_power_are_the_most_probable_ones() -> None:
    found = watts.fitted(watts.usable(RUNS))
    for name, value in vars(found).items():
        assert getattr(FITTED_POWER, name) == pytest.approx(value, rel=TOLERANCE), name


def test_no_row_that_only_multiplies_hours_by_the_limit_is_evidence_of_power() -> None:
    for run in watts.usable(RUNS):
        assert run.watts is not None
        assert run.watts < 0.95 * run.accelerator.peak_watts or run.with_system


def test_tokens_that_were_fitted_to_the_hours_are_no_evidence_of_time() -> None:
    assert "t5-11b" not in {run.id for run in hours.usable(RUNS)}


def test_a_straight_line_is_found_and_held_back_by_its_prior() -> None:
    places = np.arange(6.0)
    observed = 2.0 + 3.0 * places
    noise = covariance(["a"] * 3 + ["b"] * 3, 0.1, 0.1)

    def found(prior_sigma: float) -> list[float]:
        def residuals(line: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
            return np.asarray(observed - line[0] - line[1] * places)

        return list(most_probable(residuals, np.zeros(2), np.full(2, prior_sigma), noise))

    assert found(100.0) == pytest.approx([2.0, 3.0], abs=0.01)
    assert found(0.001) == pytest.approx([0.0, 0.0], abs=0.02)


def test_errors_are_relative_to_what_was_published() -> None:
    found = errors([log(1.5), log(0.5), log(1.1)])
    assert (found.count, found.median) == (3, pytest.approx(0.5))


def test_an_interval_holds_what_lies_within_its_tenth_and_ninetieth_percentile() -> None:
    found = coverage([0.1, -0.3, 0.5], [0.3, 0.3, 0.3])
    assert (found.inside, found.count) == (2, 3)


@pytest.mark.parametrize(
    ("inside", "count", "low", "high"), [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (8, 10, 0.490, 0.943)]
)
def test_the_binomial_interval_is_wilson_s(inside: int, count: int, low: float, high: float) -> None:
    found = wilson(inside, count)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.001), pytest.approx(high, abs=0.001))


def test_the_calibrated_sigma_holds_four_in_five() -> None:
    logs = [0.1 * step for step in range(1, 11)]
    sigma = calibrated_sigma(logs)
    assert coverage(logs, [sigma] * 10).inside == 8
