"""The base models that pass as a whole: looked at by the shelf's bays and cells, never one by one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from coppice.api.reasons import FitReason
from coppice.planning.catalogue import Registered
from coppice.planning.fit.checks import rejected_model
from coppice.planning.fit.rejection import Rejection
from coppice.planning.fit.relevance import is_pinned_if_the_job_pins
from coppice.planning.fit.rules import size_is_allowed
from coppice.planning.languages import share_known
from coppice.planning.rejections import Rejections
from coppice.planning.request import Request
from coppice.planning.shelf import Bay, Cells, Models, Shelf, shelved


class Run(NamedTuple):
    """Cells of one bay; `share` is that of the job's languages which all of their models know.

    `whole` says that they are all of a bay that further decisions find as it is.
    """

    cells: Cells
    share: float | None
    whole: bool = True


def passing(request: Request, named: Sequence[Registered], rejections: Rejections) -> Iterator[Run]:
    """Every model under the job's task that passes as a whole; the pinned ones are among the `named`."""
    task, namespace, catalogue = request.spec.task, request.namespace, request.world.catalogue
    shelves = list(catalogue.shelves(task, namespace))
    there = sum(bay.count for shelf in shelves for bay in shelf.values())
    if request.pins:
        shelves = [_pinned(request, shelves, named, there, rejections)]
    for shelf in shelves:
        for bay in shelf.values():
            rejection = rejected_model(bay.first, request)
            if rejection is not None:
                _reject(rejections, rejection, bay.count, bay.first)
                continue
            share = share_known(request.spec.languages, bay.first.spec.languages)
            cells = bay.all_cells if request.resolved.max_parameters is None else _small(request, bay, rejections)
            yield Run(cells, share, whole=cells is bay.all_cells and not request.pins)
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
        _reject(rejections, _with_unknown(rejection, request, pinned), there - len(pinned), first)
    return shelved(pinned)


def _with_unknown(rejection: Rejection, request: Request, pinned: Iterable[Registered]) -> Rejection:
    """The rejection of others, with the pinned models that nobody registered: most likely somebody mistyped them."""
    unknown = sorted(request.pins - {model.key for model in pinned})
    if not unknown:
        return rejection
    missing = f"for {request.spec.task} nobody registered {', '.join(unknown)}"
    return replace(rejection, sentence=f"{rejection.sentence}; {missing}")


def _small(request: Request, bay: Bay, rejections: Rejections) -> Cells:
    """The cells of models of a size that is allowed."""
    found: list[Models] = []
    for models in bay.all_cells.models:
        rejection = size_is_allowed(models[0], request)
        if rejection is None:
            found.append(models)
        else:
            _reject(rejections, rejection, len(models), models[0])
    return bay.all_cells if len(found) == len(bay.all_cells.models) else Cells(found)


def _reject(rejections: Rejections, found: Rejection, count: int, first: Registered) -> None:
    rejections.add(found.reason, count, (first.key, 0), lambda: found.sentence)
