"""Groups: base models that nothing which estimates, uses or chances read can tell apart, from all shelves together."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from coppice.api.vocabulary import Method
from coppice.planning.catalogue import Registered
from coppice.planning.fit.checks import HEAD_CHECKS, rejected_method
from coppice.planning.fit.rejection import Rejection
from coppice.planning.kinds import Kind
from coppice.planning.passing import Cell
from coppice.planning.request import Request
from coppice.planning.shelf import Models


@dataclass(slots=True)
class Group:
    """Their figures as estimates read them, the depth of the domain and the share of the languages that the job shares.

    `unanswered` is why their head does not answer the job's question, None where it does; `first` is the first of them
    by key, `parts` are all of them, each part in the order of keys. `methods` are those that come to candidates, once
    somebody found out.
    """

    figures: Hashable
    unanswered: Rejection | None
    depth: int
    share: float | None
    first: Registered
    parts: list[Models]
    count: int
    methods: tuple[Method, ...] = ()

    def __iter__(self) -> Iterator[Registered]:
        return chain.from_iterable(self.parts)

    def models(self, most: int) -> Models:
        """The first so many, in the order of their keys."""
        if len(self.parts) == 1:
            return self.parts[0][:most]
        some = chain.from_iterable(part[:most] for part in self.parts)
        return tuple(sorted(some, key=lambda model: model.key)[:most])


def grouped(request: Request, cells: Iterable[Cell]) -> list[Group]:
    """The cells in groups. What a head is evaluated to reach tells models apart as well."""
    found: dict[Hashable, Group] = {}
    heads: dict[Hashable, tuple[Rejection | None, Hashable]] = {}
    for models, figures, head, depth, share in cells:
        first, known = models[0], heads.get(head)
        if known is None:
            unanswered = rejected_method(HEAD_CHECKS, first, Method.AS_IS, request)
            evaluated = head if not isinstance(head, Kind) or head.values[-1] else None
            known = heads[head] = unanswered, (evaluated, unanswered and unanswered.reason)
        key = figures, known[1], depth, share
        group = found.get(key)
        if group is None:
            found[key] = Group(figures, known[0], depth, share, first, [models], len(models))
            continue
        group.parts.append(models)
        group.count += len(models)
        if first.key < group.first.key:
            group.first = first
    return list(found.values())
