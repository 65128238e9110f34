"""Utilisation rises with size and steps, falls with devices and with peaks that outgrow bandwidth, never jumps."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coppice.planning.inferred import sizes
from coppice.planning.utilisation import (
    Device,
    Shape,
    accelerator_rates,
    cpu_rates,
    input_seconds,
    overlapped,
    sustained_flops,
    tuning,
)

A100 = Device(312e12, 2039e9, "ampere")
H100 = Device(989.4e12, 3350e9, "hopper")
V100 = Device(125e12, 900e9, "volta")
parameters = st.floats(1e6, 1e12)


def network(size: float, step_tokens: float | None = None, mixture: bool = False) -> Shape:
    layers, width = sizes(size)
    return Shape(layers, width, 2 * size, mixture, step_tokens)


def share(device: Device, devices: int, shape: Shape) -> float:
    return sustained_flops(device, devices, shape) / device.peak_flops


@pytest.mark.parametrize(
    ("device", "devices", "size", "low", "high"),
    [(A100, 1024, 7e9, 0.30, 0.45), (H100, 4096, 7e10, 0.22, 0.35), (V100, 512, 5e8, 0.15, 0.3)],
)
def test_large_runs_reach_what_published_ones_did(
    device: Device, devices: int, size: float, low: float, high: float
) -> None:
    """Medians over all billed hours: A100 35 %, H100 27 %, V100 about 20 %."""
    assert low <= share(device, devices, network(size)) <= high


@settings(max_examples=40, deadline=None)
@given(parameters, st.floats(1.0, 3.0), st.sampled_from([A100, H100, V100]), st.integers(1, 4096))
def test_a_larger_network_reaches_no_less(size: float, factor: float, device: Device, devices: int) -> None:
    assert share(device, devices, network(size * factor)) >= share(device, devices, network(size)) * 0.97


@settings(max_examples=40, deadline=None)
@given(parameters, st.integers(1, 4096), st.integers(1, 4096))
def test_more_devices_reach_no_more_each(size: float, few: int, more: int) -> None:
    shape = network(size)
    assert share(A100, few + more, shape) <= share(A100, few, shape)


@settings(max_examples=40, deadline=None)
@given(parameters, st.floats(64, 1e7), st.floats(1.0, 10.0), st.integers(1, 512))
def test_more_tokens_in_a_step_reach_no_less(size: float, tokens: float, factor: float, devices: int) -> None:
    few, many = network(size, tokens), network(size, tokens * factor)
    assert share(A100, devices, many) >= share(A100, devices, few)


@settings(max_examples=40, deadline=None)
@given(parameters, st.integers(1, 4095))
def test_it_is_continuous(size: float, devices: int) -> None:
    one = share(H100, devices, Shape(24, 2048, 2 * size))
    assert share(H100, devices, Shape(24, 2048, 2 * size * 1.001)) == pytest.approx(one, rel=0.01)


@settings(max_examples=40, deadline=None)
@given(parameters, st.floats(1.0, 4.0))
def test_a_faster_or_better_fed_device_is_never_slower(size: float, factor: float) -> None:
    shape, one = network(size), sustained_flops(A100, 64, network(size))
    assert sustained_flops(replace(A100, bytes_per_second=A100.bytes_per_second * factor), 64, shape) >= one


def test_a_peak_that_outgrows_its_bandwidth_is_reached_less() -> None:
    assert share(H100, 256, network(1e9)) < share(A100, 256, network(1e9))


def test_a_small_step_is_bound_by_launching_on_any_accelerator() -> None:
    shape = Shape(6, 384, 2.1e7, step_tokens=32 * 64.0)
    rates = accelerator_rates(H100, 1, shape)
    arithmetic = 3 * shape.flops_per_token * 32 * 64 / rates.training
    assert overlapped(arithmetic, rates.training_step_seconds) == pytest.approx(rates.training_step_seconds, rel=0.05)


def test_convolution_networks_reach_a_tenth_of_the_peak_at_most() -> None:
    assert share(A100, 1, Shape(None, None, 8e9)) <= 0.1


def test_a_mixture_of_experts_is_slower_for_the_same_work() -> None:
    assert share(A100, 64, network(1e10, mixture=True)) < share(A100, 64, network(1e10))


def test_full_precision_does_not_starve_for_its_generation() -> None:
    single = Device(15.7e12, 900e9, "volta", value_bytes=4)
    assert share(single, 1, network(1e9)) > share(V100, 1, network(1e9))


def test_images_are_read_no_faster_than_the_host_can() -> None:
    assert input_seconds(800, 224, 1) == pytest.approx(1)
    assert input_seconds(800, 112, 2) == pytest.approx(1 / 8)


@pytest.mark.parametrize(("flops", "expected"), [(1e25, 1.0), (1e20, 1.0), (1e17, 0.5), (1e10, 0.4)])
def test_small_runs_are_seldom_tuned(flops: float, expected: float) -> None:
    assert tuning(flops) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("width", "measured"), [(128, 32e9), (256, 48e9), (384, 53e9)])
def test_one_core_trains_as_it_was_measured(width: int, measured: float) -> None:
    assert cpu_rates(83e9, 1, width).training == pytest.approx(measured, rel=0.15)
