"""FLOPs and parameters against counts by torch's FLOP counter on meta tensors (2 per multiply-add)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_job, make_model
from coppice.api.vocabulary import Method
from coppice.planning.configuration import network_of_config
from coppice.planning.epochs import most_epochs
from coppice.planning.families import BERT_LIKE, CONVOLUTIONAL, LLAMA_LIKE, MIXTURES, VIT_LIKE
from coppice.planning.network import Network, network_of
from coppice.planning.passes import training_flops
from coppice.planning.workload import effort
from worlds import Case

RESNET18 = {"model_type": "resnet", "layer_type": "basic", "hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2]}
VIT_TINY = {"model_type": "vit", "hidden_size": 192, "intermediate_size": 768}


@pytest.mark.parametrize(
    ("config", "labels", "giga_flops", "million_parameters"),
    [
        (RESNET18, 1000, 3.628, 11.69),
        ({"model_type": "resnet"}, 1000, 8.178, 25.56),
        (VIT_TINY, 1000, 2.507, 5.72),
        ({"model_type": "vit", "hidden_size": 384, "intermediate_size": 1536}, 1000, 9.198, 22.05),
        ({"model_type": "vit"}, 1000, 35.128, 86.57),
    ],
    ids=["resnet18", "resnet50", "vit-tiny", "vit-small", "vit-base"],
)
def test_vision_models_cost_what_was_counted(
    config: dict[str, object], labels: int, giga_flops: float, million_parameters: float
) -> None:
    network = network_of_config(config, labels)
    assert network is not None
    assert network.forward_flops(0) / 1e9 == pytest.approx(giga_flops, rel=0.01)
    assert network.parameters / 1e6 == pytest.approx(million_parameters, rel=0.01)


@pytest.mark.parametrize(
    ("config", "millions", "without_embeddings"),
    [
        ({"model_type": "bert"}, 109.5, 85.6),
        ({"model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}, 22.7, 10.8),
        ({"model_type": "distilbert", "dim": 768, "n_layers": 6, "hidden_dim": 3072}, 67.0, 43.1),
        ({"model_type": "llama"}, 6607.3, 6476.3),
    ],
    ids=["bert-base", "minilm-l6", "distilbert", "llama2-7b without its second embedding"],
)
def test_text_models_have_as_many_parameters_as_published(
    config: dict[str, object], millions: float, without_embeddings: float
) -> None:
    network = network_of_config(config, 2)
    assert network is not None
    assert network.parameters / 1e6 == pytest.approx(millions, rel=0.01)
    assert network.matrix_parameters / 1e6 == pytest.approx(without_embeddings, rel=0.01)


@pytest.mark.parametrize(("tokens", "over_6nd"), [(128, 1.019), (512, 1.102)])
def test_training_bert_costs_what_was_counted_over_6nd(tokens: int, over_6nd: float) -> None:
    network = network_of_config({"model_type": "bert"}, 2)
    assert network is not None
    counted = over_6nd * 6 * 85.6e6 * tokens
    assert training_flops(network, Method.FULL_FINE_TUNE, tokens) == pytest.approx(counted, rel=0.01)


def test_an_unknown_family_is_not_guessed() -> None:
    assert network_of_config({"model_type": "perceiver"}, 2) is None


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "resnet", "hidden_sizes": 5},
        {"model_type": "resnet", "hidden_sizes": ["a"], "depths": [1]},
        {"model_type": "resnet", "hidden_sizes": [64], "depths": [1.5]},
        {"model_type": "resnet", "hidden_sizes": [64, 128], "depths": [2]},
        {"model_type": "resnet", "hidden_sizes": [64], "depths": [10**8]},
        {"model_type": "bert", "hidden_size": "wide"},
        {"model_type": "bert", "hidden_size": True},
        {"model_type": "bert", "num_hidden_layers": 0},
        {"model_type": "llama", "num_attention_heads": -1},
        {"model_type": "llama", "hidden_size": 10**300},
        {"model_type": "vit", "image_size": [224, 224]},
        {"model_type": "vit", "image_size": 8, "patch_size": 16},
    ],
    ids=str,
)
def test_a_size_that_is_none_makes_the_network_unknown(config: dict[str, object]) -> None:
    assert network_of_config(config, 2) is None


def test_a_size_may_be_null_or_written_with_a_point() -> None:
    said = network_of_config({"model_type": "bert", "hidden_size": 768.0, "vocab_size": None}, 2)
    assert said == network_of_config({"model_type": "bert"}, 2)


FAMILIES = sorted(BERT_LIKE | LLAMA_LIKE | MIXTURES | VIT_LIKE | CONVOLUTIONAL | {"swin"})
KEYS = "hidden_size dim num_hidden_layers n_layers intermediate_size hidden_dim max_position_embeddings vocab_size"
KEYS += " type_vocab_size num_attention_heads num_key_value_heads image_size patch_size num_channels embedding_size"
KEYS += " hidden_sizes depths layer_type downsample_in_first_stage head_dim num_experts moe_intermediate_size mlp_ratio"
KEYS += " embed_dim window_size num_heads width_coefficient depth_coefficient num_block_repeats strides expand_ratios"
KEYS += " depth_multiplier"
SIZES = st.integers(-1, 9) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | SIZES | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CONFIGS = st.builds(
    lambda family, sizes: {"model_type": family, **sizes},
    st.sampled_from(FAMILIES) | JSON,
    st.dictionaries(st.sampled_from(KEYS.split()), SIZES | st.lists(SIZES, max_size=4) | JSON, max_size=6),
)


@settings(max_examples=80, deadline=None)
@given(CONFIGS, st.integers(2, 10**6))
def test_no_configuration_breaks_the_network(config: dict[str, object], labels: int) -> None:
    network = network_of_config(config, labels)
    assert network is None or network.parameters >= 1


@settings(max_examples=25, deadline=None)
@given(CONFIGS)
def test_no_configuration_breaks_the_decision(config: dict[str, object]) -> None:
    job = make_job().set("spec.fromScratch", {"config": config, "epochs": 10})
    assert Case(job, [make_model()]).decide() is not None


def test_embeddings_cost_memory_and_no_flops() -> None:
    small, large = (Network("bert", 10**7 + n, n, 2, 128) for n in (0, 10**8))
    assert small.forward_flops(64) == large.forward_flops(64)


def test_examples_are_cut_to_the_longest_input() -> None:
    assert Network("bert", 10**7, 0, 2, 128, max_sequence_length=64).tokens(500) == 64


SPEC = make_job().dataset(examples=1000, tokensPerExample=100, evaluationURI=None).build().spec
MINILM = network_of(make_model().build().spec.architecture)
FORWARD = MINILM.forward_flops(100)


@pytest.mark.parametrize(
    ("method", "passes"),
    [
        (Method.AS_IS, 100),
        (Method.LINEAR_PROBE, 1000 + 100),
        (Method.LORA, 8.533 * (900 * 2.1 + 100) + 100),
        (Method.QLORA, 8.533 * (900 * 3.1 + 100) + 100),
        (Method.FULL_FINE_TUNE, 8.533 * (900 * 3 + 100) + 100),
        (Method.FROM_SCRATCH, 3 * (900 * 3 + 100) + 100),
    ],
)
def test_a_method_costs_its_passes_over_the_data(method: Method, passes: float) -> None:
    assert effort(SPEC, method).on(MINILM).flops == pytest.approx(passes * FORWARD, rel=0.03)


@pytest.mark.parametrize(("examples", "epochs"), [(50, 30), (600, 24), (1000, 15), (5485, 6), (10**6, 6)])
def test_small_data_gets_epochs_enough_to_move_a_network(examples: int, epochs: int) -> None:
    spec = make_job().dataset(examples=examples).build().spec
    assert most_epochs(spec, Method.FULL_FINE_TUNE) == epochs
    assert most_epochs(make_job().dataset(examples=examples).hyperparameters(epochs=3).build().spec, Method.LORA) == 3


def test_a_job_s_own_epochs_and_length_are_what_is_estimated() -> None:
    spec = make_job().hyperparameters(epochs=1, maxSequenceLength=32).build().spec
    work = effort(spec, Method.LORA).on(MINILM)
    assert (work.tokens, work.epochs) == (32, 1.0)
