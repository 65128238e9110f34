"""Power: between idle and the limit, rising with what is reached and with the size of a network."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_profile
from coppice.api.trainingjob import Resources
from coppice.planning.hardware import Hardware, configurations
from coppice.planning.power import accelerator_fraction, draw, power_sigma, typical_share
from coppice.planning.utilisation import Device

A100 = Device(312e12, 2039e9, "ampere")
H100 = Device(989.4e12, 3350e9, "hopper")
shares, sizes = st.floats(0.0, 1.0), st.floats(1e5, 1e12)


def hardware() -> Hardware:
    [found] = configurations(make_profile("h100").accelerator().build(), Resources())
    return found


@pytest.mark.parametrize(
    ("device", "reached", "parameters", "low", "high"),
    [
        (A100, 0.4, 7e9, 0.65, 0.9),
        (H100, 0.27, 7e9, 0.65, 0.9),
        (A100, 0.05, 5e6, 0.15, 0.4),
        (A100, 0.15, 2.2e7, 0.3, 0.55),
        (H100, 0.05, 1.1e8, 0.4, 0.7),
    ],
)
def test_power_lies_where_it_was_measured(
    device: Device, reached: float, parameters: float, low: float, high: float
) -> None:
    """Of the limit: language-model pre-training 0.5 to 0.9, tiny vision models 0.3 to 0.4; idle is a tenth of it."""
    assert low <= 0.1 + 0.9 * accelerator_fraction(reached, typical_share(device), parameters) <= high


@settings(max_examples=30, deadline=None)
@given(shares, shares, sizes, sizes)
def test_more_work_and_a_larger_network_never_draw_less(one: float, other: float, few: float, many: float) -> None:
    typical = typical_share(A100)
    low, high = (
        accelerator_fraction(share, typical, size)
        for share, size in ((min(one, other), min(few, many)), (max(one, other), max(few, many)))
    )
    assert 0 <= low <= high <= 1


def test_a_run_of_nothing_but_starting_draws_idle_power() -> None:
    found = draw(hardware(), 1 / 8, 100.0, 0.0, 0.0, 1.0)
    assert found.accelerator_watts == pytest.approx(72)


def test_facility_power_is_the_parts_times_the_pue_once() -> None:
    found = draw(hardware(), 1 / 8, 0.0, 100.0, 1e15, 1.5, 7e9)
    parts = found.accelerator_watts + found.cpu_watts + found.host_idle_watts
    assert found.facility_watts == pytest.approx(1.5 * parts)
    assert found.accelerator_watts < 700


def test_the_power_of_small_networks_is_less_certain() -> None:
    assert power_sigma(hardware(), 1e7) > 1.5 * power_sigma(hardware(), 1e10)
