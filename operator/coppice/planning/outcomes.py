"""What comes of the methods on base models that pass: a candidate, or the reason why not.

An outcome is found out once for all models of the same figures; of use as it is, what the head decides was found out
with their groups. Which methods come to candidates is known from outlines, where there are any; a candidate is laid out
with its whole estimate when somebody asks for it.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf

from coppice.api.reasons import FitReason
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate, best_configuration, on_hardware, too_small
from coppice.planning.catalogue import Registered
from coppice.planning.draft import UNLIMITED, Draft, Figures, drafted
from coppice.planning.fit.ability import NO_PRICE
from coppice.planning.fit.checks import FIGURES_CHECKS, HEAD_CHECKS, METHOD_CHECKS, rejected_method
from coppice.planning.fit.rejection import Rejection
from coppice.planning.groups import Group
from coppice.planning.kinds import Kind
from coppice.planning.rejections import Rejections
from coppice.planning.remembered import Candidates, estimated_before
from coppice.planning.request import Request
from coppice.planning.sieving.outline import TOO_LARGE, UNSURE, Outline
from coppice.planning.sieving.sheet import outlined
from coppice.planning.sieving.showing import shown_column

TRAINED = tuple(method for method in Method if method not in {Method.AS_IS, Method.FROM_SCRATCH})
METHODS = (Method.AS_IS, *TRAINED)
PLACES = {method: place for place, method in enumerate(METHODS)}
Outcome = Candidate | Rejection


@dataclass(slots=True)
class _Alike:
    """All models of the same figures: how many, and the first of them by key.

    `answered` says whether any head of theirs answers the job's question, `before` why methods are not even tried,
    `rows` where the outlines of the others are; `trained` are the methods that train something and come to candidates,
    and `as_is` why use as it is does not, where a head answers.
    """

    kind: Hashable
    count: int
    first: Registered
    answered: bool
    before: Mapping[Method, FitReason | None] = field(default_factory=dict)
    rows: dict[Method, int] = field(default_factory=dict)
    trained: tuple[Method, ...] = ()
    as_is: FitReason | None = None


class Outcomes:
    """The outcomes for all groups of one survey; `outline` says whether candidates may wait to be laid out."""

    def __init__(self, request: Request, groups: Sequence[Group], rejections: Rejections, *, outline: bool) -> None:
        self._request, self._rejections = request, rejections
        self._known, self._apart = estimated_before(request), Candidates()
        self._alike: dict[Hashable, _Alike] = {}
        for group in groups:
            self._count(group)
        self._exclude()
        self.outline = self._sketched() if outline else None
        self._standing = self.outline.standing() if self.outline else []
        self._shown = _Shown(request, self.outline) if self.outline else None
        for alike in self._alike.values():
            self._decide(alike)
        for group in groups:
            group.methods = (*self._used_as_is(group), *self._alike[group.figures].trained)

    def rows_of(self, group: Group) -> Mapping[Method, int]:
        """The rows of methods on such models, as far as there is an outline of them."""
        return self._alike[group.figures].rows

    def draft(self, group: Group, method: Method) -> Draft:
        """The candidate of a method on such models."""
        alike = self._alike[group.figures]
        figures = self._rounded(alike, method)
        if figures is None:
            return drafted(self._candidate(alike, method), self._request)
        network = group.first.network(self._request.spec.task)
        return Draft(method, network, figures, partial(self._candidate, alike, method))

    def _count(self, group: Group) -> None:
        known = self._alike.get(group.figures)
        if known is None:
            known = _Alike(group.figures, group.count, group.first, group.unanswered is None)
            self._alike[group.figures] = known
            return
        known.count += group.count
        known.answered |= group.unanswered is None
        if group.first.key < known.first.key:
            known.first = group.first

    def _exclude(self) -> None:
        """Say which methods are not tried: the checks read nothing of a model but its family and its methods."""
        known: dict[Hashable, Mapping[Method, FitReason | None]] = {}
        for alike in self._alike.values():
            spec = alike.first.spec
            key = spec.architecture.family, tuple(spec.methods)
            if key not in known:
                found = [rejected_method(METHOD_CHECKS, alike.first, method, self._request) for method in METHODS]
                reasons = (rejection.reason if rejection else None for rejection in found)
                known[key] = dict(zip(METHODS, reasons, strict=True))
            alike.before = known[key]

    def _sketched(self) -> Outline | None:
        """The outline of everything that is tried and whose figures are known, those of one nature together."""
        natures: dict[Kind, tuple[list[_Alike], list[_Alike]]] = {}
        for alike in self._alike.values():
            if isinstance(alike.kind, Kind) and self._are_known(alike.first):
                network = alike.first.network(self._request.spec.task)
                natures.setdefault(network.nature, ([], []))[network.traits.recomputable].append(alike)
        known = [alike for both in natures.values() for some in both for alike in some]
        asked: dict[Method, list[Registered]] = {}
        row = 0
        for method in METHODS:
            for alike in known:
                if alike.before[method] is None and (method is not Method.AS_IS or alike.answered):
                    asked.setdefault(method, []).append(alike.first)
                    alike.rows[method], row = row, row + 1
        return outlined(self._request, asked) if asked else None

    def _are_known(self, model: Registered) -> bool:
        """Whether enough is known for an estimate, by checks that say the same of every method."""
        return rejected_method(FIGURES_CHECKS, model, Method.FULL_FINE_TUNE, self._request) is None

    def _decide(self, alike: _Alike) -> None:
        """Find out which methods come to candidates; those that train and do not are rejected."""
        if alike.answered:
            alike.as_is = alike.before[Method.AS_IS] or self._reason(alike, Method.AS_IS)
        reasons = {method: alike.before[method] or self._reason(alike, method) for method in TRAINED}
        alike.trained = tuple(method for method, reason in reasons.items() if reason is None)
        for method, reason in reasons.items():
            if reason is not None:
                self._reject(reason, alike.count, alike.first, method)

    def _reason(self, alike: _Alike, method: Method) -> FitReason | None:
        """Why nothing comes of a method that is tried; None where a candidate does."""
        row = alike.rows.get(method)
        standing = UNSURE if row is None else self._standing[row]
        if standing == UNSURE:
            found = self._laid_out(alike, method)
            return found.reason if isinstance(found, Rejection) else None
        return FitReason.MEMORY_TOO_SMALL if standing == TOO_LARGE else None

    def _used_as_is(self, group: Group) -> tuple[Method, ...]:
        """The use as it is, where it comes to candidates; else it is rejected."""
        alike, unanswered = self._alike[group.figures], group.unanswered
        reason = alike.before[Method.AS_IS] or (unanswered.reason if unanswered else alike.as_is)
        if reason is None:
            return (Method.AS_IS,)
        self._reject(reason, group.count, group.first, Method.AS_IS)
        return ()

    def _reject(self, reason: FitReason, count: int, first: Registered, method: Method) -> None:
        place = first.key, PLACES[method]
        self._rejections.add(reason, count, place, partial(_why_not, self._request, first, method))

    def _rounded(self, alike: _Alike, method: Method) -> Figures | None:
        """What a rung reads of a candidate, where its outline tells it to the last digit that is shown."""
        row = alike.rows.get(method)
        if row is None or self._shown is None or self._standing[row] < 0:
            return None
        return self._shown.of(row)

    def _candidate(self, alike: _Alike, method: Method) -> Candidate:
        found = self._laid_out(alike, method)
        assert isinstance(found, Candidate)
        return found

    def _laid_out(self, alike: _Alike, method: Method) -> Outcome:
        known, case = self._known if isinstance(alike.kind, Kind) else self._apart, (alike.kind, method)
        found: Outcome | None = known.get(case)
        if found is None:
            row = alike.rows.get(method)
            option = None if row is None or self._standing[row] < 0 else self._standing[row]
            found = _estimated(self._request, alike.first, method, option)
            if isinstance(found, Candidate):
                known[case] = found
        return found


class _Shown:
    """The figures of an outline to the digits that a record shows."""

    def __init__(self, request: Request, outline: Outline) -> None:
        self._costs = shown_column(outline.cost)
        self._limits = [
            shown_column(highs) if left < inf else None
            for highs, left in zip(outline.highs, request.remaining, strict=True)
        ]
        self._limited = request.limited

    def of(self, row: int) -> Figures | None:
        """Of one row; None where only the candidate can tell."""
        cost = self._costs[row]
        if cost is None:
            return None
        if not self._limited:
            return Figures(cost, UNLIMITED)
        highs = [0.0 if limit is None else limit[row] for limit in self._limits]
        known = [high for high in highs if high is not None]
        return Figures(cost, tuple(known)) if len(known) == len(highs) else None


def _estimated(request: Request, model: Registered, method: Method, option: int | None = None) -> Outcome:
    """By the best configuration, or the one of that number, which is known to be it."""
    rejection = rejected_method(FIGURES_CHECKS, model, method, request)
    if rejection is not None:
        return rejection
    holding = on_hardware(request, model, method, option)
    if not holding:
        return Rejection(FitReason.MEMORY_TOO_SMALL, too_small(request, model, method))
    return best_configuration(request, holding) or Rejection(FitReason.FIGURES_MISSING, NO_PRICE)


def _why_not(request: Request, model: Registered, method: Method) -> str:
    """The sentence for a method that is known not to be a candidate on a model."""
    before = rejected_method((*METHOD_CHECKS, *HEAD_CHECKS), model, method, request)
    outcome = before or _estimated(request, model, method)
    assert isinstance(outcome, Rejection)
    return outcome.sentence
