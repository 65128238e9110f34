"""The base models that pass as a whole: looked at by the shelf's bays and cells, never one by one.

A cell is of models that nothing tells apart but their names, or one model that is looked at for itself.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from coppice.api.reasons import FitReason
from coppice.planning.catalogue import Registered
from coppice.planning.domains import match
from coppice.planning.fit.checks import rejected_model
from coppice.planning.fit.rejection import Rejection
from coppice.planning.fit.relevance import is_pinned_if_the_job_pins
from coppice.planning.fit.rules import size_is_allowed
from coppice.planning.kinds import Kind
from coppice.planning.languages import share_known
from coppice.planning.rejections import Rejections
from coppice.planning.request import Request
from coppice.planning.shelf import Bay, Flat, Models, Shelf, shelved

Cell = tuple[Models, Hashable, Hashable, int]
"""Models in the order of their keys, their figures and head as estimates and use read them, and the depth of the domain
that the job and they share."""


class Run(NamedTuple):
    """Cells of one bay; `share` is that of the job's languages which all of their models know."""

    cells: Iterable[Cell]
    share: float | None


def passing(request: Request, alone: frozenset[str], rejections: Rejections) -> Iterator[Run]:
    """Every model under the job's task that passes as a whole; `alone` are keys of models that share no cell."""
    task, namespace, catalogue = request.spec.task, request.namespace, request.world.catalogue
    shelves = list(catalogue.shelves(task, namespace))
    there = sum(bay.count for shelf in shelves for bay in shelf.values())
    named = [model for key in alone if (model := catalogue.named(key, namespace)) and task in model.spec.tasks]
    if request.pins:
        shelves = [_pinned(request, shelves, named, there, rejections)]
    apart = {(model.rules, model.traits) for model in named}
    depths = _Depths(request.spec.domains)
    for shelf in shelves:
        for rules, bay in shelf.items():
            rejection = rejected_model(bay.first, request)
            if rejection is None:
                split = frozenset(traits for other, traits in apart if other is rules)
                cells = bay.flat if request.resolved.max_parameters is None else _small(request, bay, rejections)
                found = _divided(cells, split, alone, depths) if split else _told(cells, depths)
                yield Run(found, share_known(request.spec.languages, bay.first.spec.languages))
            else:
                _reject(rejections, rejection, bay.count, bay.first)
    others = catalogue.count(namespace) - there
    if others:
        sentence = f"{others} base models are not registered for {task}"
        rejections.add(FitReason.TASK_MISMATCH, others, ("", 0), lambda: sentence)


def _pinned(
    request: Request, shelves: Iterable[Shelf], named: Iterable[Registered], there: int, rejections: Rejections
) -> Shelf:
    """A shelf of the pinned models alone."""
    pinned = [model for model in named if model.key in request.pins]
    others = (model for shelf in shelves for bay in shelf.values() for model in bay if model.key not in request.pins)
    first = min(others, key=lambda model: model.key, default=None)
    rejection = is_pinned_if_the_job_pins(first, request) if first else None
    if first and rejection:
        _reject(rejections, rejection, there - len(pinned), first)
    return shelved(pinned)


class _Depths(dict[Hashable, int]):
    """Of the domain that a job shares with the domains of a model, found out once for all bays."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self._wanted = wanted

    def __missing__(self, domains: tuple[str, ...]) -> int:
        found = self[domains] = match(self._wanted, domains)
        return found


def _small(request: Request, bay: Bay, rejections: Rejections) -> Iterator[Flat]:
    """The cells of models of a size that is allowed."""
    for cell in bay.flat:
        models = cell[0]
        rejection = size_is_allowed(models[0], request)
        if rejection is None:
            yield cell
        else:
            _reject(rejections, rejection, len(models), models[0])


def _told(cells: Iterable[Flat], depths: Mapping[Hashable, int]) -> list[Cell]:
    return [(models, figures, head, depths[domains]) for models, figures, head, domains in cells]


def _divided(
    cells: Iterable[Flat], split: frozenset[Kind], alone: frozenset[str], depths: Mapping[Hashable, int]
) -> Iterator[Cell]:
    """Cells, and those apart that are looked at for themselves."""
    for models, figures, head, domains in cells:
        depth = depths[domains]
        if models[0].traits not in split:
            yield models, figures, head, depth
            continue
        together = tuple(model for model in models if model.key not in alone)
        if together:
            yield together, figures, head, depth
        for model in models:
            if model.key in alone:
                yield (model,), model.key, model.key, depth


def _reject(rejections: Rejections, found: Rejection, count: int, first: Registered) -> None:
    rejections.add(found.reason, count, (first.key, 0), lambda: found.sentence)
