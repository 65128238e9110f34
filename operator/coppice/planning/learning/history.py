"""The history: the chapters of all namespaces, and what one namespace makes of them.

Own jobs come first: each counts whole. Another namespace's jobs count a quarter each and together as one job at most,
all other namespaces together as two, and among them the (weighted) middle speaks: nobody can talk another tenant into
a number, neither by odd jobs nor by many. What is made of it is kept until a report comes or goes.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, sqrt
from typing import Any, TypeVar

from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Learning, Method
from coppice.planning.learning.chapter import MOST_REPORTS, Chapter, Quantity, Summary
from coppice.planning.learning.correction import NO_CORRECTION, Correction, Factor
from coppice.planning.learning.effects import Cell, Effects, Variances, fitted
from coppice.planning.learning.lesson import Lesson, lessons

Made = TypeVar("Made")

FOREIGN = 0.25
FOREIGN_NAMESPACE_CAP = 1.0
FOREIGN_CAP = 2.0

VARIANCES: Mapping[Quantity, Variances] = {
    Quantity.TIME: Variances(profile=0.09, method=0.04, family=0.02, cell=0.02, scatter=0.08),
    Quantity.POWER: Variances(profile=0.01, method=0.005, family=0.0025, cell=0.005, scatter=0.01),
    Quantity.MEMORY: Variances(profile=0.0, method=0.02, family=0.02, cell=0.01, scatter=0.02),
}
"""Judgement until many installations report. Of time: the profile's is the estimate's shared sigma of 0.3, the rest
half of a method's own sigma of 0.4, whose other half is the scatter of jobs."""
SCATTER_JOBS = 10
"""Jobs that the assumed scatter is worth against the scatter seen."""


@dataclass(frozen=True)
class Heard:
    """What one namespace knows of one cell: the log ratio and its weight in jobs, and how many jobs they are."""

    ratio: float
    weight: float
    own: int
    others: int


class Corrections:
    """What one namespace learned, by cell."""

    def __init__(self, heard: Mapping[Quantity, Mapping[Cell, Heard]], scatter: Mapping[Quantity, float]) -> None:
        self._heard = heard
        self._scatter = scatter
        self._effects = {
            quantity: fitted({cell: (one.ratio, one.weight) for cell, one in cells.items()}, VARIANCES[quantity])
            for quantity, cells in heard.items()
            if cells
        }
        self._known: dict[Cell, Correction] = {}

    def of(self, method: Method, family: str, profile: str) -> Correction:
        """The correction of one cell."""
        if not self._effects:
            return NO_CORRECTION
        cell = (method, family, profile)
        if cell not in self._known:
            factors = {quantity: self._factor(quantity, cell) for quantity in self._effects}
            self._known[cell] = Correction(**{str(quantity): factor for quantity, factor in factors.items()})
        return self._known[cell]

    def _factor(self, quantity: Quantity, cell: Cell) -> Factor:
        effects, heard = self._effects[quantity], self._heard[quantity]
        here, related = heard.get(cell), _related(effects, heard, cell)
        if here is None and not related:
            return Factor()
        posterior, prior = effects.of(cell), VARIANCES[quantity]
        scatter = self._scatter[quantity] / prior.scatter
        middle = exp(posterior.mean)
        return Factor(
            # Less memory than was estimated is never asked for: what is learned here must not run out of it.
            median=max(middle, 1.0) if quantity is Quantity.MEMORY else middle,
            spread=sqrt((posterior.variance / prior.effects + scatter) / 2),
            sigma=sqrt(posterior.variance),
            own=here.own if here else 0,
            others=here.others if here else 0,
            related=related,
        )


NOTHING_LEARNED = Corrections({}, {})


