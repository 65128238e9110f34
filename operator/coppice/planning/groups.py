"""Groups: base models that nothing which estimates, uses or chances read can tell apart, from all shelves together."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from coppice.api.vocabulary import Method
from coppice.planning.catalogue import Registered
from coppice.planning.fit.checks import HEAD_CHECKS, rejected_method
from coppice.planning.fit.rejection import Rejection
from coppice.planning.kinds import Kind
from coppice.planning.passing import Run
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


def grouped(request: Request, runs: Iterable[Run]) -> list[Group]:
    """The cells in groups. What a head is evaluated to reach tells models apart as well."""
    found: dict[Hashable, Group] = {}
    heads = _Heads(request)
    for cells, share in runs:
        for models, figures, head, depth in cells:
            first, told = models[0], heads.get(head)
            if told is None:
                told = heads.look(head, first)
            key = figures, told, depth, share
            group = found.get(key)
            if group is None:
                found[key] = Group(figures, told.unanswered, depth, share, first, [models], len(models))
                continue
            group.parts.append(models)
            group.count += len(models)
            if first.key < group.first.key:
                group.first = first
    return list(found.values())


class _Told:
    """What tells heads apart: one object for all of them that say the same."""

    def __init__(self, unanswered: Rejection | None) -> None:
        self.unanswered = unanswered


class _Heads(dict[Hashable, _Told]):
    """What heads say to a job's question, by head."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._known: dict[Hashable, _Told] = {}

    def look(self, head: Hashable, model: Registered) -> _Told:
        """Find out what a head says, by a model that has it."""
        unanswered = rejected_method(HEAD_CHECKS, model, Method.AS_IS, self._request)
        evaluated = head if not isinstance(head, Kind) or head.values[-1] else None
        same = evaluated, unanswered and unanswered.reason
        found = self[head] = self._known.setdefault(same, _Told(unanswered))
        return found
