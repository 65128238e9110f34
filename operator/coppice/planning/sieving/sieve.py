"""The sieve: which candidates a decision drafts of all that there are, from their outlines and their chances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coppice.api.decision import MAX_CANDIDATES
from coppice.api.vocabulary import Method, Mode
from coppice.planning.candidate import Candidate
from coppice.planning.chance import Chances
from coppice.planning.column import Figures, Numbers, column
from coppice.planning.fit.rejection import Rejection
from coppice.planning.groups import Group
from coppice.planning.outcomes import PLACES, Outcomes
from coppice.planning.request import Request
from coppice.planning.sieving.outline import Outline
from coppice.planning.sieving.screening import Field, Room, may_hold, wanted


class _Cases:
    """The methods on groups that have an outline: the groups' numbers, the methods, and their rows in the outline."""

    def __init__(self, outcomes: Outcomes, groups: Sequence[Group]) -> None:
        self.groups: list[int] = []
        self.methods: list[Method] = []
        self.rows: list[int] = []
        for number, group in enumerate(groups):
            rows = outcomes.rows_of(group)
            for method in group.methods:
                row = rows.get(method)
                if row is not None:
                    self.groups.append(number)
                    self.methods.append(method)
                    self.rows.append(row)


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

    def kept(self, outcomes: Outcomes, groups: Sequence[Group]) -> list[tuple[Method, ...]]:
        """Of each group the methods whose candidates must be drafted."""
        cases = _Cases(outcomes, groups)
        if outcomes.outline is None or not cases.rows:
            return [group.methods for group in groups]
        needed = wanted(self._field(groups, cases, outcomes.outline), self.room)
        spared: dict[int, set[Method]] = {}
        for place in np.flatnonzero(~needed).tolist():
            spared.setdefault(cases.groups[place], set()).add(cases.methods[place])
        return [
            tuple(method for method in group.methods if method not in spared[number])
            if number in spared
            else group.methods
            for number, group in enumerate(groups)
        ]

    def _field(self, groups: Sequence[Group], cases: _Cases, outline: Outline) -> Field:
        numbers, rows = np.array(cases.groups), np.array(cases.rows)
        return Field(
            cost=outline.cost[rows],
            chance=self._chances(groups, cases, outline.parameters[rows], numbers),
            highs=outline.highs[:, rows],
            trains=np.array([method is not Method.AS_IS for method in cases.methods]),
            group=numbers,
            twins=np.array([min(group.count, MAX_CANDIDATES) for group in groups])[numbers],
            used_as_is=np.array([Method.AS_IS in group.methods for group in groups])[numbers],
            unsure=outline.unsure[rows],
        )

    def _chances(self, groups: Sequence[Group], cases: _Cases, sizes: Figures, numbers: Numbers) -> Figures:
        depths = column(group.depth for group in groups)[numbers]
        languages = column(self.chances.language(group.first, group.share) for group in groups)[numbers]
        which = np.array([PLACES[method] for method in cases.methods])
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
