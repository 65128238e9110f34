"""Hours of large runs: the utilisation model against one constant share of peak, a family left out at a time."""

from collections.abc import Callable, Sequence
from math import exp, log
from operator import attrgetter

import numpy as np

from coppice.planning.utilisation import Coefficients, overlapped, sustained_flops
from evaluation.fitting import Vector, covariance, most_probable
from evaluation.runs import Run

PRIOR = {"sustained": 0.55, "traffic_bytes": 400.0, "network": 0.15}
PRIOR_SIGMA = {"sustained": 0.15, "traffic_bytes": 0.5, "network": 0.6}
"""Of logarithms. Sustained: kernels reach 0.6 to 0.7 of dense peak, a tenth of the hours bring no step. Traffic: some
50 values of two bytes read or written for a token, unit of width and block, forward and twice that backward, fused in
part. Network: a sixth of an A100's step is not hidden, give or take a factor of two."""
GOODPUT, GOODPUT_SIGMA = 0.02, 0.02
"""A run of 4,096 devices loses 15 %, give or take as much."""
FAMILY_SIGMA, ROW_SIGMA = 0.2, 0.15


def usable(runs: Sequence[Run], use: str = "fit") -> list[Run]:
    """Runs whose hours may be used so."""
    return [run for run in runs if run.hours_use == use]


def fitted(runs: Sequence[Run]) -> Coefficients:
    """The most probable constants on these runs."""
    observed = np.array([log(run.reached) for run in runs])
    prior = np.array([*(log(value) for value in PRIOR.values()), GOODPUT])
    sigma = np.array([*PRIOR_SIGMA.values(), GOODPUT_SIGMA])
    noise = covariance([run.family for run in runs], FAMILY_SIGMA, ROW_SIGMA)

    def residuals(constants: Vector) -> Vector:
        modelled: Vector = np.array([log(reached(run, _coefficients(constants))) for run in runs])
        difference: Vector = observed - modelled
        return difference

    return _coefficients(most_probable(residuals, prior, sigma, noise))


def _coefficients(constants: Vector) -> Coefficients:
    sustained, traffic, network = (exp(value) for value in constants[:3])
    return Coefficients(sustained, traffic, network, float(constants[3]))


def reached(run: Run, coefficients: Coefficients) -> float:
    """Share of peak that the model expects."""
    devices = run.answer.hardware.devices
    rate = devices * sustained_flops(run.device, devices, run.shape, coefficients)
    return run.flops / overlapped(run.flops / rate, run.launch_seconds) / (devices * run.device.peak_flops)


def left_out(runs: Sequence[Run], group: Callable[[Run], str] = attrgetter("family")) -> dict[str, tuple[float, float]]:
    """By run: log of expected over published hours, of the model and of the constant, both blind to its group."""
    errors = {}
    for family in sorted({group(run) for run in runs}):
        others = [run for run in runs if group(run) != family]
        coefficients = fitted(others)
        constant = float(np.median([run.reached for run in others]))
        for run in runs:
            if group(run) == family:
                errors[run.id] = log(run.reached / reached(run, coefficients)), log(run.reached / constant)
    return errors
