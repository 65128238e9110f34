"""The sieve: which candidates a decision drafts of all that there are, from their outlines and their chances."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from coppice.api.decision import MAX_CANDIDATES
from coppice.api.vocabulary import Method, Mode
from coppice.planning.candidate import Candidate
from coppice.planning.chance import Chances
from coppice.planning.column import Figures, column
from coppice.planning.fit.rejection import Rejection
from coppice.planning.groups import Group
from coppice.planning.outcomes import METHODS, Outcomes
from coppice.planning.request import Request
from coppice.planning.sieving.outline import Outline
from coppice.planning.sieving.screening import Field, Room, may_hold, wanted

Cases = tuple[Method, list[int], list[int]]
"""A method, the numbers of groups, and the rows of the method on them in an outline."""


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
        if outcomes.outline is None:
            return [group.methods for group in groups]
        cases = list(_cases(outcomes, groups))
        needed = wanted(self._field(groups, cases, outcomes.outline), self.room)
        methods = [method for method, numbers, _ in cases for _ in numbers]
        numbers = [number for _, numbers, _ in cases for number in numbers]
        spared = {(numbers[place], methods[place]) for place in np.flatnonzero(~needed).tolist()}
        return [
            tuple(method for method in group.methods if (number, method) not in spared)
            for number, group in enumerate(groups)
        ]

    def _field(self, groups: Sequence[Group], cases: Sequence[Cases], outline: Outline) -> Field:
        numbers = np.array([number for _, some, _ in cases for number in some])
        rows = np.array([row for _, _, some in cases for row in some])
        trains = [np.full(len(some), method is not Method.AS_IS) for method, some, _ in cases]
        return Field(
            cost=outline.cost[rows],
            chance=self._chances(groups, cases, outline),
            highs=outline.highs[:, rows],
            trains=np.concatenate(trains),
            group=numbers,
            twins=np.array([min(group.count, MAX_CANDIDATES) for group in groups])[numbers],
            used_as_is=np.array([Method.AS_IS in group.methods for group in groups])[numbers],
            unsure=outline.unsure[rows],
        )

    def _chances(self, groups: Sequence[Group], cases: Sequence[Cases], outline: Outline) -> Figures:
        depths = column(group.depth for group in groups)
        languages = column(self.chances.language(group.first, group.share) for group in groups)
        found = []
        for method, numbers, rows in cases:
            heads: Figures = 0.0
            if method is Method.AS_IS:
                heads = column(sum(self.chances.head(method, groups[number].first).values()) for number in numbers)
            sizes = outline.parameters[rows]
            found.append(self.chances.of_many(method, sizes, depths[numbers], languages[numbers], heads))
        return np.concatenate(found)


def _cases(outcomes: Outcomes, groups: Sequence[Group]) -> Iterator[Cases]:
    """By method the groups with an outline of it."""
    for method in METHODS:
        pairs = [
            (number, row)
            for number, group in enumerate(groups)
            if method in group.methods and (row := outcomes.rows.get((group.figures, method))) is not None
        ]
        if pairs:
            numbers, rows = zip(*pairs, strict=True)
            yield method, list(numbers), list(rows)
