"""What comes of the methods on base models that pass: a candidate, or the reason why not.

An outcome is found out once for all models of the same figures; of use as it is, what the head decides was found out
with their groups. Which methods come to candidates is known from outlines, where there are any; a candidate is laid out
with its whole estimate when somebody asks for it.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from coppice.api.reasons import FitReason
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate, best_configuration, on_hardware, too_small
from coppice.planning.catalogue import Registered
from coppice.planning.draft import Draft, Figures, drafted, rounded_figures
from coppice.planning.fit.ability import NO_PRICE
from coppice.planning.fit.checks import FIGURES_CHECKS, HEAD_CHECKS, METHOD_CHECKS, rejected_method
from coppice.planning.fit.rejection import Rejection
from coppice.planning.groups import Group
from coppice.planning.kinds import Kind
from coppice.planning.rejections import Rejections
from coppice.planning.remembered import Candidates, estimated_before
from coppice.planning.request import Request
from coppice.planning.sieving.outline import ROUNDING, Outline, Told
from coppice.planning.sieving.sheet import outlined

METHODS = tuple(method for method in Method if method is not Method.FROM_SCRATCH)
Case = tuple[Hashable, Method]
"""Figures and method."""
Outcome = Candidate | Rejection


@dataclass(slots=True)
class _Tally:
    """How many models, the first of them by key, and whether any head of theirs answers the job's question."""

    count: int
    first: Registered
    answered: bool


