"""Power of accelerators given a run's hours: the model against the board's limit and against one constant share."""

from collections.abc import Sequence
from math import exp, log

import numpy as np

from coppice.planning.power import PowerCoefficients, accelerator_fraction, typical_share
from coppice.planning.utilisation import FITTED, IMAGE_SIDE, input_seconds
from evaluation.fitting import Vector, covariance, most_probable
from evaluation.hours import reached
from evaluation.runs import Run, families

PRIOR = PowerCoefficients(top=0.85, rise=0.3, half=2e7)
PRIOR_SIGMA = (0.1, 0.5, 0.6)
"""Of logarithms. Large runs draw 0.7 to 0.95 of the limit; half the work draws four fifths of the power; networks
of some ten million parameters leave an accelerator half idle."""
FAMILY_SIGMA, ROW_SIGMA = 0.12, 0.12


def usable(runs: Sequence[Run]) -> list[Run]:
    """Runs whose power was measured."""
    return [run for run in runs if run.power_use == "fit"]


def fitted(runs: Sequence[Run]) -> PowerCoefficients:
    """The most probable constants on these runs."""
    observed = np.array([log(fraction(run)) for run in runs])
    noise = covariance([run.family for run in runs], FAMILY_SIGMA, ROW_SIGMA)

    def residuals(constants: Vector) -> Vector:
        modelled: Vector = np.array([log(expected(run, _coefficients(constants))) for run in runs])
        difference: Vector = observed - modelled
        return difference

    prior = np.log([PRIOR.top, PRIOR.rise, PRIOR.half])
    return _coefficients(most_probable(residuals, prior, np.array(PRIOR_SIGMA), noise))


def _coefficients(constants: Vector) -> PowerCoefficients:
    return PowerCoefficients(*(exp(value) for value in constants))


def fraction(run: Run) -> float:
    """Measured watts over the limit, of the chip or of the chip with its system as the run measured it."""
    assert run.watts is not None
    return run.watts / run.accelerator.peak_watts


def expected(run: Run, coefficients: PowerCoefficients) -> float:
    """The same, expected at the share of peak that the hours say, or the model where tokens are unknown."""
    device = run.accelerator
    part = accelerator_fraction(activity(run), typical_share(run.device), run.active_parameters, coefficients)
    chip = device.idle_watts + (device.peak_watts - device.idle_watts) * part
    return (chip + (device.host_watts if run.with_system else 0.0)) / device.peak_watts


def activity(run: Run) -> float:
    """Share of peak over the run."""
    if run.tokens is not None and run.hours is not None:
        return run.reached
    expected = reached(run, FITTED)
    if run.architecture != "vision":
        return expected
    flops = 3 * run.shape.flops_per_token * run.sequence_length
    return min(expected, flops / (input_seconds(1, IMAGE_SIDE, 1) * run.device.peak_flops))


def left_out(runs: Sequence[Run]) -> dict[str, tuple[float, float, float]]:
    """By run: log of expected over measured, of the model, the limit and the constant, blind to its family."""
    errors = {}
    for family in families(runs):
        others = [run for run in runs if run.family != family]
        coefficients = fitted(others)
        constant = float(np.median([fraction(run) for run in others]))
        for run in runs:
            if run.family == family:
                measured = fraction(run)
                model = log(expected(run, coefficients) / measured)
                errors[run.id] = model, log(1 / measured), log(constant / measured)
    return errors
