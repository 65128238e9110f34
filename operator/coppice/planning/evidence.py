"""What reports say about a rung: one observation for each job and rung, with how much it counts.

    same namespace, same data and metric      1.0
    same namespace, other data of the task    0.5
    other namespaces                          0.25 each; 0.5 at most from one of them and 2.0 from all
    same namespace, another rung, same data   0.25 each; 1.0 at most: how hard this data is for anything
    same namespace, another rung, other data  0.10 each; 1.0 at most: how often targets of the task are met at all
                                              (both divided by 1 + the weight of what is known of the rung itself)

On the same data of this namespace the recorded quality is held against this job's target; elsewhere the question is
whether that job's own target was met. What a user's own container says of its quality teaches nobody else, and
failures of the machinery (no result, out of memory) say nothing about quality. No tenant can talk another into a plan.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.vocabulary import DIRECTIONS, Direction, Learning, Method
from coppice.planning.data import data_key
from coppice.planning.learning.chapter import Chapter
from coppice.planning.learning.lesson import Lesson, RungKey
from coppice.planning.request import Request

OWN_SAME_DATA = 1.0
OWN_OTHER_DATA = 0.5
FOREIGN = 0.25
FOREIGN_NAMESPACE_CAP = 0.5
FOREIGN_CAP = 2.0
RELATED = (0.25, 0.1)
"""Of another rung's job, on the same and on other data."""
RELATED_CAP = 1.0
OTHER_RUNG: RungKey = (Method.AS_IS, "*")
"""Stands for every rung that no job tried: what is known of the others."""

__all__ = ["OTHER_RUNG", "Observed", "RungKey", "evidence"]

Sum = tuple[float, float, float]
"""Weighted successes, weight, and how many jobs. Plain sums, because every decision adds up thousands."""
Sums = dict[RungKey, Sum]
NOTHING: Sum = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Observed:
    """Weighted successes and observations of one rung, and how many jobs they come from.

    `related` counts those of this namespace's other rungs.
    """

    successes: float = 0.0
    weight: float = 0.0
    own: int = 0
    foreign: int = 0
    related: int = 0


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
    totals = [_total(sums) for sums in own]
    rungs = {**own[0], **own[1], **others, OTHER_RUNG: NOTHING}
    return {rung: _observed(rung, own, totals, others.get(rung, NOTHING)) for rung in rungs}


def _observed(rung: RungKey, own: tuple[Sums, Sums], totals: Sequence[Sum], others: Sum) -> Observed:
    mine = [sums.get(rung, NOTHING) for sums in own]
    direct = [*mine, _scaled(others, _share(others[1], FOREIGN_CAP))]
    known = sum(weight for _, weight, _ in direct)
    related = [
        _related((whole[0] - one[0], whole[1] - one[1], whole[2] - one[2]), each, known)
        for whole, one, each in zip(totals, mine, RELATED, strict=True)
    ]
    return Observed(
        successes=sum(successes for successes, _, _ in (*direct, *related)),
        weight=sum(weight for _, weight, _ in (*direct, *related)),
        own=round(sum(jobs for _, _, jobs in mine)),
        foreign=round(others[2]),
        related=round(sum(jobs for _, _, jobs in related)),
    )


def _related(others: Sum, each: float, known: float) -> Sum:
    """What the other rungs' jobs say, at so much each and RELATED_CAP in all, less where the rung itself is known."""
    _, weight, jobs = others
    if not jobs:
        return NOTHING
    counted = min(each * jobs, RELATED_CAP) / (1 + known)
    return _scaled(others, counted / weight)


def _scaled(one: Sum, factor: float) -> Sum:
    """Weights times a factor; the number of jobs stays."""
    return one[0] * factor, one[1] * factor, one[2]


def _share(weight: float, cap: float) -> float:
    return min(cap / weight, 1.0) if weight else 0.0


def _total(sums: Sums) -> Sum:
    successes, weights, jobs = zip(*sums.values(), strict=True) if sums else ((), (), ())
    return sum(successes), sum(weights), sum(jobs)


def _own(chapter: Chapter, request: Request) -> tuple[Sums, Sums]:
    """On the same data, and on other data of the task."""
    found: tuple[Sums, Sums] = {}, {}
    spec, data = request.spec, data_key(request.spec)
    for lesson in chapter.by_task.get(spec.task, ()):
        same = lesson.data == data
        met = _met(lesson, spec, same=same)
        if met is not None and lesson.job_uid != request.job.metadata.uid:
            weight = OWN_SAME_DATA if same else OWN_OTHER_DATA
            _add(found[0] if same else found[1], lesson.rung, weight * met, weight, 1)
    return found


def _foreign(chapters: Iterable[Chapter], task: str) -> Sums:
    found: Sums = {}
    for chapter in chapters:
        for rung, tally in chapter.tallies.get(task, {}).items():
            weight = min(FOREIGN * tally.jobs, FOREIGN_NAMESPACE_CAP)
            _add(found, rung, weight * tally.met / tally.jobs, weight, tally.jobs)
    return found


def _add(sums: Sums, rung: RungKey, successes: float, weight: float, jobs: int) -> None:
    before = sums.get(rung, NOTHING)
    sums[rung] = before[0] + successes, before[1] + weight, before[2] + jobs


def _met(lesson: Lesson, spec: TrainingJobSpec, *, same: bool) -> bool | None:
    """Whether the rung would have met this job's target; None where the lesson does not tell."""
    if not same or lesson.quality is None or spec.objective.target is None:
        return lesson.met
    direction = DIRECTIONS.get(spec.objective.metric) or spec.objective.direction or Direction.MAXIMIZE
    ahead = lesson.quality - spec.objective.target
    return ahead >= 0 if direction is Direction.MAXIMIZE else ahead <= 0
