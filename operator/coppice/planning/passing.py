"""The base models that pass as a whole: looked at by the shelf's bays and cells, never one by one.

A cell is of models that nothing tells apart but their names, or one model that is looked at for itself.
"""

from collections.abc import Hashable, Iterable, Iterator
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
from coppice.planning.shelf import Bay, Models, Shelf, shelved


class Cell(NamedTuple):
    """Models in the order of their keys; `figures` and `head` say what estimates and use as it is read of them.

    `depth` is that of the domain which the job and they share, `share` that of the job's languages which they know.
    """

    models: Models
    figures: Hashable
    head: Hashable
    depth: int
    share: float | None


def passing(request: Request, alone: frozenset[str], rejections: Rejections) -> Iterator[Cell]:
    """Every model under the job's task that passes as a whole; `alone` are keys of models that share no cell."""
    task, namespace, catalogue = request.spec.task, request.namespace, request.world.catalogue
    shelves = list(catalogue.shelves(task, namespace))
    there = sum(bay.count for shelf in shelves for bay in shelf.values())
    named = [model for key in alone if (model := catalogue.named(key, namespace)) and task in model.spec.tasks]
    if request.pins:
        shelves = [_pinned(request, shelves, named, there, rejections)]
    apart = {(model.rules, model.traits) for model in named}
    for shelf in shelves:
        for rules, bay in shelf.items():
            rejection = rejected_model(bay.first, request)
            if rejection is None:
                split = frozenset(traits for other, traits in apart if other is rules)
                yield from _cells(request, bay, split, alone, rejections)
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


def _cells(
    request: Request, bay: Bay, split: frozenset[Kind], alone: frozenset[str], rejections: Rejections
) -> Iterator[Cell]:
    sized, wanted = request.resolved.max_parameters is not None, request.spec.domains
    share = share_known(request.spec.languages, bay.first.spec.languages)
    depths: dict[Hashable, int] = {}
    for models, figures, head, domains in bay.flat:
        rejection = size_is_allowed(models[0], request) if sized else None
        if rejection is not None:
            _reject(rejections, rejection, len(models), models[0])
            continue
        depth = depths.get(domains)
        if depth is None:
            depth = depths[domains] = match(wanted, models[0].spec.domains)
        if not split or models[0].traits not in split:
            yield Cell(models, figures, head, depth, share)
            continue
        together = tuple(model for model in models if model.key not in alone)
        if together:
            yield Cell(together, figures, head, depth, share)
        for model in models:
            if model.key in alone:
                yield Cell((model,), model.key, model.key, depth, share)


def _reject(rejections: Rejections, found: Rejection, count: int, first: Registered) -> None:
    rejections.add(found.reason, count, (first.key, 0), lambda: found.sentence)
