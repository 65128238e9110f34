"""What reports say about a rung: one observation for each job and rung, with how much it counts.

    same namespace, same data and metric      1.0
    same namespace, other data of the task    0.5
    other namespaces                          0.25 each, 2.0 at most in all: no tenant can talk another into a plan

On the same data the recorded quality is held against this job's target; on other data the question is whether that
job's own target was met. What a user's own container says of its quality teaches nobody else, and failures of the
machinery (no result, out of memory) say nothing about quality.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coppice.api.reasons import AttemptOutcome
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingjob_status import AttemptStatus
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import DIRECTIONS, BaseModelKind, Direction, Evidence, Method
from coppice.planning.data import same_data
from coppice.planning.request import Request

OWN_SAME_DATA = 1.0
OWN_OTHER_DATA = 0.5
FOREIGN = 0.25
FOREIGN_CAP = 2.0

RungKey = tuple[Method, str]
"""Method and the base model's key, empty from scratch."""


@dataclass(frozen=True)
class Observed:
    """Weighted successes and observations of one rung, and how many jobs they come from."""

    successes: float = 0.0
    weight: float = 0.0
    own: int = 0
    foreign: int = 0


@dataclass(frozen=True)
class _Observation:
    met: bool
    weight: float
    foreign: bool


def evidence(request: Request) -> Mapping[RungKey, Observed]:
    """What the world's reports say about each rung, for this job."""
    seen: dict[RungKey, list[_Observation]] = {}
    for report in request.world.reports:
        for key, observation in _observations(report, request):
            seen.setdefault(key, []).append(observation)
    return {key: _combined(observations) for key, observations in seen.items()}


def _observations(report: TrainingReport, request: Request) -> Iterable[tuple[RungKey, _Observation]]:
    past = report.spec.request
    if past is None or past.task != request.spec.task or report.spec.job_uid == request.job.metadata.uid:
        return
    foreign = report.metadata.namespace != request.namespace
    same = same_data(past, request.spec)
    weight = FOREIGN if foreign else OWN_SAME_DATA if same else OWN_OTHER_DATA
    last = {_key(attempt): attempt for attempt in report.spec.attempts}
    for key, attempt in last.items():
        met = _met(attempt, request.spec, same=same)
        private = foreign and attempt.base_model is not None and attempt.base_model.kind is BaseModelKind.NAMESPACED
        if met is not None and not private:
            yield key, _Observation(met, weight, foreign)


def _met(attempt: AttemptStatus, spec: TrainingJobSpec, *, same: bool) -> bool | None:
    """Whether the rung would have met this job's target; None where the attempt does not tell."""
    judged = {AttemptOutcome.MET: True, AttemptOutcome.MISSED: False}
    if attempt.evidence is not Evidence.EVALUATED:
        return None
    if same and attempt.quality is not None and spec.objective.target is not None:
        metric = spec.objective.metric
        direction = DIRECTIONS.get(metric) or spec.objective.direction or Direction.MAXIMIZE
        ahead = attempt.quality - spec.objective.target
        return ahead >= 0 if direction is Direction.MAXIMIZE else ahead <= 0
    return next((met for outcome, met in judged.items() if attempt.outcome == outcome), None)


def _combined(observations: list[_Observation]) -> Observed:
    own = [one for one in observations if not one.foreign]
    foreign = [one for one in observations if one.foreign]
    heard = sum(one.weight for one in foreign)
    scale = min(FOREIGN_CAP / heard, 1.0) if heard else 0.0
    return Observed(
        successes=_weight(own, met=True) + scale * _weight(foreign, met=True),
        weight=_weight(own) + scale * heard,
        own=len(own),
        foreign=len(foreign),
    )


def _weight(observations: list[_Observation], met: bool | None = None) -> float:
    return sum(one.weight for one in observations if met is None or one.met is met)


def _key(attempt: AttemptStatus) -> RungKey:
    base = attempt.base_model
    return attempt.method, f"{base.kind}/{base.name}" if base else ""
