"""What comes of the methods on base models that pass: a candidate, or the reason why not.

An outcome is found out once for all models of the same figures; of use as it is, what the head decides is found out
once for all of the same head.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from coppice.api.reasons import FitReason
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate, best_configuration, on_hardware, too_small
from coppice.planning.catalogue import Registered
from coppice.planning.fit.ability import NO_PRICE
from coppice.planning.fit.checks import FIGURES_CHECKS, HEAD_CHECKS, METHOD_CHECKS, rejected_method
from coppice.planning.fit.rejection import Rejection
from coppice.planning.kinds import Kind
from coppice.planning.passing import Cell
from coppice.planning.rejections import Rejections
from coppice.planning.remembered import estimated_before
from coppice.planning.request import Request

TRAINED = tuple(method for method in Method if method not in {Method.AS_IS, Method.FROM_SCRATCH})
Outcome = Candidate | Rejection
Pair = tuple[Hashable, Hashable]
"""Figures and head."""


@dataclass(slots=True)
class _Tally:
    """How many models, and the first of them by key."""

    count: int
    first: Registered


class Outcomes:
    """The outcomes for all cells of one survey."""

    def __init__(self, request: Request, cells: Iterable[Cell], rejections: Rejections) -> None:
        self._request, self._rejections = request, rejections
        self._known = estimated_before(request)
        figures: dict[Hashable, _Tally] = {}
        heads: dict[Hashable, _Tally] = {}
        pairs: dict[Pair, _Tally] = {}
        for cell in cells:
            _count(figures, cell.figures, cell)
            _count(heads, cell.head, cell)
            _count(pairs, (cell.figures, cell.head), cell)
        self._trained = {kind: self._of_training(kind, tally) for kind, tally in figures.items()}
        self._as_is = self._of_use_as_it_is(figures, heads, pairs)

    def trained(self, cell: Cell) -> tuple[Candidate, ...]:
        """The candidates that train anything, each on some model of the same figures."""
        return self._trained[cell.figures]

    def as_is(self, cell: Cell) -> Candidate | None:
        """The candidate that uses such a model as it is."""
        return self._as_is.get((cell.figures, cell.head))

    def _of_training(self, kind: Hashable, tally: _Tally) -> tuple[Candidate, ...]:
        found = []
        for method in TRAINED:
            before = rejected_method(METHOD_CHECKS, tally.first, method, self._request)
            outcome = before or self._estimated(kind, tally.first, method)
            if isinstance(outcome, Candidate):
                found.append(outcome)
            else:
                self._reject(outcome.reason, tally, method)
        return tuple(found)

    def _of_use_as_it_is(
        self, figures: dict[Hashable, _Tally], heads: dict[Hashable, _Tally], pairs: dict[Pair, _Tally]
    ) -> dict[Pair, Candidate]:
        method, request = Method.AS_IS, self._request
        before = {kind: rejected_method(METHOD_CHECKS, one.first, method, request) for kind, one in figures.items()}
        answers = {kind: rejected_method(HEAD_CHECKS, one.first, method, request) for kind, one in heads.items()}
        after: dict[Hashable, Outcome] = {}
        found = {}
        for pair, tally in pairs.items():
            kind, head = pair
            outcome: Outcome | None = before[kind] or answers[head] or after.get(kind)
            if outcome is None:
                outcome = after[kind] = self._estimated(kind, tally.first, method)
            if isinstance(outcome, Candidate):
                found[pair] = outcome
            else:
                self._reject(outcome.reason, tally, method)
        return found

    def _reject(self, reason: FitReason, tally: _Tally, method: Method) -> None:
        place = tally.first.key, TRAINED.index(method) + 1 if method in TRAINED else 0
        self._rejections.add(reason, tally.count, place, partial(_why_not, self._request, tally.first, method))

    def _estimated(self, kind: Hashable, model: Registered, method: Method) -> Outcome:
        known = self._known.get((kind, method))
        if known is not None:
            return known
        found = _estimated(self._request, model, method)
        if isinstance(found, Candidate) and isinstance(kind, Kind):
            self._known[kind, method] = found
        return found


def _count(tallies: dict[Any, _Tally], kind: Hashable, cell: Cell) -> None:
    first, known = cell.models[0], tallies.get(kind)
    if known is None:
        tallies[kind] = _Tally(len(cell.models), first)
        return
    known.count += len(cell.models)
    if first.key < known.first.key:
        known.first = first


def _estimated(request: Request, model: Registered, method: Method) -> Outcome:
    rejection = rejected_method(FIGURES_CHECKS, model, method, request)
    if rejection is not None:
        return rejection
    holding = on_hardware(request, model, method)
    if not holding:
        return Rejection(FitReason.MEMORY_TOO_SMALL, too_small(request, model, method))
    return best_configuration(request, holding) or Rejection(FitReason.FIGURES_MISSING, NO_PRICE)


def _why_not(request: Request, model: Registered, method: Method) -> str:
    """The sentence for a method that is known not to be a candidate on a model."""
    before = rejected_method((*METHOD_CHECKS, *HEAD_CHECKS), model, method, request)
    outcome = before or _estimated(request, model, method)
    assert isinstance(outcome, Rejection)
    return outcome.sentence
