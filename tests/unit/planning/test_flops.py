"""Derived FLOPs within 3 % of what torch's counter counted, for every family and method that a formula knows."""

import pytest

from builders import make_model
from coppice.api.vocabulary import Method
from coppice.planning.configuration import network_of_config
from coppice.planning.network import Network, network_of
from coppice.planning.passes import training_flops
from networks import BERT, COUNTED, LLAMA_1B, LLAMA_7B, Counted

TOLERANCE = 0.03


def network_for(case: Counted) -> Network:
    network = network_of_config(case.config, case.labels, case.task)
    assert network is not None
    return network


@pytest.mark.parametrize("case", COUNTED, ids=lambda case: f"{case.name} {case.tokens or ''}".strip())
def test_formulas_stay_with_the_counter(case: Counted) -> None:
    network = network_for(case)
    tokens = network.counted_tokens or case.tokens
    if case.method is not Method.LORA:  # the counter's forward pass holds the adapters
        assert network.forward_flops(tokens) / 1e9 == pytest.approx(case.forward, rel=TOLERANCE)
    if case.training is not None:
        found = training_flops(network, case.method, tokens, rank=case.rank, checkpointing=case.checkpointing)
        assert found / 1e9 == pytest.approx(case.training, rel=TOLERANCE)


def share_of_full(
    config: dict[str, object], tokens: int, task: str, rank: int, *, checkpointing: bool = False
) -> float:
    network = network_of_config(config, 2, task)
    assert network is not None
    adapted = training_flops(network, Method.LORA, tokens, rank=rank, checkpointing=checkpointing)
    return adapted / training_flops(network, Method.FULL_FINE_TUNE, tokens)


@pytest.mark.parametrize("config", [BERT, LLAMA_1B, LLAMA_7B], ids=lambda config: str(config["model_type"]))
def test_adapters_save_a_quarter_to_a_third_and_nothing_when_blocks_are_recomputed(config: dict[str, object]) -> None:
    assert 0.66 <= share_of_full(config, 512, "text-generation", 8) <= 0.74
    assert 0.69 <= share_of_full(config, 512, "text-generation", 64) <= 0.80
    assert 0.93 <= share_of_full(config, 512, "text-generation", 8, checkpointing=True) <= 1.05


REGISTERED = {"family": "llama", "layers": 32, "hiddenSize": 4096, "maxSequenceLength": 4096}
WHOLE = {**REGISTERED, "parameters": 6_738_415_616, "embeddingParameters": 131_072_000, "vocabularySize": 32000}
WHOLE |= {"intermediateSize": 11008, "attentionHeads": 32}


def registered(task: str, **architecture: object) -> Network:
    return network_of(make_model().architecture(**architecture).build().spec.architecture, task)


@pytest.mark.parametrize("task", ["text-generation", "text-classification"])
def test_a_registered_model_costs_what_its_configuration_says(task: str) -> None:
    by_figures, by_config = registered(task, **WHOLE), network_of_config(LLAMA_7B, 2, task)
    assert by_config is not None
    assert by_figures.forward_flops(1024) == pytest.approx(by_config.forward_flops(1024), rel=0.01)
    assert by_figures.parameters == pytest.approx(by_config.parameters, rel=0.01)


def test_an_output_head_counts_also_where_it_is_the_embeddings() -> None:
    tied = {"family": "llama", "parameters": 1_235_814_400, "embeddingParameters": 262_668_288, "layers": 16}
    tied |= {"hiddenSize": 2048, "intermediateSize": 8192, "attentionHeads": 32, "keyValueHeads": 8}
    tied |= {"vocabularySize": 128256}
    head = registered("text-generation", **tied).forward_flops(100) - registered(
        "text-classification", **tied
    ).forward_flops(100)
    assert head == pytest.approx(2 * 128256 * 2048 * 100, rel=1e-6)


def test_without_stated_sizes_they_follow_from_the_parameters() -> None:
    stated = registered("text-classification", **WHOLE)
    bare = {**REGISTERED, "parameters": 6_607_343_616, "embeddingParameters": 131_072_000}
    inferred = registered("text-classification", **bare)
    assert inferred.shape is not None
    assert inferred.shape.inner == pytest.approx(11008, rel=0.01)
    for method in (Method.LORA, Method.FULL_FINE_TUNE):
        assert training_flops(inferred, method, 512) == pytest.approx(training_flops(stated, method, 512), rel=0.01)


def test_of_a_mixture_only_what_a_token_passes_through_is_computed() -> None:
    """Mixtral 8x7B: 46.7 B parameters, 12.9 B of them for a token (Jiang et al. 2024)."""
    mixtral = {"model_type": "mixtral", "intermediate_size": 14336, "num_key_value_heads": 8}
    network = network_of_config(mixtral, 2, "text-generation")
    assert network is not None
    assert network.parameters / 1e9 == pytest.approx(46.7, rel=0.005)
    assert network.active_parameters is not None
    assert network.active_parameters / 1e9 == pytest.approx(12.9, rel=0.005)
    sizes = {"parameters": 46_702_792_704, "activeParameters": 12_879_925_248, "embeddingParameters": 131_072_000}
    figures = {**REGISTERED, **sizes, "family": "mixtral"}
    assert registered("", **figures).forward_flops(512) == pytest.approx(network.forward_flops(512), rel=0.01)


def test_a_network_without_blocks_takes_the_usual_ratios() -> None:
    plain = Network("swin", 28_288_354, forward_flops_per_example=8_981_000_000)
    assert training_flops(plain, Method.FULL_FINE_TUNE, 1) == pytest.approx(3 * 8.981e9)
    assert training_flops(plain, Method.LORA, 1) == pytest.approx(2.1 * 8.981e9)
    assert training_flops(plain, Method.LINEAR_PROBE, 1) == 0


def test_figures_of_one_architecture_are_made_once() -> None:
    spec = make_model().build().spec
    assert network_of(spec.architecture, "text-classification") is network_of(spec.architecture)
