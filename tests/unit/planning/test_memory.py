"""Peak memory by method and layout, and the layout that a configuration runs a plan with."""

import re

import pytest

from builders import make_job, make_model, make_profile
from coppice.api.decision import DecisionRecord
from coppice.api.trainer_spec import Hyperparameters
from coppice.api.trainingjob import Resources, TrainingJobSpec
from coppice.api.vocabulary import Method
from coppice.planning.block import Block
from coppice.planning.fitting import laid_out
from coppice.planning.hardware import Hardware, configurations
from coppice.planning.memory import FRAMEWORK_BYTES, GIBIBYTE, Optimizer, memory
from coppice.planning.network import Network
from coppice.planning.sharding import Layout, Stage, layouts
from coppice.planning.workload import effort
from worlds import decided, refused

GPU = make_profile("h100").accelerator()
BERT = Network("bert", 109_482_240, 23_837_184, 12, 768, 512)
LLAMA_7B = Network("llama", 6_607_343_616, 131_072_000, 32, 4096, 4096, block=Block(4096, 11008, 4096, 4096, 32, True))


def spec(**hyperparameters: object) -> TrainingJobSpec:
    return make_job().scratch().hyperparameters(**hyperparameters).build().spec


def hardware(accelerators: int = 1, **accelerator: str) -> Hardware:
    profile = make_profile("h100").accelerator(**accelerator).build()
    return [*configurations(profile, Resources(accelerators_per_pod=accelerators))][-1]


def states(network: Network, method: Method, layout: Layout, **memory_of: Optimizer) -> float:
    """Bytes that do not grow with the batch: a batch of one token."""
    work = effort(spec(batchSize=layout.devices, maxSequenceLength=1), method).on(network)
    return memory(network, method, work, hardware(), layout=layout, **memory_of).median - FRAMEWORK_BYTES["accelerator"]


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [(Method.LINEAR_PROBE, 5.4, 5.8), (Method.LORA, 6.5, 8.0), (Method.FULL_FINE_TUNE, 6.8, 9.0)],
)
def test_memory_of_bert_on_an_accelerator_in_gibibytes(method: Method, low: float, high: float) -> None:
    found = memory(BERT, method, effort(spec(), method).on(BERT), hardware()).median / GIBIBYTE
    assert low <= found <= high


@pytest.mark.parametrize(
    ("stage", "devices", "bytes_per_parameter"),
    [
        (Stage.DATA_PARALLEL, 8, 18.0),
        (Stage.ZERO_1, 8, 10 + 8 / 8),
        (Stage.ZERO_2, 8, 6 + 12 / 8),
        (Stage.ZERO_3, 8, 18 / 8 + 4 / 32),
    ],
)
def test_sharding_divides_what_its_stage_says(stage: Stage, devices: int, bytes_per_parameter: float) -> None:
    found = states(LLAMA_7B, Method.FULL_FINE_TUNE, Layout(devices, stage))
    assert found / LLAMA_7B.parameters == pytest.approx(bytes_per_parameter, rel=0.01)


@pytest.mark.parametrize(
    ("optimizer", "state"), [(Optimizer.ADAMW, 8.0), (Optimizer.ADAMW_8BIT, 2.0), (Optimizer.SGD, 4.0)]
)
def test_an_optimiser_keeps_its_state_for_every_trained_parameter(optimizer: Optimizer, state: float) -> None:
    found = states(LLAMA_7B, Method.FULL_FINE_TUNE, Layout(2), optimizer=optimizer)
    assert found / LLAMA_7B.parameters == pytest.approx(10 + state, rel=0.01)


def test_frozen_weights_take_what_their_loader_makes_of_them() -> None:
    stored = Network(**{**vars_of(LLAMA_7B), "dtype": "BF16"})
    per_parameter = {
        "built-in": states(stored, Method.LORA, Layout()) / stored.parameters,
        "as stored": states(stored, Method.LORA, Layout(as_stored=True)) / stored.parameters,
        "quantised": states(stored, Method.QLORA, Layout()) / stored.parameters,
    }
    assert per_parameter["built-in"] == pytest.approx(6, rel=0.02)
    assert per_parameter["as stored"] == pytest.approx(2, rel=0.05)
    assert per_parameter["quantised"] == pytest.approx(0.6, rel=0.1)


def vars_of(network: Network) -> dict[str, object]:
    return {name: getattr(network, name) for name in network.__dataclass_fields__}


