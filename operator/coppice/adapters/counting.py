"""A plan's unknown network, counted by the trainer in a process of its own where torch is installed.

Planning knows the common families by formula. Any other family that transformers can build is counted on tensors
without data, which takes some seconds and so is for people at a command line; an operator without torch goes on saying
that the family is unknown.
"""

import json
import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec

from pydantic import ValidationError

from coppice.api.count import NetworkCount
from coppice.api.trainingjob import TrainingJobSpec
from coppice.planning.network import Network
from coppice.planning.workload import DEFAULT_TOKENS

COUNT_SECONDS = 120
"""Longest that a count may take; the process is ended then."""


def can_count() -> bool:
    """Whether the trainer's libraries are installed beside this program."""
    return all(find_spec(name) is not None for name in ("torch", "transformers"))


def count_network(spec: TrainingJobSpec) -> Network | None:
    """The network of the job's plan from scratch; None without a plan, or where it cannot be counted."""
    if spec.from_scratch is None:
        return None
    hyperparameters = spec.trainer.hyperparameters if spec.trainer else None
    cut = (hyperparameters and hyperparameters.max_sequence_length) or DEFAULT_TOKENS
    tokens = min(spec.dataset.tokens_per_example or DEFAULT_TOKENS, cut)
    text = json.dumps(spec.from_scratch.config, sort_keys=True)
    return _counted(text, spec.task, spec.dataset.labels or 2, tokens)


def network_of_count(count: NetworkCount) -> Network:
    """The counted figures as planning sees a network."""
    return Network(
        family=count.family,
        parameters=count.parameters,
        embedding_parameters=min(count.embedding_parameters, count.parameters - 1),
        layers=count.layers,
        hidden_size=count.hidden_size,
        image_size=count.image_size,
        forward_flops_per_example=count.forward_flops,
        stem_flops=max(3 * count.forward_flops - count.training_flops, 0),
        kept_elements=count.kept_elements,
        counted_tokens=count.tokens,
    )


@lru_cache(maxsize=64)
def _counted(config: str, task: str, labels: int, tokens: int) -> Network | None:
    sizes = ["--labels", str(labels), "--tokens", str(tokens)]
    command = [sys.executable, "-m", "coppice.trainer", "count", "--task", task, *sizes]
    try:
        done = subprocess.run(  # noqa: S603 (our own module; the configuration goes in as data)
            command, input=config, capture_output=True, text=True, timeout=COUNT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    try:
        return network_of_count(NetworkCount.model_validate_json(done.stdout.strip().rpartition("\n")[2]))
    except ValidationError:
        return None
