"""The estimates' report: errors and coverage beside the baselines, the constants as they come out, and every row.

Everything is left-one-family-out: no figure of a family has seen any row of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from math import exp, isclose, log
from statistics import median

from coppice.planning.power import FITTED_POWER, PowerCoefficients, power_sigma
from coppice.planning.utilisation import FITTED, Coefficients
from evaluation import hours, watts
from evaluation.runs import Run, runs
from evaluation.statistics import Coverage, Errors, calibrated_sigma, coverage, errors

LARGE = 1e9
"""Parameters from which a run counts as large."""
TARGET = 0.25
"""Median error of large runs' hours that is aimed at."""
TOLERANCE = 0.02
"""Relative difference of a constant in the code from what comes out here that rounding explains."""


@dataclass(frozen=True)
class Line:
    """One line of a table: what is judged, its errors, and how often its intervals held."""

    name: str
    errors: Errors
    coverage: Coverage | None = None


@dataclass(frozen=True)
class Report:
    """All tables, the constants that come out, and per run what was expected and published."""

    hours: list[Line]
    power: list[Line]
    hour_constants: Coefficients
    power_constants: PowerCoefficients
    hour_sigma: float
    power_sigma: float
    hour_rows: list[tuple[Run, float, float]]
    check_rows: list[tuple[Run, float, float]]
    power_rows: list[tuple[Run, float, float]]

    def drifted(self) -> list[str]:
        """Constants of the code that differ from what comes out."""
        pairs = [*_pairs(FITTED, self.hour_constants), *_pairs(FITTED_POWER, self.power_constants)]
        return [
            f"{name} is {inside} in the code and {outside:.4g} here"
            for name, inside, outside in pairs
            if not isclose(inside, outside, rel_tol=TOLERANCE)
        ]


def _pairs(
    code: Coefficients | PowerCoefficients, found: Coefficients | PowerCoefficients
) -> Iterator[tuple[str, float, float]]:
    for each in fields(code):
        yield each.name, getattr(code, each.name), getattr(found, each.name)


def report() -> Report:
    """Fit, leave out, compare."""
    every = runs()
    timed, checks, powered = hours.usable(every), hours.usable(every, "check"), watts.usable(every)
    by_family = hours.left_out(timed)
    by_maker = hours.left_out(timed, _maker)
    lines = [
        *_hour_lines("", timed, by_family),
        *_hour_lines(", from 1 B parameters", [run for run in timed if run.active_parameters >= LARGE], by_family),
        *_hour_lines(", every Llama left out together", [run for run in timed if _maker(run) == "Llama"], by_maker),
    ]
    constants = hours.fitted(timed)
    lines += _check_lines(checks, constants, median(run.reached for run in timed))
    power_errors = watts.left_out(powered)
    logs = [by_family[run.id][0] for run in timed]
    return Report(
        hours=lines,
        power=list(_power_lines(powered, power_errors)),
        hour_constants=constants,
        power_constants=watts.fitted(powered),
        hour_sigma=calibrated_sigma(logs),
        power_sigma=calibrated_sigma([power_errors[run.id][0] for run in powered]),
        hour_rows=[(run, run.reached, run.reached / exp(by_family[run.id][0])) for run in timed],
        check_rows=[(run, run.reached, hours.reached(run, constants)) for run in checks],
        power_rows=[(run, watts.fraction(run), watts.fraction(run) * exp(power_errors[run.id][0])) for run in powered],
    )


def _maker(run: Run) -> str:
    return "Llama" if run.family.lower().startswith("llama") else run.family


def _hour_lines(which: str, some: Sequence[Run], found: dict[str, tuple[float, float]]) -> Iterator[Line]:
    model, constant = ([found[run.id][place] for run in some] for place in (0, 1))
    sigmas = [run.answer.estimate.seconds.sigma for run in some]
    yield Line(f"utilisation model{which}", errors(model), coverage(model, sigmas))
    yield Line(f"one constant share of peak{which}", errors(constant))


def _check_lines(some: Sequence[Run], constants: Coefficients, share: float) -> Iterator[Line]:
    model = [log(run.reached / hours.reached(run, constants)) for run in some]
    sigmas = [run.answer.estimate.seconds.sigma for run in some]
    yield Line("utilisation model, runs never fitted", errors(model), coverage(model, sigmas))
    yield Line("one constant share of peak, runs never fitted", errors([log(run.reached / share) for run in some]))


def _power_lines(some: Sequence[Run], found: dict[str, tuple[float, float, float]]) -> Iterator[Line]:
    model, limit, constant = ([found[run.id][place] for run in some] for place in (0, 1, 2))
    sigmas = [power_sigma(run.answer.hardware, run.active_parameters) for run in some]
    yield Line("power model", errors(model), coverage(model, sigmas))
    yield Line("the board's limit (TDP)", errors(limit))
    yield Line("one constant share of the limit", errors(constant))
