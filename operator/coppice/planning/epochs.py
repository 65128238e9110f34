"""How many passes over the data a training will make: the most that it may, less what early stopping leaves out.

This is the least certain factor of an estimate. A training ends when the target is cleared on the validation part or
when quality no longer rises, and before anything ran nobody knows when. The shares below are judgement from the few
runs of this project: from-scratch plans with a target used a sixth to two thirds of what a flat 0.7 of their most
epochs says, fine-tuning came closer. So the spread is wide, and it is one factor of its own, which reports of finished
jobs correct.
"""

from dataclasses import dataclass
from math import ceil

from coppice.api.trainer_spec import Hyperparameters
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.vocabulary import Method

DEFAULT_EPOCHS = {Method.LORA: 8, Method.QLORA: 8, Method.FULL_FINE_TUNE: 6}
"""Most epochs that the built-in trainer runs where the job does not say, on data of some size."""
LEAST_STEPS, MOST_SMALL_EPOCHS = 400, 30
"""Small data gets more epochs, up to so many: a network that is tuned for a few dozen steps has hardly moved. With
eight epochs of 200 texts every tuned rung of this project's trials ended near the share of the largest class."""
DEFAULT_BATCH = 32
VALIDATION_SHARE = 0.1
"""Part of the training data that is held out and run forward once an epoch."""
ASSUMED_EPOCHS = 10
"""Epochs of a plan from scratch that nobody declared."""


@dataclass(frozen=True)
class Share:
    """Expected share of the most epochs: median, and standard deviation of its logarithm."""

    median: float
    sigma: float


WITH_TARGET = {
    Method.FROM_SCRATCH: Share(0.3, 0.7),
    Method.FULL_FINE_TUNE: Share(0.6, 0.4),
    Method.LORA: Share(0.6, 0.4),
    Method.QLORA: Share(0.6, 0.4),
}
"""Training ends at the target; assumed."""
WITHOUT_TARGET = {
    Method.FROM_SCRATCH: Share(0.6, 0.5),
    Method.FULL_FINE_TUNE: Share(0.7, 0.3),
    Method.LORA: Share(0.7, 0.3),
    Method.QLORA: Share(0.7, 0.3),
}
"""Only a quality that no longer rises ends it before the last epoch; assumed."""
NONE_LEFT_OUT = Share(1.0, 0.0)


def most_epochs(spec: TrainingJobSpec, method: Method) -> int:
    """Most passes over the training data; 0 for methods that train no network."""
    return ceil(_most(spec, method))


def _most(spec: TrainingJobSpec, method: Method) -> float:
    """The same before it is rounded up: estimates use this, so that a little more data never looks cheaper."""
    if method is Method.FROM_SCRATCH:
        return spec.from_scratch.epochs if spec.from_scratch else ASSUMED_EPOCHS
    if method not in DEFAULT_EPOCHS:
        return 0.0
    return settings_of(spec).epochs or max(DEFAULT_EPOCHS[method], _epochs_of_least_steps(spec.dataset.examples))


def _epochs_of_least_steps(examples: int) -> float:
    """Epochs that make so many steps of the usual batch; a larger one does not make data small."""
    return min(LEAST_STEPS * DEFAULT_BATCH / (examples * (1 - VALIDATION_SHARE)), MOST_SMALL_EPOCHS)


def epoch_share(spec: TrainingJobSpec, method: Method) -> Share:
    """The share of the most epochs that is expected to be run, and how sure that is."""
    shares = WITHOUT_TARGET if spec.objective.target is None else WITH_TARGET
    return shares.get(method, NONE_LEFT_OUT)


def expected_epochs(spec: TrainingJobSpec, method: Method) -> float:
    """Median of the passes that early stopping leaves, at least one where any are run."""
    most = _most(spec, method)
    return max(most * epoch_share(spec, method).median, 1.0) if most else 0.0


def epoch_sigma(spec: TrainingJobSpec, method: Method) -> float:
    """Standard deviation of the logarithm of the passes; 0 where there is at most one."""
    return epoch_share(spec, method).sigma if most_epochs(spec, method) > 1 else 0.0


def settings_of(spec: TrainingJobSpec) -> Hyperparameters:
    """The hyper-parameters that the job states."""
    return (spec.trainer and spec.trainer.hyperparameters) or Hyperparameters()
