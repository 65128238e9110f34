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
from coppice.planning.learning.chapter import Chapter, Tally
from coppice.planning.learning.lesson import Lesson, RungKey
from coppice.planning.request import Request

OWN_SAME_DATA = 1.0
OWN_OTHER_DATA = 0.5
FOREIGN = 0.25
FOREIGN_NAMESPACE_CAP = 0.5
FOREIGN_CAP = 2.0

__all__ = ["Observed", "RungKey", "evidence"]


@dataclass(frozen=True)
class Observed:
    """Weighted successes and observations of one rung, and how many jobs they come from."""

    successes: float = 0.0
    weight: float = 0.0
    own: int = 0
    foreign: int = 0

    def plus(self, other: "Observed") -> "Observed":
        """Both together."""
        return Observed(
            self.successes + other.successes,
            self.weight + other.weight,
            self.own + other.own,
            self.foreign + other.foreign,
        )


def evidence(request: Request) -> Mapping[RungKey, Observed]:
    """What finished jobs say about each rung, for this job; nothing where learning is off."""
    learning, history = request.resolved.learning, request.world.experience
    if learning is Learning.OFF:
        return {}
    found = _own(history.own(request.namespace), request)
    if learning is Learning.ALL:
        for rung, observed in _foreign(history.others(request.namespace), request.spec.task).items():
            found[rung] = found.get(rung, Observed()).plus(observed)
    return found


def _own(chapter: Chapter, request: Request) -> dict[RungKey, Observed]:
    found: dict[RungKey, Observed] = {}
    spec, data = request.spec, data_key(request.spec)
    for lesson in chapter.by_task.get(spec.task, ()):
        same = lesson.data == data
        met = _met(lesson, spec, same=same)
        if met is None or lesson.job_uid == request.job.metadata.uid:
            continue
        weight = OWN_SAME_DATA if same else OWN_OTHER_DATA
        found[lesson.rung] = found.get(lesson.rung, Observed()).plus(Observed(weight * met, weight, own=1))
    return found


def _foreign(chapters: Iterable[Chapter], task: str) -> dict[RungKey, Observed]:
    found: dict[RungKey, Observed] = {}
    for chapter in chapters:
        for rung, tally in chapter.tallies.get(task, {}).items():
            found[rung] = found.get(rung, Observed()).plus(_one_namespace(tally))
    return {rung: _capped(observed) for rung, observed in found.items()}


def _one_namespace(tally: Tally) -> Observed:
    weight = min(FOREIGN * tally.jobs, FOREIGN_NAMESPACE_CAP)
    return Observed(weight * tally.met / tally.jobs, weight, foreign=tally.jobs)


def _capped(observed: Observed) -> Observed:
    scale = min(FOREIGN_CAP / observed.weight, 1.0)
    return Observed(observed.successes * scale, observed.weight * scale, foreign=observed.foreign)


def _met(lesson: Lesson, spec: TrainingJobSpec, *, same: bool) -> bool | None:
    """Whether the rung would have met this job's target; None where the lesson does not tell."""
    if not same or lesson.quality is None or spec.objective.target is None:
        return lesson.met
    direction = DIRECTIONS.get(spec.objective.metric) or spec.objective.direction or Direction.MAXIMIZE
    ahead = lesson.quality - spec.objective.target
    return ahead >= 0 if direction is Direction.MAXIMIZE else ahead <= 0
