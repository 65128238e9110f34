"""A chapter: what the jobs of one namespace teach, summed up once and read by many decisions.

Per cell (method, family, profile) the middle of the ratios counts, not their mean, and n jobs can show at most a factor
of 2^n: one odd job moves little, a few among many nothing. Only the newest MOST_REPORTS reports speak: hardware, code
and data change, and a decision must not cost more the longer a team has used Coppice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import log
from statistics import median

from coppice.planning.learning.effects import Cell
from coppice.planning.learning.lesson import Lesson, RungKey

MOST_REPORTS = 1000
A_JOB_SHOWS = log(2)
"""Most that each job of a cell adds to how far off an estimate can be shown to be, as a logarithm."""
AT_MOST = log(20)
MOST_RESIDUAL = log(4)
"""Largest residual that counts for the scatter of jobs."""


class Quantity(StrEnum):
    """What corrections are learned for."""

    TIME = "time"
    POWER = "power"
    MEMORY = "memory"


@dataclass(frozen=True)
class Summary:
    """One cell's jobs: the middle of their log ratios, their number, and the squares of their residuals."""

    middle: float
    jobs: int
    squares: float


@dataclass(frozen=True)
class Tally:
    """How many jobs met and missed their own targets with a rung."""

    met: int = 0
    missed: int = 0

    @property
    def jobs(self) -> int:
        return self.met + self.missed


@dataclass(frozen=True)
class Chapter:
    """The lessons of one namespace, oldest first."""

    lessons: tuple[Lesson, ...] = ()

    @cached_property
    def summaries(self) -> Mapping[Quantity, Mapping[Cell, Summary]]:
        """Each quantity's cells."""
        return {quantity: _summaries(self.lessons, quantity) for quantity in Quantity}

    @cached_property
    def by_task(self) -> Mapping[str, tuple[Lesson, ...]]:
        """Lessons whose rung was judged, by task."""
        found: dict[str, list[Lesson]] = {}
        for lesson in self.lessons:
            if lesson.met is not None or lesson.quality is not None:
                found.setdefault(lesson.task, []).append(lesson)
        return {task: tuple(lessons) for task, lessons in found.items()}

    @cached_property
    def tallies(self) -> Mapping[str, Mapping[RungKey, Tally]]:
        """What other namespaces hear: results by task and rung, of base models that they can know of."""
        return {task: _tallies(lessons) for task, lessons in self.by_task.items()}


def _summaries(lessons: Iterable[Lesson], quantity: Quantity) -> Mapping[Cell, Summary]:
    cells: dict[Cell, list[float]] = {}
    for lesson in lessons:
        ratio: float | None = getattr(lesson, quantity)
        if ratio is not None:
            cells.setdefault((lesson.method, lesson.family, lesson.profile), []).append(ratio)
    return {cell: summary(ratios) for cell, ratios in cells.items()}


def summary(ratios: list[float]) -> Summary:
    """The summary of one cell's log ratios. Raises StatisticsError where there is none."""
    bound = min(A_JOB_SHOWS * len(ratios), AT_MOST)
    middle = median(_clipped(ratio, bound) for ratio in ratios)
    squares = sum(_clipped(ratio - middle, MOST_RESIDUAL) ** 2 for ratio in ratios)
    return Summary(middle, len(ratios), squares)


def _tallies(lessons: Iterable[Lesson]) -> Mapping[RungKey, Tally]:
    counts: dict[RungKey, list[int]] = {}
    for lesson in lessons:
        if lesson.met is not None and not lesson.private:
            counts.setdefault(lesson.rung, [0, 0])[0 if lesson.met else 1] += 1
    return {rung: Tally(met, missed) for rung, (met, missed) in counts.items()}


def _clipped(value: float, bound: float) -> float:
    return max(-bound, min(value, bound))
