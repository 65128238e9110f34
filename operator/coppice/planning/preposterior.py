"""What it is worth to know, before a ladder is decided, how a probe of several base models would come out.

One rung stands for each base model; rungs of different models are independent. Tried in the order of cost / chance a
ladder costs least, and which rungs belong to it, of at most `most`, follows from the last one back:

    V(i, 0) = V(n, m) = failure
    V(i, m) = min(V(i + 1, m), cost_i + (1 - p_i) V(i + 1, m - 1))

`failure` is what a miss of all of them costs: the last rung, training from scratch. A probe has two outcomes for each
model, and its word agrees with what the rung would do with probability r. By Bayes' rule

    P(good) = p r + (1 - p)(1 - r),   p after good = p r / P(good),   p after bad = p (1 - r) / P(bad)

so that the chance expected after the probe is the chance before. The expected value of the sample information
(Raiffa and Schlaifer 1961) is then

    V(chances now) - sum over outcomes of P(outcome) x V(chances after it)

in the unit of the costs. V is concave in each chance, so the value is never negative unless a minimum saving makes
the ladder jump; it is then taken for 0.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from operator import attrgetter

MOST_PROSPECTS = 8
"""Base models whose rungs the value of a probe is computed over."""
SURE = 1e-9
"""Chances closer than this to 0 or 1 are moved by no probe."""


@dataclass(frozen=True)
class Prospect:
    """A base model's rung: expected cost, chance, and how often a probe's word agrees with what it would do."""

    name: str
    cost: float
    chance: float
    agreement: float = 0.5

    @cached_property
    def order(self) -> tuple[float, str]:
        """Sort key: cost for the chance; every outcome of a probe is sorted by it."""
        return self.cost / max(self.chance, SURE), self.name


def ladder_cost(prospects: Iterable[Prospect], failure: float, most: int, minimum_saving: float = 0.0) -> float:
    """Least expected cost of a ladder of at most `most` rungs; `failure` alone where that saves too little."""
    some = list(prospects)
    costs = [failure] * (max(min(most, len(some)), 0) + 1)
    for one in sorted(some, key=attrgetter("order"), reverse=True):
        cost, miss = one.cost, 1 - one.chance
        for left in range(len(costs) - 1, 0, -1):
            costs[left] = min(costs[left], cost + miss * costs[left - 1])
    return costs[-1] if costs[-1] <= (1 - minimum_saving) * failure else failure


def value_of_probing(
    prospects: Sequence[Prospect], asked: int, failure: float, most: int, minimum_saving: float = 0.0
) -> float:
    """What a probe of the first `asked` prospects is expected to save, in the unit of their costs."""
    others = prospects[asked:]
    after = sum(
        likelihood * ladder_cost([*seen, *others], failure, most, minimum_saving)
        for likelihood, seen in _outcomes(prospects[:asked])
    )
    return max(ladder_cost(prospects, failure, most, minimum_saving) - after, 0.0)


def _outcomes(asked: Sequence[Prospect]) -> Iterator[tuple[float, list[Prospect]]]:
    """Every outcome of the probe with its probability: each prospect after either word, in every combination."""
    for words in product(*((_after(one, good=True), _after(one, good=False)) for one in asked)):
        yield prod(probability for probability, _ in words), [seen for _, seen in words]


def _after(one: Prospect, *, good: bool) -> tuple[float, Prospect]:
    """Probability of a word, and the prospect after it."""
    agrees = one.agreement if good else 1 - one.agreement
    probability = one.chance * agrees + (1 - one.chance) * (1 - agrees)
    chance = one.chance * agrees / probability if probability > SURE else one.chance
    return probability, Prospect(one.name, one.cost, chance, one.agreement)
