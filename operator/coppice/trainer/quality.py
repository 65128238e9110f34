"""The objective's metric with its standard error, so that a difference can be told from luck."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score, f1_score

from coppice.api.result import Reason
from coppice.api.vocabulary import Metric
from coppice.trainer.faults import TrainerError

BOOTSTRAPS = 200

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Quality:
    """A metric's value on n examples."""

    value: float
    standard_error: float
    n: int


def measure(metric: Metric, logits: Array, labels: Array, seed: int = 0) -> Quality:
    """The metric of predictions (n x classes) against labels (n).

    Standard errors: binomial for accuracy, per class for balanced accuracy, of the mean for loss, and by a seeded
    bootstrap of 200 for macro F1, which has no closed form. Raises TrainerError Unsupported for a custom metric.
    """
    if metric not in _MEASURES:
        raise TrainerError(Reason.UNSUPPORTED, f"the built-in trainer cannot measure {metric.value}")
    value, error = _MEASURES[metric](np.asarray(logits, dtype=np.float64), np.asarray(labels), seed)
    return Quality(float(value), float(error), len(labels))


def _accuracy(logits: Array, labels: Array, _: int) -> tuple[float, float]:
    share = float((logits.argmax(-1) == labels).mean())
    return share, (share * (1 - share) / len(labels)) ** 0.5


def _balanced_accuracy(logits: Array, labels: Array, _: int) -> tuple[float, float]:
    right = logits.argmax(-1) == labels
    shares = [(float(right[labels == label].mean()), int((labels == label).sum())) for label in np.unique(labels)]
    variance = sum(share * (1 - share) / count for share, count in shares)
    return float(balanced_accuracy_score(labels, logits.argmax(-1))), variance**0.5 / len(shares)


def _macro_f1(logits: Array, labels: Array, seed: int) -> tuple[float, float]:
    guesses = logits.argmax(-1)
    random = np.random.default_rng(seed)
    draws = (random.integers(0, len(labels), len(labels)) for _ in range(BOOTSTRAPS))
    scores = [_f1(guesses[rows], labels[rows]) for rows in draws]
    return _f1(guesses, labels), float(np.std(scores, ddof=1))


def _f1(guesses: Array, labels: Array) -> float:
    return float(f1_score(labels, guesses, average="macro", zero_division=0))


def _loss(logits: Array, labels: Array, _: int) -> tuple[float, float]:
    top = logits.max(-1, keepdims=True)
    losses = np.log(np.exp(logits - top).sum(-1)) + top[:, 0] - logits[np.arange(len(labels)), labels]
    return float(losses.mean()), float(losses.std(ddof=1) / len(labels) ** 0.5) if len(labels) > 1 else 0.0


_MEASURES: dict[Metric, Callable[[Array, Array, int], tuple[float, float]]] = {
    Metric.ACCURACY: _accuracy,
    Metric.BALANCED_ACCURACY: _balanced_accuracy,
    Metric.MACRO_F1: _macro_f1,
    Metric.LOSS: _loss,
}
