"""The survey: every base model that the job can see, checked and estimated, with a count of who fell out and why.

A model that fails as a whole counts once, one that passes counts once per method; so the rejections, the fitting
candidates and their further twins add up to what was considered. Of each reason the sentence is that of the first
model by name.

Models that checks, estimates and chances cannot tell apart are twins: one of them is looked at for all. Of so many
twins the first by name stand for the others, which are counted: no ladder holds more than MAX_RUNGS of them and no
record shows more than MAX_CANDIDATES, and equal ones come by name. What the job tried, pinned or probed, and what
reports speak of, is never a twin.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from coppice.api.decision import MAX_CANDIDATES
from coppice.planning.candidate import Candidate
from coppice.planning.catalogue import Registered
from coppice.planning.kinds import Kind
from coppice.planning.outcomes import Outcomes
from coppice.planning.passing import Cell, passing
from coppice.planning.rejections import Rejections
from coppice.planning.request import Request

MOST_TWINS = MAX_CANDIDATES


@dataclass(frozen=True)
class Twins:
    """Base models that differ in their names alone, in the order of their keys; `further` counts more of them.

    The candidates are those of any one of them: each stands for the same on the others. `depth` is that of the domain
    that the job and they share, `share` that of the job's languages that they know, None where nobody says.
    """

    models: tuple[Registered, ...]
    candidates: tuple[Candidate, ...]
    depth: int
    share: float | None
    further: int = 0


@dataclass(frozen=True)
class Survey:
    """Fitting candidates by twins, and per reason how many were rejected with the first one's sentence."""

    groups: tuple[Twins, ...] = ()
    rejected: Counter[str] = field(default_factory=Counter)
    sentences: dict[str, str] = field(default_factory=dict)

    @property
    def considered(self) -> int:
        return self.fitting + self.rejected.total()

    @cached_property
    def fitting(self) -> int:
        """How many candidates fit, with those of further twins."""
        return sum((len(group.models) + group.further) * len(group.candidates) for group in self.groups)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates one by one, without those of further twins, in the order of their models' keys."""
        each = [(model, group.candidates) for group in self.groups for model in group.models]
        return tuple(one.of(model) for model, found in sorted(each, key=lambda pair: pair[0].key) for one in found)


def survey(request: Request, *, singled_out: frozenset[str] = frozenset()) -> Survey:
    """Every base model under the job's task; `singled_out` are keys of no one's twins."""
    rejections = Rejections()
    cells = list(passing(request, singled_out | _mentioned(request), rejections))
    outcomes = Outcomes(request, cells, rejections)
    groups = sorted(_groups(cells, outcomes), key=lambda group: group.models[0].key)
    return Survey(tuple(groups), rejections.counts, rejections.sentences())


def _mentioned(request: Request) -> frozenset[str]:
    """Base models that the job itself, its attempts or its probe speak of."""
    tried = (one.base_model for one in request.tried)
    keys = frozenset(f"{one.kind}/{one.name}" for one in tried if one is not None)
    return keys | frozenset(request.probed) | request.pins


def _groups(cells: Iterable[Cell], outcomes: Outcomes) -> Iterator[Twins]:
    """The cells with candidates, those together that chances cannot tell apart either."""
    alike: dict[Hashable, list[Cell]] = {}
    for cell in cells:
        evaluated = cell.head if not isinstance(cell.head, Kind) or cell.head.values[-1] else None
        used = outcomes.as_is(cell) is not None
        alike.setdefault((cell.figures, evaluated, used, cell.depth, cell.share), []).append(cell)
    for same in alike.values():
        first = same[0]
        as_is, trained = outcomes.as_is(first), outcomes.trained(first)
        candidates = (as_is, *trained) if as_is else trained
        if candidates:
            models = same[0].models if len(same) == 1 else _merged(same)
            further = max(len(models) - MOST_TWINS, 0)
            yield Twins(models[:MOST_TWINS], candidates, first.depth, first.share, further)


def _merged(cells: Iterable[Cell]) -> tuple[Registered, ...]:
    return tuple(sorted((model for cell in cells for model in cell.models), key=lambda model: model.key))
