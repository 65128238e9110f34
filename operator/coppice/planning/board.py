"""The board: every candidate still open with its chance, laid out as rungs for the ladder's search.

Chances are those of now: where a rung of a base model has missed, the others of that model are marked down before
they are compared with anything else.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from coppice.api.base import shown
from coppice.api.meta import BaseModelReference
from coppice.api.reasons import AttemptOutcome
from coppice.api.vocabulary import BaseModelKind, Method
from coppice.planning.candidate import Candidate, rung_name
from coppice.planning.catalogue import Registered
from coppice.planning.chance import Chance, Chances
from coppice.planning.counterfactual import Counterfactual, counterfactual
from coppice.planning.draft import figures_of
from coppice.planning.evidence import evidence
from coppice.planning.fit.rejection import Rejection
from coppice.planning.ladder import Rules, Rung, count
from coppice.planning.request import Request
from coppice.planning.survey import Survey, Twins
from coppice.planning.together import CHANCE_DIGITS, SUITED_DIGITS, after_misses, suitability


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
    """A candidate with its chance and how likely its base model suits the task."""

    candidate: Candidate
    chance: Chance
    suited: float = 1.0

    @property
    def name(self) -> str:
        return self.candidate.name

    def rung(self, request: Request, cost: float | None = None) -> Rung:
        """As the ladder's search sees it: by the figures that the record shows, digit for digit, so that it replays."""
        candidate = self.candidate
        figures = figures_of(candidate, request)
        chance = shown(self.chance.value, CHANCE_DIGITS)
        return rung_of(
            name=self.name,
            method=candidate.method,
            group=candidate.group,
            cost=figures.cost if cost is None else shown(cost),
            chance=chance,
            suited=max(shown(self.suited, SUITED_DIGITS), chance),
            highs=figures.highs,
            remaining=request.remaining if candidate.assumed else None,
        )


@dataclass(frozen=True)
class Stand:
    """Twins on the board: the chances of their candidates, how likely each model suits, and which are open.

    Chances and suitability are to the digits of a record. `values` are the chances to the last digit, where rungs that
    missed may have marked them down.
    """

    twins: Twins
    rounded: Sequence[float]
    suited: float
    open: Sequence[int]
    told: Chances
    values: Sequence[float] | None = None

    @property
    def first(self) -> Registered:
        """The first of them by their rungs' names: by key too, unless that is namespaced, as such keys come first."""
        first = self.twins.first
        return first if first.reference.kind is BaseModelKind.CLUSTER else self.models[0]

    @cached_property
    def models(self) -> Sequence[Registered]:
        """In the order of their rungs' names, in which namespaced models stand elsewhere than by key."""
        models = self.twins.models
        if models[0].reference.kind is models[-1].reference.kind:
            return models
        return sorted(models, key=lambda model: rung_name(Method.AS_IS, model.reference))

    @property
    def count(self) -> int:
        """How many models stand here, further twins not counted."""
        return self.twins.group.count - self.twins.further

    @cached_property
    def chances(self) -> Sequence[Chance]:
        """The chances with what they were made from: a few are shown, all are compared."""
        model, group, drafts = self.twins.first, self.twins.group, self.twins.drafts
        each = [self.told.of(draft.method, model, draft.network, group.depth, group.share) for draft in drafts]
        if self.values is None:
            return each
        return [_marked_down(one, value) for one, value in zip(each, self.values, strict=True)]

    def placed(self, number: int, model: Registered) -> Placed:
        """One candidate on one of the models."""
        return Placed(self.twins.drafts[number].candidate.of(model), self.chances[number], self.suited)

    def model_of(self, number: int, rung: Rung) -> Registered | None:
        """The model on which the candidate is that rung, if there is one."""
        method = self.twins.drafts[number].method
        first = self.first
        models = (first,) if first.key == rung.group else self.models
        named = (model for model in models if model.key == rung.group)
        return next((model for model in named if rung_name(method, model.reference) == rung.name), None)


class _Names(Collection[tuple[str, str]]):
    """Names and groups of a rung on all models but the first, written when somebody asks."""

    def __init__(self, method: Method, stand: Stand) -> None:
        self._method, self._stand = method, stand

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for model in islice(self._stand.models, 1, None):
            yield rung_name(self._method, model.reference), model.key

    def __contains__(self, one: object) -> bool:
        return any(one == other for other in self)

    def __len__(self) -> int:
        return self._stand.count - 1


