"""The table: the cells of all models that pass, in columns of small numbers, so that they are grouped at a look.

It depends on which bays pass and on the job's languages alone. These are the same for most jobs of a namespace, so the
newest tables are kept.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter, itemgetter

from coppice.planning.catalogue import Registered
from coppice.planning.column import Numbers, distinct, whole
from coppice.planning.passing import Run
from coppice.planning.shelf import Models

KEPT_TABLES = 16


@dataclass(frozen=True)
class Traits:
    """One part of what tells cells apart: of each cell its number, and of each number one model that has it."""

    numbers: Numbers
    examples: Sequence[Registered]

    def told(self, number: Callable[[Registered], int]) -> Numbers:
        """A number for each cell, found out from one model for all that have the same."""
        return whole(map(number, self.examples))[self.numbers]


@dataclass(frozen=True)
class Table:
    """Cells in the order of the keys of their first models; `shares` are those of the job's languages by `share`.

    `alone` are the keys of models that are looked at for themselves.
    """

    cells: Sequence[Models]
    sizes: Sequence[int]
    figures: Traits
    heads: Traits
    domains: Traits
    share: Numbers
    shares: Sequence[float | None]
    alone: frozenset[str]


def tabled(runs: tuple[Run, ...]) -> Table:
    """The table of some runs that have cells."""
    return _known(runs) if all(run.cells.lasting for run in runs) else _made(runs)


def _made(runs: tuple[Run, ...]) -> Table:
    shares = list(dict.fromkeys(run.share for run in runs))
    found = sorted(_cells(runs, shares), key=itemgetter(0))
    cells = [models for _, _, models in found]
    firsts = [models[0] for models in cells]
    alone = frozenset(models[0].key for run in runs if run.alone for models in run.cells.models)
    # Kinds are numbered from 1 on, so no other model has the figures of one that is looked at alone.
    figures = [-place if one.key in alone else one.figures.number for place, one in enumerate(firsts)]
    return Table(
        cells,
        sizes=list(map(len, cells)),
        figures=_traits(firsts, figures),
        heads=_traits(firsts, map(attrgetter("head.number"), firsts)),
        domains=_traits(firsts, map(attrgetter("domains.number"), firsts)),
        share=whole(share for _, share, _ in found),
        shares=shares,
        alone=alone,
    )


_known = lru_cache(maxsize=KEPT_TABLES)(_made)


def _cells(runs: Sequence[Run], shares: Sequence[float | None]) -> Iterator[tuple[str, int, Models]]:
    """Cells with the key of their first model, and the number of what it knows of the job's languages."""
    for run in runs:
        share = shares.index(run.share)
        for models in run.cells.models:
            yield models[0].key, share, models


def _traits(firsts: Sequence[Registered], kinds: Iterable[int]) -> Traits:
    places, numbers = distinct(whole(kinds))
    return Traits(numbers, [firsts[place] for place in places])
