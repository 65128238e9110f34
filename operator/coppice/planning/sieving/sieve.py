"""The sieve: which candidates a decision drafts of all that there are, from their outlines and their chances."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from coppice.api.decision import MAX_CANDIDATES
from coppice.api.vocabulary import Method, Mode
from coppice.planning.candidate import Candidate
from coppice.planning.chance import Chances
from coppice.planning.column import Figures, Numbers, Truths, column
from coppice.planning.fit.rejection import Rejection
from coppice.planning.groups import Group
from coppice.planning.outcomes import METHODS, PLACES, Outcomes
from coppice.planning.request import Request
from coppice.planning.sieving.outline import Outline
from coppice.planning.sieving.screening import Field, Room, may_hold, wanted
from coppice.planning.sieving.showing import shown_column
from coppice.planning.together import CHANCE_DIGITS, SUITED_DIGITS, suitability


class Kept(NamedTuple):
    """Of a group the methods whose candidates must be drafted.

    With them their chances, and how likely the base model suits the job, to the digits that a record shows; without,
    where only the candidate can tell.
    """

    methods: tuple[Method, ...]
    chances: Sequence[float] = ()
    suited: float | None = None


class _Cases:
    """The methods on groups that have an outline: the groups' numbers, the methods' places, their rows in the outline.

    Those of one group stand together; `begins` says from where on.
    """

    def __init__(self, outcomes: Outcomes, groups: Sequence[Group]) -> None:
        self.groups: list[int] = []
        self.places: list[int] = []
        self.rows: list[int] = []
        self.begins = [0]
        for number, group in enumerate(groups):
            rows = outcomes.rows_of(group)
            for method in group.methods:
                if method in rows:
                    self.groups.append(number)
                    self.places.append(PLACES[method])
                    self.rows.append(rows[method])
            self.begins.append(len(self.rows))


@dataclass(frozen=True)
class Sieve:
    """What it goes by: the chances of the decision's candidates, and what binds its ladders."""

    chances: Chances
    room: Room

    @classmethod
    def of(cls, request: Request, scratch: Candidate | Rejection, chances: Chances) -> "Sieve":
        """That of a decision; the plan from scratch, where there is one, may end its ladders."""
        ending: tuple[float, ...] | None = None
        if isinstance(scratch, Candidate) and request.has_scratch_plan:
            ending = scratch.estimate.highs
            if scratch.assumed:
                ending = tuple(min(high, max(left, 0.0)) for high, left in zip(ending, request.remaining, strict=True))
        ends = ending is not None and request.mode is not Mode.REQUIRE and may_hold(request.remaining, ending)
        return cls(chances, Room(request.remaining, request.rungs_left, request.rungs_left - ends, ending))

    def kept(self, outcomes: Outcomes, groups: Sequence[Group]) -> list[Kept]:
        """What of each group the decision can need."""
        cases = _Cases(outcomes, groups)
        if outcomes.outline is None or not cases.rows:
            return [Kept(group.methods) for group in groups]
        field = self._field(groups, cases, outcomes.outline)
        return list(self._told(groups, cases, field, wanted(field, self.room)))

    def _told(self, groups: Sequence[Group], cases: _Cases, field: Field, needed: Truths) -> Iterator[Kept]:
        chances = shown_column(field.chance, CHANCE_DIGITS)
        # What each case alone says: a model's suitability follows from its likeliest rung, so it is the largest.
        suited = shown_column(suitability([field.chance]), SUITED_DIGITS)
        kept: dict[int, list[int]] = {}
        for case in np.flatnonzero(needed).tolist():
            kept.setdefault(cases.groups[case], []).append(case)
        for number, (group, begin, end) in enumerate(zip(groups, cases.begins, cases.begins[1:], strict=False)):
            some = kept.get(number, ())
            methods = tuple([METHODS[cases.places[case]] for case in some])
            if end - begin < len(group.methods):
                outlined = {METHODS[place] for place in cases.places[begin:end]}
                yield Kept(tuple(one for one in group.methods if one in methods or one not in outlined))
                continue
            told = [one for case in some if (one := chances[case]) is not None]
            suits = [one for one in suited[begin:end] if one is not None]
            known = bool(some) and len(told) == len(some) and len(suits) == end - begin
            yield Kept(methods, told, max(suits)) if known else Kept(methods)

    def _field(self, groups: Sequence[Group], cases: _Cases, outline: Outline) -> Field:
        numbers, rows = np.array(cases.groups), np.array(cases.rows)
        return Field(
            cost=outline.cost[rows],
            chance=self._chances(groups, cases, outline.parameters[rows], numbers),
            highs=outline.highs[:, rows],
            trains=np.array(cases.places) != PLACES[Method.AS_IS],
            group=numbers,
            twins=np.array([min(group.count, MAX_CANDIDATES) for group in groups])[numbers],
            used_as_is=np.array([Method.AS_IS in group.methods for group in groups])[numbers],
            unsure=outline.unsure[rows],
        )

    def _chances(self, groups: Sequence[Group], cases: _Cases, sizes: Figures, numbers: Numbers) -> Figures:
        depths = column(group.depth for group in groups)[numbers]
        languages = column(self.chances.language(group.first, group.share) for group in groups)[numbers]
        which = np.array(cases.places)
        found = np.zeros(len(numbers))
        for method, place in PLACES.items():
            some = np.flatnonzero(which == place)
            heads: Figures = 0.0
            if method is Method.AS_IS:
                firsts = [groups[number].first for number in numbers[some]]
                heads = column(sum(self.chances.head(method, first).values()) for first in firsts)
            if len(some):
                found[some] = self.chances.of_many(method, sizes[some], depths[some], languages[some], heads)
        return found
