"""What a probe says about a rung: how much likelier its quality is to be seen where the target will be met.

A probe trains a linear head on features of a sample of the job's own training data and judges it on held-out examples
of that sample. What the rung itself will reach differs in three ways, which are factors of the error (1 - quality),
because errors shrink by factors where data grows:

    ln error of the rung = ln error of the probe + ln METHOD_RATIO + LEARNING_EXPONENT x ln(sample / examples)
    spread^2             = (standard error / error)^2 + METHOD_SPREAD^2
    z                    = (ln allowed error - ln error of the rung) / spread
    log likelihood ratio = ln(Phi(z) / (1 - Phi(z))), at most MOST_LOGITS either way

Phi(z) is the probability that the target is met by the probe alone (flat prior), so its odds are the ratio that the
prior's odds are multiplied by. The standard error is the binomial one; an error of 0 in n is taken for half an example.
What is used as it is does not grow with data, and of a sample of unknown size no growth is expected.
"""

from collections.abc import Mapping
from decimal import Decimal
from math import log, sqrt
from statistics import NormalDist

from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import Method, Metric

RATIOS = frozenset({Metric.ACCURACY, Metric.BALANCED_ACCURACY, Metric.MACRO_F1})
"""Metrics between guessing and 1, whose error is 1 - quality; of the others a probe says nothing here."""
LEARNING_EXPONENT = 0.25
"""Error falls with the fourth root of the data: measured power laws lie at 0.07 to 0.35 (arXiv:1712.00409)."""
METHOD_RATIO: Mapping[Method, float] = {
    Method.AS_IS: 1.5,
    Method.LINEAR_PROBE: 1.0,
    Method.LORA: 0.85,
    Method.QLORA: 0.85,
    Method.FULL_FINE_TUNE: 0.8,
}
"""Error of a method beside that of a linear head on the same features; assumed until reports say better.

A head that comes with the model was trained on other data; the caller makes sure that it means the same classes.
"""
METHOD_SPREAD: Mapping[Method, float] = {
    Method.AS_IS: 0.7,
    Method.LINEAR_PROBE: 0.2,
    Method.LORA: 0.45,
    Method.QLORA: 0.5,
    Method.FULL_FINE_TUNE: 0.45,
}
"""Standard deviation of its logarithm: a probe says most about itself. Assumed."""
MOST_LOGITS = 3.0
"""A probe is a sample: it moves no chance by more than a factor of 20 in the odds."""
LEAST_ALLOWED_ERROR = 0.001


def probe_logits(probed: ProbedModel | None, method: Method, spec: TrainingJobSpec) -> float | None:
    """Log-odds that a probe adds to a rung's prior; None where it says nothing about it."""
    quality, target = _quality(probed), spec.objective.target
    if probed is None or quality is None or target is None or method not in METHOD_RATIO:
        return None
    if spec.objective.metric not in RATIOS or not probed.examples:
        return None
    held_out = probed.examples
    error = max(1 - float(quality), 0.5 / held_out)
    growth = min(probed.sample / spec.dataset.examples, 1.0) if probed.sample and method is not Method.AS_IS else 1.0
    expected = log(error * METHOD_RATIO[method]) + LEARNING_EXPONENT * log(growth)
    spread = sqrt(error * max(1 - error, 0.5 / held_out) / held_out / error**2 + METHOD_SPREAD[method] ** 2)
    allowed = log(max(1 - float(target), LEAST_ALLOWED_ERROR))
    met = NormalDist().cdf((allowed - expected) / spread)
    return max(-MOST_LOGITS, min(_logit(met), MOST_LOGITS))


def _quality(probed: ProbedModel | None) -> Decimal | None:
    """The linear head's figure, or the neighbours' where there is none."""
    if probed is None:
        return None
    return probed.linear_quality if probed.linear_quality is not None else probed.neighbour_quality


def _logit(probability: float) -> float:
    least = 1e-12
    held = max(least, min(probability, 1 - least))
    return log(held / (1 - held))
