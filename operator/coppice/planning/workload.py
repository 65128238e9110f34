"""What a method does with the data: passes, steps and FLOPs.

AsIs          one forward pass over the evaluation data
LinearProbe   one forward pass over all data (features are computed once and kept), then a head that costs nothing
LoRA, QLoRA, FullFineTune, FromScratch
              the epochs that are expected, each with a training pass (see `passes`) over the training part and a
              forward pass over the validation part
"""

from dataclasses import dataclass
from decimal import Decimal

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


@dataclass(frozen=True)
class Effort:
    """What a method does with a job's data, whatever the network: examples read forward and trained on, epochs, sizes.

    `mean` is the length of an example in tokens, `cut` the longest that is kept, `recompute` the user's own word on
    computing activations again, `data_price` what the data costs.
    """

    method: Method
    read: float
    trained: float
    epochs: float
    epoch_sigma: float
    batch: int
    rank: int
    mean: int
    cut: int
    recompute: bool | None
    data_price: Decimal | None

    def on(self, network: Network, *, checkpointing: bool = False) -> Workload:
        """The work of it on a network; `checkpointing` computes activations again in the backward pass."""
        tokens = network.tokens(min(self.mean, self.cut))
        forward = network.forward_flops(tokens)
        training = training_flops(network, self.method, tokens, rank=self.rank, checkpointing=checkpointing)
        return Workload(
            tokens=tokens,
            epochs=self.epochs,
            batch=self.batch,
            forward_flops=self.read * forward,
            training_flops=self.trained * training,
            steps=self.trained / self.batch,
            forward_steps=self.read / FORWARD_BATCH,
            longest=network.tokens(min(self.mean * LONGEST_OVER_MEAN, self.cut)),
            rank=self.rank,
            checkpointing=checkpointing,
            epoch_sigma=self.epoch_sigma,
        )


def effort(spec: TrainingJobSpec, method: Method) -> Effort:
    """What a method does with a job's data."""
    settings, examples = settings_of(spec), spec.dataset.examples
    evaluated = examples * _evaluation_share(spec.dataset)
    epochs = expected_epochs(spec, method)
    return Effort(
        method=method,
        read=evaluated + (examples if method is Method.LINEAR_PROBE else epochs * VALIDATION_SHARE * examples),
        trained=epochs * (1 - VALIDATION_SHARE) * examples,
        epochs=epochs,
        epoch_sigma=epoch_sigma(spec, method),
        batch=settings.batch_size or DEFAULT_BATCH,
        rank=settings.lora_rank or LORA_RANK,
        mean=spec.dataset.tokens_per_example or DEFAULT_TOKENS,
        cut=settings.max_sequence_length or DEFAULT_TOKENS,
        recompute=settings.gradient_checkpointing,
        data_price=spec.dataset.price,
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
    "Effort",
    "Hyperparameters",
    "Workload",
    "effort",
    "expected_epochs",
    "most_epochs",
]
