"""Controls: how base models would rank by parameter count alone, and by what other data says of them.

Published transferability scores lose to such rankings on their usual benchmarks, so a decision that cannot say how it
compares with them claims too much. Both are computed with every decision and change none of it.

    parameters    more first
    static rank   mean place among the candidates on each set of data that several of them were evaluated on (same
                  task, metric and data as recorded on the base models), as a share: 0 is always first, 1 always last
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nlargest, nsmallest
from math import fsum

from coppice.api.decision import ControlsRecord
from coppice.api.vocabulary import DIRECTIONS, Direction, Metric
from coppice.planning.catalogue import Registered
from coppice.planning.groups import Group
from coppice.planning.recorded import trusted

SHOWN = 3
"""Base models that a decision's record names of each ranking."""
Data = tuple[Metric, str]


def controls(groups: Sequence[Group], task: str) -> ControlsRecord | None:
    """The first base models of each ranking among groups of them with candidates; None without any."""
    if not groups:
        return None
    by_size = nsmallest(SHOWN, _largest(groups), key=lambda model: (-_size(model), model.key))
    evaluated = {model.key: model for group in groups if group.first.spec.evaluations for model in group}
    ranks = static_ranks(evaluated.values(), task)
    by_rank = nsmallest(SHOWN, ranks, key=lambda key: (ranks[key], key))
    return ControlsRecord(
        parameters=tuple(model.reference.name for model in by_size),
        static_rank=tuple(evaluated[key].reference.name for key in by_rank),
    )


def _largest(groups: Sequence[Group]) -> Iterator[Registered]:
    """The first models of those groups, each of one size, that may be among the largest SHOWN."""
    sizes = [_size(group.first) for group in groups]
    least = nlargest(SHOWN, sizes)[-1]
    largest = (group for size, group in zip(sizes, groups, strict=True) if size >= least)
    return (model for group in largest for model in group.models(SHOWN))


def _size(model: Registered) -> int:
    return model.spec.architecture.parameters


def static_ranks(models: Iterable[Registered], task: str) -> Mapping[str, float]:
    """By the model's key its mean place, 0 (first) to 1 (last); only of models that were compared with another."""
    found: dict[Data, dict[str, float]] = {}
    for model in models:
        for one in trusted(model.spec.evaluations):
            if one.task == task:
                sign = 1.0 if DIRECTIONS.get(one.metric, Direction.MAXIMIZE) is Direction.MAXIMIZE else -1.0
                found.setdefault((one.metric, one.dataset), {})[model.key] = sign * float(one.value)
    places: dict[str, list[float]] = {}
    for qualities in found.values():
        if len(qualities) > 1:
            for key, place in _places(qualities).items():
                places.setdefault(key, []).append(place)
    return {key: fsum(several) / len(several) for key, several in places.items()}


def _places(qualities: Mapping[str, float]) -> Mapping[str, float]:
    """Each model's place on one set of data as a share; equal qualities share the mean of their places."""
    best_first = sorted(qualities.values(), reverse=True)
    last = len(best_first) - 1
    return {
        key: (best_first.index(quality) + (best_first.count(quality) - 1) / 2) / last
        for key, quality in qualities.items()
    }
