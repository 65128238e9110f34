"""Rungs, what binds a ladder of them, and how likely all of them miss."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from math import inf, prod
from operator import attrgetter

from coppice.planning.together import all_miss

MAX_RUNGS = 8


@dataclass(frozen=True)
class Rung:
    """One rung: expected cost, chance, the group it fails with and how likely that suits, high estimates by limit.

    `twins` are names and groups of rungs that differ from it in nothing else, in the order of their names.
    """

    name: str
    cost: float
    chance: float
    group: str
    suited: float = 1.0
    highs: tuple[float, ...] = ()
    trains: bool = True
    twins: Collection[tuple[str, str]] = field(default=(), repr=False, compare=False)

    @property
    def price(self) -> float:
        """Cost for the chance."""
        return self.cost / self.chance if self.chance else inf

    def each(self) -> Iterator["Rung"]:
        """The rung and its twins, one by one."""
        yield self
        for name, group in self.twins:
            yield Rung(name, self.cost, self.chance, group, self.suited, self.highs, self.trains)


@dataclass(frozen=True)
class Rules:
    """What binds a ladder: what each limit leaves, Train rungs left, and the policy's two numbers.

    `by_success` compares with the last rung alone by what a success costs, not by what trying costs.
    """

    remaining: tuple[float, ...] = ()
    train_rungs: int = MAX_RUNGS
    sufficient: float = 0.95
    minimum_saving: float = 0.0
    by_success: bool = False


@dataclass(frozen=True)
class Ladder:
    """Ordered rungs with the probability that one of them meets the objective and the expected cost of them all.

    `proven` is False where the search was cut short: then no better ladder is known, but one may exist.
    """

    rungs: tuple[Rung, ...]
    chance: float
    cost: float
    proven: bool = True


def fits(rungs: Sequence[Rung], rules: Rules) -> bool:
    """Whether the high estimates together stay within the limits, and the Train rungs within the attempts."""
    trained = sum(rung.trains for rung in rungs)
    if trained > rules.train_rungs or len(rungs) > MAX_RUNGS:
        return False
    return all(sum(rung.highs[n] for rung in rungs) <= left for n, left in enumerate(rules.remaining))


def attempts_before(last: Rung | None, rules: Rules) -> int:
    """How many rungs that train can stand before the last one."""
    return rules.train_rungs - (last.trains if last else 0)


def most_before(rungs: Iterable[Rung], last: Rung | None, rules: Rules) -> int:
    """How many of the rungs can stand before the last one, by attempts and length alone."""
    free = sum(1 + len(rung.twins) for rung in rungs if not rung.trains)
    return max(min(attempts_before(last, rules) + free, MAX_RUNGS - (1 if last else 0)), 0)


def can_bind(rungs: Sequence[Rung], last: Rung | None, rules: Rules, most: int) -> list[int]:
    """The numbers of the limits that some ladder of so many rungs and the last one could exceed."""
    found = []
    for number, left in enumerate(rules.remaining):
        highest = max((rung.highs[number] for rung in rungs), default=0.0) if left < inf else 0.0
        if (last.highs[number] if last and left < inf else 0.0) + most * highest > left:
            found.append(number)
    return found


def miss_probability(rungs: Iterable[Rung]) -> float:
    """Probability that every rung of a set misses."""
    groups: dict[str, list[Rung]] = {}
    for rung in rungs:
        groups.setdefault(rung.group, []).append(rung)
    return prod(all_miss(group[0].suited, (rung.chance for rung in group)) for group in groups.values())


def expected_cost(rungs: Sequence[Rung]) -> float:
    """What trying the rungs in that order until one succeeds is expected to cost."""
    return sum(rung.cost * miss_probability(rungs[:n]) for n, rung in enumerate(rungs))


def count(rungs: Iterable[Rung]) -> int:
    """How many rungs, twins counted."""
    return sum(1 + len(rung.twins) for rung in rungs)


def by_price(rungs: Iterable[Rung]) -> Iterator[Rung]:
    """Rungs and their twins one by one, the least cost for the chance first, equal ones by name."""
    for _, same in groupby(sorted(rungs, key=attrgetter("price")), attrgetter("price")):
        yield from by_name(list(same))


def by_name(rungs: Sequence[Rung]) -> Iterator[Rung]:
    """Rungs and their twins one by one, by name."""
    return rungs[0].each() if len(rungs) == 1 else merge(*(rung.each() for rung in rungs), key=attrgetter("name"))