class Outcomes:
    """The outcomes for all groups of one survey.

    `outline` says whether candidates may wait to be laid out; `rows_of` tells their rows in it then.
    """

    def __init__(self, request: Request, groups: Sequence[Group], rejections: Rejections, *, outline: bool) -> None:
        self._request, self._rejections = request, rejections
        self._known, self._apart = estimated_before(request), Candidates()
        self._figures: dict[Hashable, _Tally] = {}
        for group in groups:
            self._count(group)
        self._before = self._untried()
        possible = [case for case, reason in self._before.items() if reason is None and self._asked(*case)]
        self._rows: dict[Hashable, dict[Method, int]] = {}
        self.outline = self._sketched(possible) if outline else None
        self._told = self.outline.told() if self.outline else []
        self._after = {case: self._reason(case) for case in possible}
        trained = {kind: self._trained(kind, tally) for kind, tally in self._figures.items()}
        for group in groups:
            group.methods = (*self._used_as_is(group), *trained[group.figures])

    def rows_of(self, figures: Hashable) -> Mapping[Method, int]:
        """The rows of methods on models of the figures, as far as there is an outline of them."""
        return self._rows.get(figures, {})

    def draft(self, group: Group, method: Method) -> Draft:
        """The candidate of a method on some model of the same figures."""
        case = group.figures, method
        figures = self._rounded(case)
        if figures is None:
            return drafted(self._candidate(case), self._request)
        return Draft(method, group.first.network(self._request.spec.task), figures, partial(self._candidate, case))

    def _count(self, group: Group) -> None:
        known = self._figures.get(group.figures)
        if known is None:
            self._figures[group.figures] = _Tally(group.count, group.first, group.unanswered is None)
            return
        known.count += group.count
        known.answered |= group.unanswered is None
        if group.first.key < known.first.key:
            known.first = group.first

    def _untried(self) -> dict[Case, FitReason | None]:
        """Why methods are not tried on models of the figures; of those, only family and methods are read."""
        found: dict[Case, FitReason | None] = {}
        known: dict[Hashable, Rejection | None] = {}
        for kind, tally in self._figures.items():
            spec = tally.first.spec
            for method in METHODS:
                key = spec.architecture.family, tuple(spec.methods), method
                if key not in known:
                    known[key] = rejected_method(METHOD_CHECKS, tally.first, method, self._request)
                rejection = known[key]
                found[kind, method] = rejection.reason if rejection else None
        return found

    def _asked(self, kind: Hashable, method: Method) -> bool:
        return method is not Method.AS_IS or self._figures[kind].answered

    def _sketched(self, possible: Iterable[Case]) -> Outline | None:
        """The outline of all cases whose figures are known."""
        asked: dict[Method, list[Hashable]] = {}
        natures: dict[Hashable, Kind] = {}
        for kind, one in self._figures.items():
            if isinstance(kind, Kind) and self._are_known(one.first):
                natures[kind] = one.first.network(self._request.spec.task).nature
        for kind, method in possible:
            if kind in natures:
                asked.setdefault(method, []).append(kind)
        if not asked:
            return None
        order = {nature: number for number, nature in enumerate(dict.fromkeys(natures.values()))}
        for kinds in asked.values():
            kinds.sort(key=lambda kind: order[natures[kind]])
        for row, (kind, method) in enumerate((kind, method) for method, kinds in asked.items() for kind in kinds):
            self._rows.setdefault(kind, {})[method] = row
        models = {method: [self._figures[kind].first for kind in kinds] for method, kinds in asked.items()}
        return outlined(self._request, models)

    def _are_known(self, model: Registered) -> bool:
        """Whether enough is known for an estimate, by checks that say the same of every method."""
        return rejected_method(FIGURES_CHECKS, model, Method.FULL_FINE_TUNE, self._request) is None

    def _reason(self, case: Case) -> FitReason | None:
        """Why nothing comes of a method that is tried; None where a candidate does."""
        told = self._told_of(case)
        if told is not None and not told.unsure:
            if not told.held:
                return FitReason.MEMORY_TOO_SMALL
            if told.option >= 0:
                return None
        found = self._laid_out(case)
        return found.reason if isinstance(found, Rejection) else None

    def _trained(self, kind: Hashable, tally: _Tally) -> tuple[Method, ...]:
        """The methods that train something on such models and come to candidates; the others are rejected."""
        found = []
        for method in METHODS:
            if method is not Method.AS_IS:
                reason = self._before[kind, method] or self._after[kind, method]
                if reason is None:
                    found.append(method)
                else:
                    self._reject(reason, tally.count, tally.first, method)
        return tuple(found)

    def _used_as_is(self, group: Group) -> tuple[Method, ...]:
        """The use as it is, where it comes to candidates; else it is rejected."""
        case, unanswered = (group.figures, Method.AS_IS), group.unanswered
        reason = self._before[case] or (unanswered.reason if unanswered else self._after[case])
        if reason is None:
            return (Method.AS_IS,)
        self._reject(reason, group.count, group.first, Method.AS_IS)
        return ()

    def _reject(self, reason: FitReason, count: int, first: Registered, method: Method) -> None:
        place = first.key, METHODS.index(method)
        self._rejections.add(reason, count, place, partial(_why_not, self._request, first, method))

    def _rounded(self, case: Case) -> Figures | None:
        """What a rung reads of a candidate, where its outline tells it to the last digit that is shown."""
        told = self._told_of(case)
        if told is None or told.option < 0:
            return None
        below, above = (
            rounded_figures(told.cost * factor, [high * factor for high in told.highs], self._request)
            for factor in (1 - ROUNDING, 1 + ROUNDING)
        )
        return below if below == above else None

    def _option(self, case: Case) -> int | None:
        """The configuration that is known to be the best one."""
        told = self._told_of(case)
        return None if told is None or told.option < 0 else told.option

    def _told_of(self, case: Case) -> Told | None:
        kind, method = case
        row = self.rows_of(kind).get(method)
        return None if row is None else self._told[row]

    def _candidate(self, case: Case) -> Candidate:
        found = self._laid_out(case)
        assert isinstance(found, Candidate)
        return found

    def _laid_out(self, case: Case) -> Outcome:
        kind, method = case
        known = self._known if isinstance(kind, Kind) else self._apart
        found: Outcome | None = known.get(case)
        if found is None:
            found = _estimated(self._request, self._figures[kind].first, method, self._option(case))
            if isinstance(found, Candidate):
                known[case] = found
        return found


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