@dataclass(frozen=True)
class History:
    """Chapters by namespace."""

    chapters: Mapping[str, Chapter] = field(default_factory=dict)
    _kept: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, reports: Iterable[TrainingReport]) -> "History":
        """The history of whole reports, their decision records included."""
        kept: dict[str, list[TrainingReport]] = {}
        for report in reports:
            kept.setdefault(report.metadata.namespace or "", []).append(report)
        return cls({namespace: _chapter(group) for namespace, group in kept.items()})

    def own(self, namespace: str) -> Chapter:
        """The namespace's chapter."""
        return self.chapters.get(namespace, _EMPTY)

    def others(self, namespace: str) -> Iterable[Chapter]:
        """The chapters of all other namespaces, by their names."""
        return (self.chapters[name] for name in self._names if name != namespace)

    def corrections(self, namespace: str, learning: Learning) -> Corrections:
        """What estimates of the namespace's jobs are corrected by."""
        if learning is Learning.OFF or not self.chapters:
            return NOTHING_LEARNED
        foreign = learning is Learning.ALL
        return self.kept(("corrections", namespace, foreign), lambda: self._corrections(namespace, foreign=foreign))

    def kept(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What follows from this history alone, made when first asked for."""
        if key not in self._kept:
            self._kept[key] = make()
        found: Made = self._kept[key]
        return found

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(sorted(self.chapters))

    def _corrections(self, namespace: str, *, foreign: bool) -> Corrections:
        own = self.own(namespace).summaries
        others = [chapter.summaries for chapter in self.others(namespace)] if foreign else []
        heard = {
            quantity: _heard(own.get(quantity, {}), [chapter.get(quantity, {}) for chapter in others])
            for quantity in Quantity
        }
        return Corrections(heard, {quantity: _scatter(own.get(quantity, {}), quantity) for quantity in Quantity})


_EMPTY = Chapter()


def newest(report: TrainingReport) -> tuple[float, str]:
    """Sort key: when the job finished, then the report's name."""
    finished = report.spec.completion_time
    return finished.timestamp() if finished else 0.0, report.metadata.name


def _chapter(reports: Iterable[TrainingReport]) -> Chapter:
    latest = sorted(reports, key=newest)[-MOST_REPORTS:]
    taught: list[Lesson] = [lesson for report in latest for lesson in lessons(report)]
    return Chapter(tuple(taught))


def _heard(own: Mapping[Cell, Summary], others: Iterable[Mapping[Cell, Summary]]) -> dict[Cell, Heard]:
    elsewhere: dict[Cell, list[Summary]] = {}
    for cells in others:
        for cell, summary in cells.items():
            elsewhere.setdefault(cell, []).append(summary)
    return {cell: _together(own.get(cell), elsewhere.get(cell, [])) for cell in dict.fromkeys([*own, *elsewhere])}


def _together(own: Summary | None, others: list[Summary]) -> Heard:
    """Own jobs whole, the middle of the others' with their capped weight."""
    weights = [(one.middle, min(FOREIGN * one.jobs, FOREIGN_NAMESPACE_CAP)) for one in others]
    foreign = min(sum(weight for _, weight in weights), FOREIGN_CAP)
    jobs = own.jobs if own else 0
    total = (own.middle * jobs if own else 0.0) + (foreign * weighted_median(weights) if weights else 0.0)
    return Heard(total / (jobs + foreign), jobs + foreign, jobs, sum(one.jobs for one in others))


def weighted_median(values: Iterable[tuple[float, float]]) -> float:
    """The value below which half of the weight lies; between two, their mean. Values are (value, weight)."""
    ordered = sorted(values)
    half = sum(weight for _, weight in ordered) / 2
    passed = 0.0
    for number, (value, weight) in enumerate(ordered):
        passed += weight
        if passed > half:
            return value
        if passed == half and number + 1 < len(ordered):
            return (value + ordered[number + 1][0]) / 2
    return ordered[-1][0]


def _scatter(own: Mapping[Cell, Summary], quantity: Quantity) -> float:
    """Variance of single jobs about their cell: what was assumed, and what the namespace's own jobs show."""
    free = sum(one.jobs - 1 for one in own.values())
    assumed = VARIANCES[quantity].scatter
    return (SCATTER_JOBS * assumed + sum(one.squares for one in own.values())) / (SCATTER_JOBS + free)


def _related(effects: Effects, heard: Mapping[Cell, Heard], cell: Cell) -> int:
    """Jobs of the other cells that say something about this one."""
    return sum(
        heard[other].own + heard[other].others
        for other in effects.cells
        if other != cell and effects.variances.between(cell, other) > 0
    )
