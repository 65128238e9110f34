"""Money by its formula, and what a job used by month."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from builders import make_profile
from coppice.accounting.account import account_of
from coppice.accounting.cost import attempt_cost, license_cost
from coppice.accounting.months import months_of
from coppice.accounting.use import AttemptUse
from uses import make_intensity, make_pod

TURN = datetime(2026, 4, 1, tzinfo=UTC)


def use(*pods: Any, **profile: Any) -> AttemptUse:
    builder = make_profile()
    for name, value in profile.items():
        builder = builder.set(f"spec.{name}", value)
    return AttemptUse(1, pods or (make_pod(),), builder.build(), make_intensity(), Decimal("1.5"))


def cost(item: AttemptUse) -> Decimal | None:
    return attempt_cost(item, account_of([item]))


def test_a_cpu_job_pays_for_the_cores_it_reserved() -> None:
    assert cost(use(make_pod(seconds=1800), pricePerHour="0.05")) == Decimal("0.05")  # 2 cores x 0.5 h


def test_an_accelerator_job_pays_for_its_accelerators_and_not_for_cores() -> None:
    profile = make_profile().accelerator().price("3").build()
    pods = (make_pod(accelerators=2),)
    assert cost(AttemptUse(1, pods, profile, make_intensity(), Decimal(1))) == 6


def test_every_pod_of_an_attempt_pays_and_each_only_once() -> None:
    one, other = make_pod("p", 3600), make_pod("q", 7200)
    assert cost(use(one, other, one, pricePerHour="1")) == 2 * 1 + 2 * 2


def test_energy_is_paid_by_the_facility_s_kilowatt_hours() -> None:
    item = use(energyPricePerKilowattHour="0.30")
    joules = account_of([item]).energy_joules
    assert cost(item) == Decimal("0.30") * joules / 3_600_000
    both = replace(item, profile=make_profile().set("spec.pricePerHour", "1").set(
        "spec.energyPricePerKilowattHour", "0.30").build())  # fmt: skip
    assert cost(both) == cost(item) + 2


def test_without_a_price_the_cost_is_not_known() -> None:
    assert cost(use()) is None


def test_a_licence_is_paid_by_the_job_and_by_its_share_of_a_month() -> None:
    assert license_cost(Decimal(3), None, 10**6) == 3
    assert license_cost(None, Decimal(720), 3600) == 1  # a month of 720 hours
    assert license_cost(None, None, 3600) == 0


def across_the_turn(**profile: Any) -> AttemptUse:
    """One hour in March and three in April."""
    pod = replace(make_pod(), start=TURN.replace(month=3, day=31, hour=23), end=TURN.replace(hour=3))
    return use(pod, **profile)


def test_a_job_across_the_month_s_end_counts_in_each_month_by_its_time() -> None:
    item = across_the_turn(pricePerHour="0.05")
    account = account_of([item])
    march, april = months_of([(item, account)], other_cost=Decimal(7))
    assert (march.month, april.month) == ("2026-03", "2026-04")
    assert april.energy_watt_hours == pytest.approx(3 * march.energy_watt_hours, rel=Decimal("1e-6"))
    assert (march.cost, april.cost) == (Decimal("7.1"), Decimal("0.3"))


@pytest.mark.parametrize("prices", [{}, {"pricePerHour": "0.07", "energyPricePerKilowattHour": "0.11"}])
def test_the_months_sum_to_the_account(prices: dict[str, str]) -> None:
    item = across_the_turn(**prices)
    account = account_of([item])
    months = months_of([(item, account)])
    near = {"abs": Decimal("0.00001")}
    assert sum(one.energy_watt_hours for one in months) == pytest.approx(account.energy_joules / 3600, **near)
    assert sum(one.carbon_grams for one in months) == pytest.approx(account.carbon_grams, **near)
    assert sum(one.cost for one in months) == pytest.approx(attempt_cost(item, account) or 0, **near)


def test_nothing_that_ran_uses_nothing_of_any_month() -> None:
    assert months_of([]) == ()
