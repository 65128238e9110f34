"""`python -m coppice.trainer count`: networks that no formula knows, counted on tensors without data."""

import json
import subprocess
import sys
from typing import Any

import pytest

from coppice.api.count import NetworkCount
from coppice.planning.configuration import network_of_config
from coppice.trainer.count import count
from coppice.trainer.faults import TrainerError

BERT = {"model_type": "bert", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 1000}
FNET = {**BERT, "model_type": "fnet"}
GPT2 = {"model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 2, "vocab_size": 1000}
QWEN = {**BERT, "model_type": "qwen3", "intermediate_size": 128, "head_dim": 32}
QWEN |= {"num_key_value_heads": 2}
CONVNEXT = {"model_type": "convnext", "hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2, "image_size": 32}


def command(config: Any, *options: str) -> subprocess.CompletedProcess[str]:
    """The trainer as a process, with the configuration on standard input."""
    line = [sys.executable, "-m", "coppice.trainer", "count", *options]
    return subprocess.run(line, input=json.dumps(config), capture_output=True, text=True, check=False)


def test_a_configuration_on_standard_input_becomes_figures_on_standard_output() -> None:
    done = command(FNET, "--labels", "4", "--tokens", "32")
    assert done.returncode == 0, done.stderr
    found = NetworkCount.model_validate_json(done.stdout)
    assert (found.family, found.layers, found.hidden_size, found.tokens) == ("fnet", 2, 64, 32)
    assert found.embedding_parameters == (1000 + 512 + 4) * 64
    feed_forward = 2 * 2 * 64 * 3072 * 32 * 2
    assert feed_forward < found.forward_flops < 1.2 * feed_forward
    assert found.training_flops == pytest.approx(3 * found.forward_flops, rel=0.05)


@pytest.mark.parametrize(
    ("config", "task"),
    [(BERT, "text-classification"), (QWEN, "text-generation"), (CONVNEXT, "image-classification")],
    ids=["bert", "qwen3", "convnext"],
)
def test_a_count_agrees_with_the_formula_where_there_is_one(config: dict[str, Any], task: str) -> None:
    found, known = count(config, task, 4, 32, None), network_of_config(config, 4, task)
    assert known is not None
    assert found.forward_flops == pytest.approx(known.forward_flops(32), rel=0.02)
    assert found.parameters == pytest.approx(known.parameters, rel=0.1)  # biases weigh in tiny networks


def test_grouped_convolutions_are_taken_as_three_forward_passes() -> None:
    found = count(CONVNEXT, "image-classification", 4, 32, None)
    assert found.training_flops == 3 * found.forward_flops
    assert "3 x forward" in found.flop_method


def test_a_decoder_of_another_kind_is_counted_with_what_it_keeps() -> None:
    found = count(GPT2, "text-generation", 2, 32, None)
    assert found.forward_flops > 2 * 2 * 12 * 64**2 * 32
    assert found.kept_elements is None or found.kept_elements > 2 * 16 * 64 * 32


@pytest.mark.parametrize(
    ("config", "task", "word"),
    [
        ({**BERT, "auto_map": {"AutoModel": "code.Model"}}, "text-classification", "auto_map"),
        ({"model_type": "no-such-family"}, "text-classification", "configuration"),
        ({**BERT, "num_attention_heads": 3}, "text-classification", "counted"),
        (BERT, "object-detection", "object-detection"),
        (["no", "object"], "text-classification", "object"),
    ],
)
def test_what_cannot_be_counted_says_why(config: Any, task: str, word: str) -> None:
    with pytest.raises(TrainerError, match=word):
        count(config, task, 2, 16, None)


def test_a_refusal_leaves_standard_output_empty() -> None:
    done = command({**BERT, "auto_map": {}})
    assert (done.returncode, done.stdout) == (77, "")
    assert "RemoteCodeRefused" in done.stderr
