"""Money: hours, energy, licences and data add up; a month's licence is borne by the time run."""

import pytest

from builders import make_job, make_model, make_profile
from coppice.api.vocabulary import OptimizeFor
from coppice.planning.lognormal import LogNormal
from coppice.planning.money import SECONDS_PER_MONTH, Prices, cost
from coppice.planning.survey import survey
from probes import dear_job, second_model
from worlds import Case, decided, rungs

HOUR, KILOWATT_HOUR = LogNormal(3600.0), LogNormal(1000.0)


@pytest.mark.parametrize(
    ("prices", "units", "expected"),
    [
        (Prices(hour=2.0), 1, 2.0),
        (Prices(hour=2.0), 8, 16.0),
        (Prices(kilowatt_hour=0.3), 8, 0.3),
        (Prices(hour=2.0, kilowatt_hour=0.3), 1, 2.3),
        (Prices(hour=2.0, job=100.0), 1, 102.0),
        (Prices(hour=2.0, data=50.0), 1, 52.0),
        (Prices(hour=2.0, month=720.0), 8, 17.0),
    ],
)
def test_an_hour_and_a_kilowatt_hour_cost(prices: Prices, units: float, expected: float) -> None:
    found = cost(prices, HOUR, KILOWATT_HOUR, units)
    assert found is not None
    assert found.median == pytest.approx(expected)


def test_a_profile_without_any_price_gives_no_cost() -> None:
    assert cost(Prices(job=100.0, month=10.0, data=5.0), HOUR, KILOWATT_HOUR, 1) is None


def test_jobs_that_fill_a_month_bear_its_whole_price() -> None:
    found = cost(Prices(hour=0.0, month=300.0), LogNormal(SECONDS_PER_MONTH / 10), KILOWATT_HOUR, 1)
    assert found is not None
    assert 10 * found.median == pytest.approx(300)


def test_energy_and_hours_of_one_run_vary_together() -> None:
    found = cost(Prices(hour=1.0, kilowatt_hour=1.0), LogNormal(3600.0, 0.3), LogNormal(1000.0, 0.3), 1)
    assert found is not None
    assert found.sigma == pytest.approx(0.3, rel=0.01)


def test_prices_of_profile_model_and_data_reach_the_candidates() -> None:
    model = make_model().set("spec.pricePerMonth", "1000000").set("spec.pricePerJob", "7")
    profile = make_profile().set("spec.energyPricePerKilowattHour", "0.4")
    job = make_job().dataset(price="11")
    for candidate in survey(Case(job, [model], [profile]).request).candidates:
        found = candidate.estimate
        energy = found.energy.mean / 1000 * 0.4
        month = 1e6 * found.seconds.mean / SECONDS_PER_MONTH
        assert found.of(OptimizeFor.COST).mean == pytest.approx(18 + energy + month, rel=0.01)
        assert found.expected(OptimizeFor.COST) == pytest.approx(7 + energy + month, rel=0.01)


def test_the_price_of_the_data_changes_no_plan_because_it_is_paid_once_whatever_runs() -> None:
    profile = make_profile().set("spec.pricePerHour", "0.05")
    job = dear_job().optimize_for("Cost")
    plans = [decided(one, make_model(), second_model(), profiles=[profile]) for one in (job, job.dataset(price="1000"))]
    free, dear = plans
    assert rungs(free) == rungs(dear)
    assert len(free.ladder) == 3
    assert free.probe is not None
    assert dear.probe == free.probe
    assert dear.ladder_expected == free.ladder_expected
