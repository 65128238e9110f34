"""What a method does with the data: passes, steps and FLOPs.

AsIs          one forward pass over the evaluation data
LinearProbe   one forward pass over all data (features are computed once and kept), then a head that costs nothing
LoRA, QLoRA, FullFineTune, FromScratch
              the epochs that are expected, each with a training pass (see `passes`) over the training part and a
              forward pass over the validation part
"""

from dataclasses import dataclass

from coppice.api.dataset import Dataset
from coppice.api.trainer_spec import Hyperparameters
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.vocabulary import Method
from coppice.planning.epochs import (
    ASSUMED_EPOCHS,
    DEFAULT_BATCH,
    DEFAULT_EPOCHS,
    VALIDATION_SHARE,
    epoch_sigma,
    expected_epochs,
    most_epochs,
    settings_of,
)
from coppice.planning.network import Network
from coppice.planning.passes import LORA_RANK, TRAINING_PASSES, training_flops

DEFAULT_TOKENS = 128
FORWARD_BATCH = 64
EVALUATION_SHARE = 0.25
"""Size of separate evaluation data relative to the training data; assumed where the job does not state both sizes."""
LONGEST_OVER_MEAN = 4
"""How much longer than the mean an example may be before it is cut; the longest batch decides memory. Assumed."""


@dataclass(frozen=True)
class Workload:
    """The work of one attempt: FLOPs in and outside training, optimiser steps, tokens of an example, sizes.

    `longest` is the length in tokens of the longest examples; `epoch_sigma` how uncertain the epochs are, as standard
    deviation of their logarithm.
    """

    tokens: int
    epochs: float
    batch: int
    forward_flops: float
    training_flops: float
    steps: float
    forward_steps: float
    longest: int = 0
    rank: int = LORA_RANK
    checkpointing: bool = False
    epoch_sigma: float = 0.0

    @property
    def flops(self) -> float:
        """All of it."""
        return self.forward_flops + self.training_flops


def workload(spec: TrainingJobSpec, network: Network, method: Method, *, checkpointing: bool = False) -> Workload:
    """The work of a method on a job's data; `checkpointing` computes activations again in the backward pass."""
    settings = settings_of(spec)
    cut = settings.max_sequence_length or DEFAULT_TOKENS
    mean = spec.dataset.tokens_per_example or DEFAULT_TOKENS
    tokens = network.tokens(min(mean, cut))
    forward = network.forward_flops(tokens)
    examples = spec.dataset.examples
    evaluated = examples * _evaluation_share(spec.dataset)
    epochs = expected_epochs(spec, method)
    batch = settings.batch_size or DEFAULT_BATCH
    rank = settings.lora_rank or LORA_RANK
    read = evaluated + (examples if method is Method.LINEAR_PROBE else epochs * VALIDATION_SHARE * examples)
    trained = epochs * (1 - VALIDATION_SHARE) * examples
    return Workload(
        tokens=tokens,
        epochs=epochs,
        batch=batch,
        forward_flops=read * forward,
        training_flops=trained * training_flops(network, method, tokens, rank=rank, checkpointing=checkpointing),
        steps=trained / batch,
        forward_steps=read / FORWARD_BATCH,
        longest=network.tokens(min(mean * LONGEST_OVER_MEAN, cut)),
        rank=rank,
        checkpointing=checkpointing,
        epoch_sigma=epoch_sigma(spec, method),
    )


def _evaluation_share(dataset: Dataset) -> float:
    """Evaluation data over training data, by their sizes where both are stated."""
    if not dataset.evaluation_uri:
        return VALIDATION_SHARE
    if dataset.size_bytes and dataset.evaluation_size_bytes:
        return dataset.evaluation_size_bytes / dataset.size_bytes
    return EVALUATION_SHARE


__all__ = [
    "ASSUMED_EPOCHS",
    "DEFAULT_BATCH",
    "DEFAULT_EPOCHS",
    "LORA_RANK",
    "TRAINING_PASSES",
    "VALIDATION_SHARE",
    "Hyperparameters",
    "Workload",
    "expected_epochs",
    "most_epochs",
    "workload",
]
