"""The board: every candidate still open with its chance, laid out as rungs for the ladder's search.

Chances are those of now: where a rung of a base model has missed, the others of that model are marked down before
they are compared with anything else.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf

from coppice.api.base import rounded
from coppice.api.reasons import AttemptOutcome
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate
from coppice.planning.chance import Chance, chance
from coppice.planning.counterfactual import Counterfactual, counterfactual
from coppice.planning.evidence import Observed, RungKey, evidence
from coppice.planning.fit.rejection import Rejection
from coppice.planning.ladder import Rules, Rung
from coppice.planning.request import Request
from coppice.planning.survey import Survey
from coppice.planning.together import after_misses, suitability

CHANCE_DIGITS, SUITED_DIGITS = 3, 4


def rung_of(
    *,
    name: str,
    method: Method,
    group: str,
    cost: float,
    chance: float,
    suited: float,
    highs: tuple[float, ...],
    remaining: tuple[float, ...] | None = None,
) -> Rung:
    """A rung from figures as they are recorded; `highs` where a limit binds, else 0.

    `remaining` of the limits is given for a plan whose cost is assumed: it is taken to use no more than that.
    """
    if remaining is not None:
        highs = tuple(min(high, max(left, 0.0)) for high, left in zip(highs, remaining, strict=True))
    return Rung(name, cost, chance, group, suited, highs, trains=method is not Method.AS_IS)


@dataclass(frozen=True)
class Placed:
    """A candidate with its chance and how likely its base model suits the task. Those of one `kind` are twins."""

    candidate: Candidate
    chance: Chance
    suited: float = 1.0
    kind: Hashable = None

    @property
    def name(self) -> str:
        return self.candidate.name

    def rung(self, request: Request, cost: float | None = None) -> Rung:
        """As the ladder's search sees it: by the figures that the record shows, digit for digit, so that it replays."""
        candidate = self.candidate
        return rung_of(
            name=self.name,
            method=candidate.method,
            group=candidate.group,
            cost=float(rounded(candidate.estimate.expected(request.unit) if cost is None else cost)),
            chance=self.shown_chance,
            suited=self.shown_suited,
            highs=tuple(
                float(rounded(high)) if left < inf else 0.0
                for high, left in zip(candidate.estimate.highs, request.remaining, strict=True)
            ),
            remaining=request.remaining if candidate.assumed else None,
        )

    @property
    def shown_chance(self) -> float:
        """The chance to the digits of the record."""
        return float(rounded(self.chance.value, CHANCE_DIGITS))

    @property
    def shown_suited(self) -> float:
        """How likely the base model suits the task, to the digits of the record and never below the chance."""
        return max(float(rounded(self.suited, SUITED_DIGITS)), self.shown_chance)


@dataclass(frozen=True)
class Board:
    """Open substitutes by name, the plan from scratch or why it cannot run, and the counterfactual."""

    request: Request
    survey: Survey
    substitutes: Mapping[str, Placed]
    scratch: Placed | Rejection
    counterfactual: Counterfactual | None

    @cached_property
    def rungs(self) -> list[Rung]:
        """The substitutes as rungs; twins differ in their names alone."""
        known: dict[Hashable, Rung] = {}
        found = []
        for name, placed in self.substitutes.items():
            kind = placed.kind or name
            twin = known.get(kind)
            if twin is None:
                twin = known[kind] = placed.rung(self.request)
            found.append(twin if twin.name == name else twin.named(name, placed.candidate.group))
        return found

    @cached_property
    def last(self) -> Rung | None:
        """The plan from scratch as the last rung, at its measured cost where a control ran; None without one."""
        if isinstance(self.scratch, Rejection) or not self.request.has_scratch_plan:
            return None
        compared = self.counterfactual
        return self.scratch.rung(self.request, compared.estimate.expected(self.request.unit) if compared else None)

    @property
    def rules(self) -> Rules:
        """What binds the ladder."""
        resolved = self.request.resolved
        return Rules(
            remaining=self.request.remaining,
            train_rungs=self.request.rungs_left,
            sufficient=float(resolved.sufficient_chance),
            minimum_saving=float(resolved.minimum_saving_ratio),
        )

    def placed(self, name: str) -> Placed:
        """The candidate behind a rung."""
        if name in self.substitutes:
            return self.substitutes[name]
        assert isinstance(self.scratch, Placed)
        return self.scratch


def set_up(
    request: Request,
    found: Survey,
    scratch: Candidate | Rejection,
    reports: Mapping[RungKey, Observed] | None = None,
) -> Board:
    """The board of a survey and the plan from scratch; `reports` is the evidence, where it was looked up already."""
    seen = evidence(request) if reports is None else reports
    models: dict[str, list[Candidate]] = {}
    for candidate in found.candidates:
        models.setdefault(candidate.group, []).append(candidate)
    known: dict[Hashable, tuple[list[Chance], float]] = {}
    open_now: list[Placed] = []
    for key, candidates in models.items():
        alike = found.alike.get(key, key)
        if alike not in known:
            known[alike] = _chances(request, candidates, seen)
        chances, suited = known[alike]
        kinds = ((alike, candidate.method) for candidate in candidates)
        open_now += [
            Placed(candidate, one, suited, kind)
            for candidate, one, kind in zip(candidates, chances, kinds, strict=True)
            if not (request.tried and request.was_tried(candidate.method, candidate.reference))
        ]
    plan, compared = _scratch(request, scratch)
    if isinstance(plan, Placed):
        plan = replace(plan, chance=chance(plan.candidate, request, seen))
    return Board(request, found, {placed.name: placed for placed in open_now}, plan, compared)


def _chances(
    request: Request, candidates: Sequence[Candidate], reports: Mapping[RungKey, Observed]
) -> tuple[list[Chance], float]:
    """The chances of one base model's rungs, after those that missed, and how likely it suits."""
    chances = [chance(candidate, request, reports, request.probed) for candidate in candidates]
    missed = [candidate.name for candidate in candidates if request.tried and _missed(request, candidate)]
    if not missed:
        return chances, suitability(one.value for one in chances)
    values = {candidate.name: one.value for candidate, one in zip(candidates, chances, strict=True)}
    suited, after = after_misses(values, missed)
    marked = zip(candidates, chances, strict=True)
    return [_marked_down(one, after[candidate.name]) for candidate, one in marked], suited


def _scratch(request: Request, scratch: Candidate | Rejection) -> tuple[Placed | Rejection, Counterfactual | None]:
    if isinstance(scratch, Rejection):
        return scratch, None
    return Placed(scratch, chance(scratch, request, {})), counterfactual(request, scratch)


def _marked_down(one: Chance, value: float) -> Chance:
    if value == one.value:
        return one
    return replace(one, value=value, terms={**one.terms, "afterMisses": value - one.value})


def _missed(request: Request, candidate: Candidate) -> bool:
    wanted = (candidate.method, candidate.reference, AttemptOutcome.MISSED)
    return any((one.method, one.base_model, one.outcome) == wanted for one in request.tried)
