"""What reports say about a rung: one observation for each job and rung, with how much it counts.

    same namespace, same data and metric      1.0
    same namespace, other data of the task    0.5
    other namespaces                          0.25 each; 0.5 at most from one of them and 2.0 from all

On the same data of this namespace the recorded quality is held against this job's target; elsewhere the question is
whether that job's own target was met. What a user's own container says of its quality teaches nobody else, and
failures of the machinery (no result, out of memory) say nothing about quality. No tenant can talk another into a plan.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.vocabulary import DIRECTIONS, Direction, Learning
from coppice.planning.data import data_key
from coppice.planning.learning.chapter import Chapter
from coppice.planning.learning.lesson import Lesson, RungKey
from coppice.planning.request import Request

OWN_SAME_DATA = 1.0
OWN_OTHER_DATA = 0.5
FOREIGN = 0.25
FOREIGN_NAMESPACE_CAP = 0.5
FOREIGN_CAP = 2.0

__all__ = ["Observed", "RungKey", "evidence"]


Sums = dict[RungKey, list[float]]
"""By rung: weighted successes, weight, and how many jobs. Plain sums, because every decision adds up thousands."""


@dataclass(frozen=True)
class Observed:
    """Weighted successes and observations of one rung, and how many jobs they come from."""

    successes: float = 0.0
    weight: float = 0.0
    own: int = 0
    foreign: int = 0


def evidence(request: Request) -> Mapping[RungKey, Observed]:
    """What finished jobs say about each rung, for this job; nothing where learning is off."""
    learning, history = request.resolved.learning, request.world.experience
    if learning is Learning.OFF:
        return {}
    task, namespace = request.spec.task, request.namespace
    own = _own(history.own(namespace), request)
    others: Sums = {}
    if learning is Learning.ALL:
        others = history.kept(("evidence", namespace, task), lambda: _foreign(history.others(namespace), task))
    return {rung: _observed(own.get(rung, NOTHING), others.get(rung, NOTHING)) for rung in {**own, **others}}


NOTHING = [0.0, 0.0, 0.0]


def _observed(own: list[float], others: list[float]) -> Observed:
    scale = min(FOREIGN_CAP / others[1], 1.0) if others[1] else 0.0
    return Observed(own[0] + scale * others[0], own[1] + scale * others[1], int(own[2]), int(others[2]))


def _own(chapter: Chapter, request: Request) -> Sums:
    found: Sums = {}
    spec, data = request.spec, data_key(request.spec)
    for lesson in chapter.by_task.get(spec.task, ()):
        same = lesson.data == data
        met = _met(lesson, spec, same=same)
        if met is not None and lesson.job_uid != request.job.metadata.uid:
            weight = OWN_SAME_DATA if same else OWN_OTHER_DATA
            _add(found, lesson.rung, weight * met, weight, 1)
    return found


def _foreign(chapters: Iterable[Chapter], task: str) -> Sums:
    found: Sums = {}
    for chapter in chapters:
        for rung, tally in chapter.tallies.get(task, {}).items():
            weight = min(FOREIGN * tally.jobs, FOREIGN_NAMESPACE_CAP)
            _add(found, rung, weight * tally.met / tally.jobs, weight, tally.jobs)
    return found


def _add(sums: Sums, rung: RungKey, successes: float, weight: float, jobs: int) -> None:
    known = sums.setdefault(rung, [0.0, 0.0, 0.0])
    known[0] += successes
    known[1] += weight
    known[2] += jobs


def _met(lesson: Lesson, spec: TrainingJobSpec, *, same: bool) -> bool | None:
    """Whether the rung would have met this job's target; None where the lesson does not tell."""
    if not same or lesson.quality is None or spec.objective.target is None:
        return lesson.met
    direction = DIRECTIONS.get(spec.objective.metric) or spec.objective.direction or Direction.MAXIMIZE
    ahead = lesson.quality - spec.objective.target
    return ahead >= 0 if direction is Direction.MAXIMIZE else ahead <= 0
