"""Meters outside the pod in the account: the best source by component, gaps estimated, coverage honest."""

from decimal import Decimal
from typing import Any

import pytest

from builders import make_profile
from coppice.accounting.account import Account, account_of
from coppice.accounting.metered import Metered, Slice
from coppice.accounting.record import account_record
from coppice.accounting.use import AttemptUse
from coppice.api.vocabulary import Component, Grade
from uses import at, make_energy, make_intensity, make_pod, make_result

CPU_NODE = make_profile().build()
GPU_NODE = make_profile("h100").accelerator().build()
ACCELERATOR, CPU, MEMORY = Component.ACCELERATOR, Component.CPU, Component.MEMORY
MEASURED, ESTIMATED, MODELLED = Grade.MEASURED, Grade.ESTIMATED, Grade.MODELLED


def meter(component: Component, joules: int, seconds: int = 3600, grade: Grade = MEASURED) -> Metered:
    """One slot from noon on."""
    only = Slice(start=at(0), end=at(seconds), joules=Decimal(joules))
    return Metered(component=component, grade=grade, source="a test", covered_seconds=Decimal(seconds), slices=(only,))


def account(*meters: Metered, profile: Any = GPU_NODE, **fields: Any) -> Account:
    """One pod of an hour at PUE 1."""
    gpu = 0 if profile is CPU_NODE else 1
    pod = make_pod(**{"accelerators": gpu, "metered": meters, **fields})
    return account_of((AttemptUse(1, (pod,), profile, make_intensity(), Decimal(1)),))


def test_a_meter_that_covers_all_leaves_nothing_to_estimate() -> None:
    found = account(meter(ACCELERATOR, 10**6))
    assert found.parts[ACCELERATOR, MEASURED] == 10**6
    assert (ACCELERATOR, ESTIMATED) not in found.parts
    assert found.coverage == 1
    assert found.gaps == () or all("accelerator" not in gap for gap in found.gaps)


def test_what_the_meter_missed_is_estimated_and_coverage_falls() -> None:
    found = account(meter(ACCELERATOR, 10**6, seconds=2700))
    expected = GPU_NODE.spec.accelerator.peak_watts * Decimal("0.64") * 900
    assert found.parts[ACCELERATOR, ESTIMATED] == expected
    assert found.coverage == Decimal("0.75")
    assert any("No meter covered 900 s" in gap for gap in found.gaps)


def test_a_cluster_meter_wins_over_what_the_pod_says() -> None:
    own = make_result(energy=make_energy(ACCELERATOR, MEASURED, [5e6], covered=3600))
    assert account(meter(ACCELERATOR, 10**6), result=own).parts[ACCELERATOR, MEASURED] == 10**6
    assert account(meter(ACCELERATOR, 10**6), result=own, self_reported=True).parts[ACCELERATOR, MEASURED] == 10**6


def test_a_cluster_meter_that_missed_most_gives_way_to_the_trainers_own_but_not_to_a_strangers() -> None:
    own = make_result(energy=make_energy(ACCELERATOR, MEASURED, [5e5], covered=3500))
    short = meter(ACCELERATOR, 10**4, seconds=60)
    assert account(short, result=own).parts[ACCELERATOR, MEASURED] == 5 * 10**5
    assert account(short, result=own, self_reported=True).parts[ACCELERATOR, MEASURED] == 10**4


def test_a_divided_device_is_estimated_and_covers_nothing() -> None:
    found = account(meter(ACCELERATOR, 10**6, grade=ESTIMATED))
    assert (found.parts[ACCELERATOR, ESTIMATED], found.coverage) == (10**6, 0)


@pytest.mark.parametrize(
    ("fields", "part"),
    [({"result": make_result(cpu_seconds="3600")}, MODELLED), ({}, ESTIMATED)],
)
def test_cpu_time_that_kepler_missed_is_modelled_from_cpu_seconds_or_estimated(
    fields: dict[str, Any], part: Grade
) -> None:
    whole = account(profile=CPU_NODE, **fields).parts[CPU, part]
    found = account(meter(CPU, 4000, seconds=1800), profile=CPU_NODE, **fields)
    assert found.parts[CPU, MEASURED] == 4000
    assert found.parts[CPU, part] == whole / 2
    assert found.coverage == Decimal("0.5")


def test_memory_counts_only_beside_a_metered_cpu() -> None:
    assert account(meter(CPU, 4000), meter(MEMORY, 500), profile=CPU_NODE).parts[MEMORY, MEASURED] == 500
    assert (MEMORY, MEASURED) not in account(meter(MEMORY, 500), profile=CPU_NODE).parts


def test_the_report_holds_what_meters_said() -> None:
    pod = make_pod(accelerators=1, metered=(meter(ACCELERATOR, 123456), meter(CPU, 789)))
    use = AttemptUse(1, (pod,), GPU_NODE, make_intensity(), Decimal("1.2"))
    assert account_of(account_record((use,)).uses()) == account_of((use,))
    assert account_of(account_record((use,), 1).uses()).energy_joules == account_of((use,)).energy_joules
