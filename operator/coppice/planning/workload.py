"""What a method does with the data: passes, steps and FLOPs.

    AsIs          one forward pass over the evaluation data
    LinearProbe   one forward pass over all data (features are computed once and kept), then a head that costs nothing
    LoRA          0.70 of a full training pass: counted 0.67 to 0.74 at rank 8 on all linear layers
    QLoRA         1.01 of one: its recipes recompute activations
    FullFineTune  a training pass is three forward passes (6ND)
    FromScratch   the same, for the epochs of the user's plan

Counts of the ratios: torch's FLOP counter on meta tensors for BERT-base and four Llama-like models. Early stopping
ends before the last epoch; how early is an assumption until reports say better.
"""

from dataclasses import dataclass

from coppice.api.trainer_spec import Hyperparameters
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.vocabulary import Method
from coppice.planning.network import Network

TRAINING_PASSES = {
    Method.LORA: 3 * 0.70,
    Method.QLORA: 3 * 1.01,
    Method.FULL_FINE_TUNE: 3.0,
    Method.FROM_SCRATCH: 3.0,
}
"""FLOPs of training on one example, in forward passes of that example."""

DEFAULT_EPOCHS = {Method.LORA: 8, Method.QLORA: 8, Method.FULL_FINE_TUNE: 6}
"""Most epochs that the built-in trainer runs where the job does not say."""
EXPECTED_EPOCH_SHARE = 0.7
"""Share of the most epochs that early stopping is expected to leave; assumed."""
DEFAULT_TOKENS = 128
DEFAULT_BATCH = 32
FORWARD_BATCH = 64
VALIDATION_SHARE = 0.1
"""Part of the training data that is held out and run forward once an epoch."""
EVALUATION_SHARE = 0.25
"""Size of separate evaluation data in examples, relative to the training data; assumed, the spec does not say."""
LORA_RANK = 8


@dataclass(frozen=True)
class Workload:
    """The work of one attempt: FLOPs in and outside training, optimiser steps, tokens of an example, sizes."""

    tokens: int
    epochs: float
    batch: int
    forward_flops: float
    training_flops: float
    steps: float
    forward_steps: float

    @property
    def flops(self) -> float:
        """All of it."""
        return self.forward_flops + self.training_flops


def workload(spec: TrainingJobSpec, network: Network, method: Method) -> Workload:
    """The work of a method on a job's data."""
    settings = _settings(spec)
    tokens = network.tokens(min(spec.dataset.tokens_per_example or DEFAULT_TOKENS, _cut(settings)))
    forward = network.forward_flops(tokens)
    examples = spec.dataset.examples
    evaluated = examples * (EVALUATION_SHARE if spec.dataset.evaluation_uri else VALIDATION_SHARE)
    epochs = expected_epochs(spec, method)
    batch = settings.batch_size or DEFAULT_BATCH
    read = evaluated + (examples if method is Method.LINEAR_PROBE else epochs * VALIDATION_SHARE * examples)
    trained = epochs * (1 - VALIDATION_SHARE) * examples
    return Workload(
        tokens=tokens,
        epochs=epochs,
        batch=batch,
        forward_flops=read * forward,
        training_flops=trained * forward * TRAINING_PASSES.get(method, 0.0),
        steps=trained / batch,
        forward_steps=read / FORWARD_BATCH,
    )


def most_epochs(spec: TrainingJobSpec, method: Method) -> int:
    """Most passes over the training data; 0 for methods that train no network."""
    if method is Method.FROM_SCRATCH:
        return spec.from_scratch.epochs if spec.from_scratch else ASSUMED_EPOCHS
    return _settings(spec).epochs or DEFAULT_EPOCHS[method] if method in DEFAULT_EPOCHS else 0


def expected_epochs(spec: TrainingJobSpec, method: Method) -> float:
    """Passes that early stopping is expected to leave, at least one where any are run."""
    most = most_epochs(spec, method)
    return max(most * EXPECTED_EPOCH_SHARE, 1.0) if most else 0.0


ASSUMED_EPOCHS = 10
"""Epochs of a plan from scratch that nobody declared."""


def _settings(spec: TrainingJobSpec) -> Hyperparameters:
    return (spec.trainer and spec.trainer.hyperparameters) or Hyperparameters()


def _cut(settings: Hyperparameters) -> int:
    return settings.max_sequence_length or DEFAULT_TOKENS
