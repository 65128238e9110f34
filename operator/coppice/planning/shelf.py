"""The shelf of one task: its registered models by what checks read of them, so that equal ones are looked at once.

Models of equal rules stand together: what is found of one of them as a whole holds for all. Within them those of equal
traits do: no decision can tell them apart but by name. Adding or removing one model copies the two small maps that
hold it; the others are shared with the shelf before.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from coppice.planning.kinds import Kind
from coppice.planning.registered import Registered

Models = tuple[Registered, ...]
"""In the order of their keys."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells one after the other, each of models that nothing tells apart but their names. Compared by identity."""

    models: Sequence[Models]


@dataclass(frozen=True)
class Bay:
    """The models of equal rules by their traits; how many they are, and the first by key."""

    cells: Mapping[Kind, Models]
    count: int
    first: Registered

    @cached_property
    def all_cells(self) -> Cells:
        """Its cells, one by one."""
        return Cells(tuple(self.cells.values()))

    def __iter__(self) -> Iterator[Registered]:
        for models in self.cells.values():
            yield from models


Shelf = Mapping[Kind, Bay]
"""Models by their rules."""


def shelved(models: Iterable[Registered]) -> Shelf:
    """A shelf of many models at once."""
    found: dict[Kind, dict[Kind, list[Registered]]] = {}
    for model in models:
        found.setdefault(model.rules, {}).setdefault(model.traits, []).append(model)
    return {
        rules: _bay({traits: tuple(sorted(alike, key=_key)) for traits, alike in cells.items()})
        for rules, cells in found.items()
    }


def with_model(shelf: Shelf, model: Registered) -> Shelf:
    """The same shelf with one model more."""
    bay = shelf.get(model.rules)
    alike = list(bay.cells.get(model.traits, ())) if bay else []
    insort(alike, model, key=_key)
    cells = {**(bay.cells if bay else {}), model.traits: tuple(alike)}
    first = min(bay.first, model, key=_key) if bay else model
    return {**shelf, model.rules: Bay(cells, (bay.count if bay else 0) + 1, first)}


def without(shelf: Shelf, model: Registered) -> Shelf:
    """The same shelf without a model that stands there."""
    bay = shelf[model.rules]
    alike = tuple(one for one in bay.cells[model.traits] if one.key != model.key)
    cells = {traits: models for traits, models in bay.cells.items() if traits is not model.traits}
    if alike:
        cells[model.traits] = alike
    if cells:
        return {**shelf, model.rules: _bay(cells)}
    return {rules: other for rules, other in shelf.items() if rules is not model.rules}


def _bay(cells: Mapping[Kind, Models]) -> Bay:
    first = min((models[0] for models in cells.values()), key=_key)
    return Bay(cells, sum(map(len, cells.values())), first)


def _key(model: Registered) -> str:
    return model.key
