"""The table: the cells of all models that pass, in columns of small numbers, so that they are grouped at a look.

Most often all of a bay passes. Then it depends on which bays pass and on the job's languages alone, which are the same
for most jobs of a namespace; so the newest of these tables are kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from operator import attrgetter, itemgetter

from coppice.planning.catalogue import Registered
from coppice.planning.column import Numbers, distinct, whole
from coppice.planning.kinds import Kind
from coppice.planning.passing import Run
from coppice.planning.shelf import Models

KEPT_TABLES = 16
Place = tuple[Kind, Kind]
"""Rules and traits: what tells cells apart."""


@dataclass(frozen=True)
class Trait:
    """Of each cell a number for what it has of one kind, and of each number a model that has it."""

    numbers: Numbers
    examples: Sequence[Registered]

    def told(self, number: Callable[[Registered], int]) -> Numbers:
        """A number for each cell, found out from one model for all that have the same."""
        return whole(map(number, self.examples))[self.numbers]


@dataclass(frozen=True)
class Table:
    """Cells in the order of the keys of their first models; `shares` are those of the job's languages by `share`.

    `alone` are the keys of models that are looked at for themselves, each in a cell of its own.
    """

    cells: Sequence[Models]
    figures: Numbers
    heads: Trait
    domains: Trait
    share: Numbers
    shares: Sequence[float | None]
    alone: frozenset[str] = frozenset()

    @cached_property
    def sizes(self) -> Sequence[int]:
        """How many models each cell has."""
        return list(map(len, self.cells))

    @cached_property
    def places(self) -> Mapping[Place, int]:
        """Where the cell of such models is."""
        return {(models[0].rules, models[0].traits): number for number, models in enumerate(self.cells)}

    def with_alone(self, models: Iterable[Registered]) -> "Table":
        """The same with those of these models that are in it in cells of their own, and of figures of their own."""
        there = [(number, one) for one in models if (number := self._place_of(one)) is not None]
        if not there:
            return self
        alone, count = frozenset(one.key for _, one in there), len(self.cells)
        cells, origins = [*self.cells, *((one,) for _, one in there)], [*range(count), *(number for number, _ in there)]
        for number in {number for number, _ in there}:
            cells[number] = tuple(one for one in cells[number] if one.key not in alone)
        order = sorted((number for number, some in enumerate(cells) if some), key=lambda number: cells[number][0].key)
        before = whole(origins[number] for number in order)
        figures = zip(order, self.figures[before].tolist(), strict=True)
        return replace(
            self,
            cells=[cells[number] for number in order],
            # There are no more figures than cells, so numbers of the new cells are those of no figures.
            figures=whole(known if number < count else number for number, known in figures),
            heads=replace(self.heads, numbers=self.heads.numbers[before]),
            domains=replace(self.domains, numbers=self.domains.numbers[before]),
            share=self.share[before],
            alone=alone,
        )

    def _place_of(self, model: Registered) -> int | None:
        """The cell that a model is in; a pinned model's twins are in none."""
        number = self.places.get((model.rules, model.traits))
        return number if number is not None and any(one.key == model.key for one in self.cells[number]) else None


def tabled(runs: tuple[Run, ...]) -> Table:
    """The table of some runs that have cells."""
    return _known(runs) if all(run.whole for run in runs) else _made(runs)


def _made(runs: tuple[Run, ...]) -> Table:
    shares = list(dict.fromkeys(run.share for run in runs))
    found = sorted(_cells(runs, shares), key=itemgetter(0))
    firsts = [models[0] for _, _, models in found]
    return Table(
        cells=[models for _, _, models in found],
        figures=distinct(whole(map(attrgetter("figures.number"), firsts)))[1],
        heads=_trait(firsts, "head.number"),
        domains=_trait(firsts, "domains.number"),
        share=whole(share for _, share, _ in found),
        shares=shares,
    )


_known = lru_cache(maxsize=KEPT_TABLES)(_made)


def _cells(runs: Sequence[Run], shares: Sequence[float | None]) -> Iterator[tuple[str, int, Models]]:
    """Cells with the key of their first model, and the number of what it knows of the job's languages."""
    for run in runs:
        share = shares.index(run.share)
        for models in run.cells.models:
            yield models[0].key, share, models


def _trait(firsts: Sequence[Registered], number: str) -> Trait:
    places, numbers = distinct(whole(map(attrgetter(number), firsts)))
    return Trait(numbers, [firsts[place] for place in places])
