"""A training told in a few numbers: near published runs, monotone, and honest about what it assumed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coppice.api.vocabulary import Method
from coppice.planning.accelerators import accelerators
from coppice.planning.inferred import inferred_network, sizes, step_tokens
from coppice.planning.sketch import Answer, Sketch, answered
from worlds import make_intensity

TABLE = accelerators()
LLAMA = Sketch(
    parameters=6_740_000_000,
    tokens=2e12,
    sequence_length=4096,
    accelerator=TABLE["a100-sxm4-80"],
    count=1024,
    dtype="bf16",
    method=Method.FROM_SCRATCH,
    intensity=make_intensity(),
)
SMALL = replace(LLAMA, parameters=110_000_000, tokens=1e8, sequence_length=128, count=1)


def hours(sketch: Sketch, **changed: Any) -> float:
    return answered(replace(sketch, **changed)).accelerator_hours.median


@pytest.mark.parametrize(
    ("parameters", "layers", "width"),
    [(6.7e9, 32, 4096), (6.5e10, 80, 8192), (4.05e11, 126, 16384), (1.4e9, 24, 2048), (8.5e7, 12, 768)],
)
def test_sizes_come_near_those_of_published_models(parameters: float, layers: int, width: int) -> None:
    depth, wide = sizes(parameters)
    assert wide == pytest.approx(width, rel=0.15)
    assert depth == pytest.approx(layers, rel=0.3)


def test_a_network_of_parameters_alone_costs_6_n_d_and_attention() -> None:
    network = inferred_network(6_700_000_000)
    assert 3 * network.forward_flops(1) == pytest.approx(6 * 6.7e9, rel=0.01)
    assert network.forward_flops(4096) / (2 * 6.7e9 * 4096) == pytest.approx(1.14, abs=0.04)


@pytest.mark.parametrize(("parameters", "published"), [(7.6e8, 0.5e6), (1.3e10, 2e6), (1.75e11, 3.2e6)])
def test_steps_grow_as_those_of_gpt_3_did(parameters: float, published: float) -> None:
    assert step_tokens(parameters, 1) == pytest.approx(published, rel=0.4)


def test_one_constant_would_be_several_times_wrong_for_a_small_job() -> None:
    large, small = answered(LLAMA), answered(replace(SMALL, method=Method.FULL_FINE_TUNE))
    assert small.reached < large.reached / 2


def test_facility_energy_holds_accelerators_hosts_and_overhead() -> None:
    found = answered(replace(LLAMA, pue=1.4))
    assert found.accelerator_energy.median < found.computer_energy.median < found.estimate.energy.median
    assert found.estimate.energy.median == pytest.approx(1.4 * found.computer_energy.median)
    assert 1.4 < found.estimate.energy.median / found.accelerator_energy.median < 2.0


def test_power_never_exceeds_the_limit() -> None:
    for figures in TABLE.values():
        found = answered(replace(SMALL, accelerator=figures, tokens=1e10))
        assert found.estimate.draw is not None
        assert figures.idle_watts <= found.estimate.draw.accelerator_watts <= figures.peak_watts


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ({"tokens": 1e11}, {"tokens": 1e12}),
        ({"parameters": 10**9}, {"parameters": 10**10}),
        ({"count": 64}, {"count": 4096}),
        ({"checkpointing": False}, {"checkpointing": True}),
        ({"sequence_length": 2048}, {"sequence_length": 16384}),
        ({"global_batch": 4096}, {"global_batch": 64}),
        ({"active_parameters": 10**9}, {"active_parameters": 2 * 10**9}),
        ({"method": Method.LINEAR_PROBE}, {"method": Method.LORA}),
        ({"method": Method.LORA}, {"method": Method.QLORA}),
        ({"dtype": "fp8", "accelerator": TABLE["h100-sxm5"]}, {"dtype": "bf16", "accelerator": TABLE["h100-sxm5"]}),
        ({"dtype": "bf16"}, {"dtype": "fp32"}),
    ],
)
def test_more_work_takes_more_accelerator_hours(smaller: dict[str, Any], larger: dict[str, Any]) -> None:
    assert hours(LLAMA, **smaller) < hours(LLAMA, **larger)


def test_a_mixture_of_experts_pays_memory_for_all_and_time_for_the_active() -> None:
    mixture = answered(replace(LLAMA, parameters=47 * 10**9, active_parameters=13 * 10**9))
    dense = answered(replace(LLAMA, parameters=13 * 10**9))
    assert mixture.accelerator_hours.median < 1.5 * dense.accelerator_hours.median
    assert mixture.estimate.memory_bytes.median > dense.estimate.memory_bytes.median


def test_a_count_that_cannot_hold_the_states_is_raised_and_said() -> None:
    found = answered(replace(LLAMA, parameters=70 * 10**9, count=1))
    assert found.hardware.devices > 16
    assert "cannot hold" in found.assumed["count"]


def test_a_batch_of_millions_counts_tokens() -> None:
    found = answered(replace(LLAMA, global_batch=4_194_304))
    assert found.work.batch == 1024
    assert "tokens" in found.assumed["globalBatch"]


def wider(one: Answer, other: Answer) -> bool:
    return one.estimate.seconds.sigma > other.estimate.seconds.sigma


def test_intervals_are_wider_where_less_is_known() -> None:
    known = answered(LLAMA)
    assert wider(answered(replace(LLAMA, accelerator=TABLE["mi250x"])), known)
    assert wider(answered(replace(LLAMA, active_parameters=10**9)), known)
    assert wider(answered(SMALL), known)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(TABLE)),
    st.integers(10**5, 10**12),
    st.floats(1e3, 1e14),
    st.integers(1, 20_000),
    st.sampled_from(list(Method)),
    st.sampled_from(["bf16", "fp16", "tf32", "fp32", "fp8"]),
)
def test_any_sketch_has_an_answer(
    accelerator: str, parameters: int, tokens: float, count: int, method: Method, dtype: str
) -> None:
    found = answered(
        replace(
            LLAMA,
            accelerator=TABLE[accelerator],
            parameters=parameters,
            tokens=tokens,
            count=count,
            method=method,
            dtype=dtype,
        )
    )
    assert 0 < found.accelerator_hours.low <= found.accelerator_hours.high < float("inf")
    assert 0 < found.reached < 1