def test_recomputing_saves_memory_and_costs_a_third_more_work() -> None:
    kept, again = (
        memory(
            BERT,
            Method.FULL_FINE_TUNE,
            effort(spec(batchSize=256), Method.FULL_FINE_TUNE).on(BERT),
            hardware(),
            layout=Layout(checkpointing=flag),
        )
        for flag in (False, True)
    )
    framework = FRAMEWORK_BYTES["accelerator"]
    assert again.median - framework < (kept.median - framework) / 2
    once, twice = (effort(spec(), Method.FULL_FINE_TUNE).on(BERT, checkpointing=flag) for flag in (False, True))
    assert twice.training_flops / once.training_flops == pytest.approx(4 / 3, rel=0.02)


def test_the_built_in_trainer_offers_what_it_can_run() -> None:
    offered = layouts(8, may_shard=False, may_recompute=True)
    assert {layout.stage for layout in offered} == {Stage.DATA_PARALLEL}
    assert [layout.checkpointing for layout in offered] == [False, True]


def test_the_simplest_layout_that_fits_is_taken() -> None:
    tuning = effort(spec(batchSize=256), Method.FULL_FINE_TUNE)
    small, large = (laid_out(tuning, BERT, hardware(memory=size)).hardware.layout for size in ("16Gi", "80Gi"))
    assert (small.checkpointing, large.checkpointing) == (True, False)


def test_a_user_s_own_container_may_shard() -> None:
    layout = laid_out(effort(spec(), Method.FROM_SCRATCH), LLAMA_7B, hardware(8), may_shard=True).hardware.layout
    assert layout.stage is Stage.ZERO_2


@pytest.mark.parametrize(("said", "expected"), [(True, True), (False, False)])
def test_a_user_s_word_on_recomputing_is_kept(said: bool, expected: bool) -> None:
    tuning = effort(spec(batchSize=256, gradientCheckpointing=said), Method.FULL_FINE_TUNE)
    assert laid_out(tuning, BERT, hardware(memory="16Gi")).hardware.layout.checkpointing is expected
    assert laid_out(tuning, BERT, hardware(memory="80Gi")).hardware.layout.checkpointing is expected


def test_what_cannot_be_recomputed_is_not() -> None:
    resnet = Network("resnet", 25_557_032, forward_flops_per_example=8_178_000_000)
    layout = laid_out(
        effort(spec(batchSize=4096), Method.FULL_FINE_TUNE), resnet, hardware(memory="16Gi")
    ).hardware.layout
    assert layout.checkpointing is False


def test_a_plan_that_fits_nowhere_is_refused_with_what_it_needs_and_what_there_is() -> None:
    job = make_job().scratch().methods("FullFineTune")
    large = make_model().architecture(parameters=7 * 10**9, layers=32, hiddenSize=4096)
    record = decided(job, large)
    assert record.rejected["MemoryTooSmall"] == 1
    needed, there = (int(text) for text in re.findall(r"(\d+) bytes", record.rejections["MemoryTooSmall"]))
    assert needed > 16 * 7 * 10**9
    assert there == 8 * GIBIBYTE * 8 // 10 // 2**20 * 2**20


def test_recomputation_that_was_planned_is_what_the_trainer_is_told() -> None:
    job = make_job().methods("FullFineTune").hyperparameters(batchSize=256)
    [small, large] = (
        decided(job, make_model(), profiles=[make_profile().accelerator(memory=size)]).candidates[0]
        for size in ("9Gi", "80Gi")
    )
    assert small.hyperparameters == {"epochs": 6, "gradientCheckpointing": 1}
    assert small.estimate.inputs["gradientCheckpointing"] == "true"
    assert large.hyperparameters == {"epochs": 6}


def test_more_accelerators_are_taken_only_where_one_does_not_hold_it() -> None:
    job = make_job().methods("FullFineTune").hyperparameters(batchSize=2048, gradientCheckpointing=False)
    profiles = [make_profile().accelerator(memory="20Gi")]
    [found] = decided(job, make_model(), profiles=profiles).candidates
    assert found.accelerators_per_pod in {2, 4, 8}
    assert found.estimate.inputs["sharding"] == "data parallel"
    [small] = decided(job.hyperparameters(batchSize=32), make_model(), profiles=profiles).candidates
    assert small.accelerators_per_pod == 1
    assert "MemoryTooSmall" in refused(job.resources(acceleratorsPerPod=1), make_model(), profiles=profiles).message


def test_what_was_planned_survives_the_record_and_reaches_the_run() -> None:
    job = make_job().methods("FullFineTune").hyperparameters(batchSize=256)
    record = decided(job, make_model(), profiles=[make_profile().accelerator(memory="9Gi")])
    again = DecisionRecord.model_validate_json(record.model_dump_json(by_alias=True))
    settings = Hyperparameters.model_validate(again.candidates[0].hyperparameters)
    assert settings.gradient_checkpointing is True