@dataclass(frozen=True)
class Board:
    """Open substitutes by twins, the plan from scratch or why it cannot run, and the counterfactual."""

    request: Request
    survey: Survey
    stands: Sequence[Stand]
    scratch: Placed | Rejection
    counterfactual: Counterfactual | None

    @cached_property
    def rungs(self) -> list[Rung]:
        """The substitutes as rungs, one for all twins."""
        found = []
        for stand in self.stands:
            suited, first, alone = stand.suited, stand.first, stand.count == 1
            for number in stand.open:
                draft = stand.twins.drafts[number]
                chance, method, figures = stand.rounded[number], draft.method, draft.figures
                name, group = rung_name(method, first.reference), first.key
                twins = () if alone else _Names(method, stand)
                trains = method is not Method.AS_IS
                found.append(Rung(name, figures.cost, chance, group, max(suited, chance), figures.highs, trains, twins))
        return found

    @cached_property
    def open(self) -> int:
        """How many substitutes are open, further twins counted."""
        further = sum(stand.twins.further * len(stand.open) for stand in self.stands)
        return count(self.rungs) + further + self.survey.spared

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

    def placed(self, rung: Rung) -> Placed:
        """The candidate behind a rung; twins are found by what they share with the rung that stands for them.

        So the models of those twins alone are looked at that somebody asks for, of thousands on the board.
        """
        for stand, number in self._behind.get((rung.cost, rung.chance), ()):
            model = stand.model_of(number, rung)
            if model is not None:
                return stand.placed(number, model)
        assert isinstance(self.scratch, Placed)
        return self.scratch

    @cached_property
    def _behind(self) -> Mapping[tuple[float, float], Sequence[tuple[Stand, int]]]:
        """Where candidates stand, by cost and chance of their rungs."""
        found: dict[tuple[float, float], list[tuple[Stand, int]]] = {}
        places = ((stand, number) for stand in self.stands for number in stand.open)
        for rung, place in zip(self.rungs, places, strict=True):
            found.setdefault((rung.cost, rung.chance), []).append(place)
        return found


def set_up(
    request: Request,
    found: Survey,
    scratch: Candidate | Rejection,
    chances: Chances | None = None,
) -> Board:
    """The board of a survey and the plan from scratch; `chances` where somebody has them already."""
    chances = chances or Chances(request, evidence(request))
    stands = [_stand(request, twins, chances) for twins in found.groups]
    plan, compared = _scratch(request, scratch, chances)
    return Board(request, found, stands, plan, compared)


def _stand(request: Request, twins: Twins, chances: Chances) -> Stand:
    """The chances of twins, after rungs that missed; only a model that is no one's twin was tried."""
    everything = range(len(twins.drafts))
    if twins.suited is not None and not request.tried:
        return Stand(twins, twins.chances, twins.suited, everything, chances)
    model, methods, group = twins.first, [draft.method for draft in twins.drafts], twins.group
    network = twins.drafts[0].network
    found = chances.values((*methods, *twins.others), model, network, group.depth, group.share)
    values = found[: len(methods)]
    if not request.tried or twins.others:
        return Stand(twins, _rounded(values), shown(suitability(found), SUITED_DIGITS), everything, chances)
    by_method = {method.value: value for method, value in zip(methods, values, strict=True)}
    missed = [method.value for method in methods if _missed(request, method, model.reference)]
    suited, after = after_misses(by_method, missed)
    left = [number for number in everything if not request.was_tried(methods[number], model.reference)]
    values = list(after.values())
    return Stand(twins, _rounded(values), shown(suited, SUITED_DIGITS), left, chances, values)


def _rounded(chances: Sequence[float]) -> Sequence[float]:
    return [shown(one, CHANCE_DIGITS) for one in chances]


def _scratch(
    request: Request, scratch: Candidate | Rejection, chances: Chances
) -> tuple[Placed | Rejection, Counterfactual | None]:
    if isinstance(scratch, Rejection):
        return scratch, None
    return Placed(scratch, chances.of(scratch.method, None, scratch.network)), counterfactual(request, scratch)


def _marked_down(one: Chance, value: float) -> Chance:
    if value == one.value:
        return one
    return replace(one, value=value, terms={**one.terms, "afterMisses": value - one.value})


def _missed(request: Request, method: Method, reference: BaseModelReference) -> bool:
    wanted = (method, reference, AttemptOutcome.MISSED)
    return any((one.method, one.base_model, one.outcome) == wanted for one in request.tried)
