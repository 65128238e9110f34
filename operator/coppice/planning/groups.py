"""Groups: base models that nothing which estimates, uses or chances read can tell apart, from all shelves together."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain, islice
from operator import attrgetter

from coppice.api.vocabulary import Method
from coppice.planning.catalogue import Registered
from coppice.planning.column import alike
from coppice.planning.domains import match
from coppice.planning.fit.checks import HEAD_CHECKS, rejected_method
from coppice.planning.fit.rejection import Rejection
from coppice.planning.passing import Run
from coppice.planning.request import Request
from coppice.planning.shelf import Models
from coppice.planning.table import Table, tabled


@dataclass(slots=True)
class Group:
    """Their figures as estimates read them, the depth of the domain and the share of the languages that the job shares.

    `figures` are the key of a model that is looked at alone. `unanswered` is why their head does not answer the job's
    question, None where it does; `first` is the first of them by key, `cells` are the numbers of theirs in the table.
    `methods` are those that come to candidates, once somebody found out.
    """

    figures: Hashable
    unanswered: Rejection | None
    depth: int
    share: float | None
    first: Registered
    cells: Sequence[int]
    count: int
    table: Table
    methods: tuple[Method, ...] = ()

    def __iter__(self) -> Iterator[Registered]:
        return chain.from_iterable(self._parts())

    def models(self, most: int) -> Models:
        """The first so many, in the order of their keys."""
        if len(self.cells) == 1:
            return self.table.cells[self.cells[0]][:most]
        return tuple(islice(merge(*self._parts(), key=attrgetter("key")), most))

    def _parts(self) -> Iterator[Models]:
        return (self.table.cells[number] for number in self.cells)


def grouped(request: Request, runs: Iterable[Run], alone: Iterable[Registered] = ()) -> list[Group]:
    """The cells in groups, by the keys of their first models; those that are looked at `alone` are no one's twins.

    What a head is evaluated to reach tells models apart as well.
    """
    some = tuple(run for run in runs if run.cells.models)
    if not some:
        return []
    table, told = tabled(some).with_alone(alone), _Told(request)
    heads = table.heads.told(told.number)
    depths = table.domains.told(lambda model: match(request.spec.domains, model.spec.domains))
    together = alike((table.figures, heads, depths, table.share))
    firsts = [cells[0] for cells in together]
    each = zip(together, *(one[firsts].tolist() for one in (heads, depths, table.share)), strict=True)
    found = []
    for cells, head, depth, share in each:
        first = table.cells[cells[0]][0]
        figures = first.key if first.key in table.alone else first.figures
        count = sum([table.sizes[number] for number in cells])
        found.append(Group(figures, told.unanswered[head], depth, table.shares[share], first, cells, count, table))
    return found


class _Told:
    """What heads say to a job's question: one number for all of them that say the same."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._known: dict[Hashable, int] = {}
        self.unanswered: list[Rejection | None] = []
        """By number why such a head does not answer, None where it does."""

    def number(self, model: Registered) -> int:
        """The number of what a model's head says."""
        unanswered = rejected_method(HEAD_CHECKS, model, Method.AS_IS, self._request)
        evaluated = model.head if model.spec.evaluations else None
        found = self._known.setdefault((evaluated, unanswered and unanswered.reason), len(self._known))
        if found == len(self.unanswered):
            self.unanswered.append(unanswered)
        return found
