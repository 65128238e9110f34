"""Small jobs: what a plan was expected to take, against what this project's own runs of it took, by method.

The runs are those of `python -m trials`: the real trainer on one core of the machine that the record names. Processor
seconds are compared, because others used the machine too; the estimate is made as a decision would make it, before the
run, so it does not know when training will stop. Its processor rates were drawn through other runs on such a machine,
so this is no test on unseen hardware.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import median

from coppice.api.trainingjob import Resources
from coppice.api.vocabulary import Method
from coppice.planning.configuration import network_of_config
from coppice.planning.estimate import Estimate, estimate
from coppice.planning.hardware import configurations
from coppice.planning.network import Network
from coppice.planning.workload import effort
from evaluation.statistics import Coverage, Errors, coverage, errors
from evaluation.trialplans import world
from trials.problems import PROBLEMS, Problem
from trials.record import RECORD, Row, read


@dataclass(frozen=True)
class Trial:
    """One run: processor seconds that it took, and what was expected of it."""

    row: Row
    seconds: float
    expected: Estimate

    @property
    def error(self) -> float:
        """Logarithm of expected over taken."""
        return log(self.expected.seconds.median / self.seconds)


@dataclass(frozen=True)
class SmallLine:
    """One method: errors and coverage of the model, errors of one constant rate, and the median of expected / taken."""

    method: str
    model: Errors
    held: Coverage
    constant: Errors
    bias: float


def trials(record: Path = RECORD) -> list[Trial]:
    """Every run of the record whose problem and network are known; none where there is no record yet."""
    problems = {problem.name: problem for problem in PROBLEMS}
    found = []
    for row in read(record):
        problem = problems.get(row.problem)
        network = _network(row, problem) if problem and row.cpu_seconds else None
        if problem is not None and network is not None:
            found.append(Trial(row, float(row.cpu_seconds), _expected(row, problem, network)))
    return found


def lines(found: Sequence[Trial]) -> Iterator[SmallLine]:
    """By method and for all; the constant is the median FLOP/s of the other problems."""
    groups: dict[str, list[Trial]] = {"all": list(found)}
    for trial in found:
        groups.setdefault(trial.row.method, []).append(trial)
    for name, some in groups.items():
        logs = [trial.error for trial in some]
        yield SmallLine(
            name,
            errors(logs),
            coverage(logs, [trial.expected.seconds.sigma for trial in some]),
            errors([_constant_error(trial, found) for trial in some]),
            median(trial.expected.seconds.median / trial.seconds for trial in some),
        )


def _expected(row: Row, problem: Problem, network: Network) -> Estimate:
    spec, where = problem.job(examples=row.examples).spec, world([])
    hardware = next(configurations(where.profiles[0], spec.resources or Resources()))
    return estimate(effort(spec, Method(row.method)), network, hardware, where)


def _network(row: Row, problem: Problem) -> Network | None:
    """From the plan from scratch, or from what the record says of the base model; None for a convolution network's."""
    if not row.base_model:
        return network_of_config(dict(problem.config), problem.labels)
    if not row.layers or not row.hidden_size:
        return None
    embeddings = row.parameters - row.matrix_parameters
    return Network(row.family, row.parameters, embeddings, int(row.layers), int(row.hidden_size))


def _constant_error(trial: Trial, found: Sequence[Trial]) -> float:
    others = [other for other in found if other.row.problem != trial.row.problem] or found
    rate = median(other.expected.flops.median / other.seconds for other in others)
    return log(trial.expected.flops.median / rate / trial.seconds)
