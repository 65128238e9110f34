"""FLOPs and parameters against counts by torch's FLOP counter on meta tensors (2 per multiply-add)."""

import pytest

from builders import make_job, make_model
from coppice.api.vocabulary import Method
from coppice.planning.configuration import network_of_config
from coppice.planning.network import Network, network_of
from coppice.planning.workload import TRAINING_PASSES, workload

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
    assert network.forward_flops(tokens) * TRAINING_PASSES[Method.FULL_FINE_TUNE] == pytest.approx(counted, rel=0.02)


def test_an_unknown_family_is_not_guessed() -> None:
    assert network_of_config({"model_type": "perceiver"}, 2) is None


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
        (Method.LORA, 5.6 * (900 * 2.1 + 100) + 100),
        (Method.QLORA, 5.6 * (900 * 3.03 + 100) + 100),
        (Method.FULL_FINE_TUNE, 4.2 * (900 * 3 + 100) + 100),
        (Method.FROM_SCRATCH, 7 * (900 * 3 + 100) + 100),
    ],
)
def test_a_method_costs_its_passes_over_the_data(method: Method, passes: float) -> None:
    assert workload(SPEC, MINILM, method).flops == pytest.approx(passes * FORWARD)


def test_a_job_s_own_epochs_and_length_are_what_is_estimated() -> None:
    spec = make_job().hyperparameters(epochs=1, maxSequenceLength=32).build().spec
    work = workload(spec, MINILM, Method.LORA)
    assert (work.tokens, work.epochs) == (32, 1.0)
