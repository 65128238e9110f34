"""Estimated peak memory against how far a process really grows while it trains, on CPU and in fp32.

There is no accelerator here, so the yardstick is the peak resident growth of a process that trains the network for a
few steps (see `peak_memory.py`); the part of the estimate that stands for libraries is left out on both sides.
`python tests/trainer/test_memory_against_torch.py` prints the whole table.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import make_job, make_profile
from coppice.api.trainingjob import Resources
from coppice.api.vocabulary import Method
from coppice.planning.configuration import network_of_config
from coppice.planning.hardware import configurations
from coppice.planning.memory import FRAMEWORK_BYTES, memory
from coppice.planning.sharding import Layout
from coppice.planning.workload import effort

TOLERANCE = 0.2
TEXT, IMAGE, GENERATION = "text-classification", "image-classification", "text-generation"
BERT = {"model_type": "bert", "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4}
BERT |= {"intermediate_size": 1024}
MINILM = {"model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
LLAMA = {"model_type": "llama", "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4}
LLAMA |= {"intermediate_size": 704, "vocab_size": 32000}
VIT = {"model_type": "vit", "hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768}
RESNET = {"model_type": "resnet", "layer_type": "basic", "hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2]}
RESNET |= {"image_size": 112}


@dataclass(frozen=True)
class Case:
    """What is trained."""

    name: str
    config: dict[str, Any]
    task: str
    batch: int
    tokens: int = 128
    method: Method = Method.FULL_FINE_TUNE
    checkpointing: bool = False


CASES = [
    Case("bert 4 x 256", BERT, TEXT, 24),
    Case("bert 4 x 256 checkpointed", BERT, TEXT, 48, checkpointing=True),
    Case("bert 4 x 256 LoRA", BERT, TEXT, 24, method=Method.LORA),
    Case("bert 4 x 256, long", BERT, TEXT, 4, 512),
    Case("minilm-l6, small batch", MINILM, TEXT, 4, 32),
    Case("minilm-l6 LoRA", MINILM, TEXT, 8, 128, Method.LORA),
    Case("minilm-l6 probe", MINILM, TEXT, 64, 128, Method.LINEAR_PROBE),
    Case("llama 4 x 256 classifier", LLAMA, TEXT, 16),
    Case("llama 4 x 256 LoRA", LLAMA, TEXT, 16, method=Method.LORA),
    Case("llama 4 x 256 generation", LLAMA, GENERATION, 8),
    Case("vit-tiny", VIT, IMAGE, 12),
    Case("vit-tiny LoRA", VIT, IMAGE, 8, method=Method.LORA),
    Case("vit-tiny checkpointed", VIT, IMAGE, 16, checkpointing=True),
    Case("resnet-18 at 112", RESNET, IMAGE, 16),
]


def measured(case: Case) -> float:
    """Peak growth in bytes of a process that trains it."""
    asked = {"config": case.config, "task": case.task, "batch": case.batch, "tokens": case.tokens}
    asked |= {"method": case.method.value, "checkpointing": case.checkpointing, "side": case.config.get("image_size")}
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, str(Path(__file__).with_name("peak_memory.py")), json.dumps(asked)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return float(json.loads(done.stdout.strip().splitlines()[-1])["growth"])


def estimated(case: Case) -> float:
    """The same by formula."""
    network = network_of_config(case.config, 10, case.task)
    assert network is not None
    job = make_job().dataset(tokensPerExample=case.tokens)
    spec = job.hyperparameters(batchSize=case.batch, maxSequenceLength=case.tokens).build().spec
    [hardware] = configurations(make_profile().build(), Resources())
    work = replace(effort(spec, case.method).on(network), batch=case.batch)
    found = memory(network, case.method, work, hardware, layout=Layout(checkpointing=case.checkpointing))
    return found.median - FRAMEWORK_BYTES["cpu"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_estimates_agree_with_what_training_takes(case: Case) -> None:
    assert estimated(case) == pytest.approx(measured(case), rel=TOLERANCE)


def _table(first: int = 0) -> None:
    for case in CASES[first:]:
        real, formula = measured(case), estimated(case)
        off = 100 * (formula / real - 1)
        sys.stdout.write(
            f"{case.name:28} measured {real / 2**20:8.1f} MiB   estimated {formula / 2**20:8.1f} MiB {off:+6.1f} %\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    _table(int((sys.argv[1:] or ["0"])[0]))
