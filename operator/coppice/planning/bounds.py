"""Bounds on what a ladder can become: no cheaper, and no likelier, than these say.

Were rungs independent, the cheapest ladder would need no search. In the order of price what comes before a rung only
scales what follows. So, each time that rung i is reached, going on with `left` rungs costs at least (Bellman 1957)

    least(i, left)  =  min(least(i + 1, left), cost of i + (1 - chance of i) x least(i + 1, left - 1))

and behind all of them what the last rung costs; beside `left`, the rungs that may still train are counted. To hold the
chance as well, a failure of the whole ladder is given a price. Whatever that is, a ladder that fails with probability
m costs no less than the least sum of both, less price x m: a Lagrangian bound (Everett 1963). The price lies between
one at which the cheapest ladder fails too often and one at which it fails seldom enough or costs too much: these are
found by secants, then halved.

Rungs of one base model fail together, which only makes a ladder dearer and less likely than if they were independent.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf, sqrt

from coppice.planning.rung import Rung

ROUNDING = 1e-9
"""Difference below which sums of floats say nothing."""
MOST_PRICES = 4
MARGINAL = 2.0
"""What the last rung pays for less failure, to what all of them pay: a guess, where the cheapest ladder is none."""
NEARLY = 0.1
"""Relative difference in failure between a ladder and what is asked of it at which its price is right."""
NEAR = 2.0
"""Ratio of a price that is too high to one that is too low at which either bounds well."""
STEEP = 3.0
"""A price so many times as high bounds better what is nearly complete."""
SHARES = 16

_Figures = tuple[float, float, bool]
"""Of a rung: its cost, how often it misses, and whether it takes one of the attempts that train."""


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The cheapest ladder of independent rungs at one price of failure: numbers of its rungs, its cost, how it fails.

    `least[i][left x width + trains]` bounds going on from rung i.
    """

    price: float
    numbers: Sequence[int]
    cost: float
    miss: float
    figures: Sequence[_Figures]
    least: Sequence[Sequence[float]]
    width: int
    known: dict[int, list[float]] = field(default_factory=dict)

    def with_each(self, trains: int, left: int) -> list[float]:
        """For each rung the least cost of going on with it, and then with those after it."""
        place = (left - 1) * self.width + trains
        found = self.known.get(place)
        if found is None:
            found = self.known[place] = [
                cost + misses * after[place - training] if trains >= training else inf
                for (cost, misses, training), after in zip(self.figures, self.least[1:], strict=True)
            ]
        return found

    def with_some(
        self, numbers: Iterable[int], trains: int, left: int, before: float = 0.0, reached: float = 1.0
    ) -> list[float]:
        """The same for some rungs that may all follow, after so much cost and as often as they are reached."""
        place, figures, least = (left - 1) * self.width + trains, self.figures, self.least
        return [
            before + reached * (cost + misses * least[number + 1][place - training])
            for number in numbers
            for cost, misses, training in (figures[number],)
        ]


class Bounds:
    """The bounds of one search over rungs in the order of their price.

    At most `length` of them stand before the last one, at most `trains` of those for which `training` holds.
    """

    def __init__(
        self, rungs: Sequence[Rung], training: Sequence[bool], last: Rung | None, length: int, trains: int
    ) -> None:
        self._figures = [(rung.cost, 1 - rung.chance, takes) for rung, takes in zip(rungs, training, strict=True)]
        self._prices = [rung.price for rung in rungs]
        self._length, self._trains = length, trains
        self._last_cost, self._last_misses = (last.cost, 1 - last.chance) if last else (0.0, 1.0)

    def relaxed(self, most_miss: float, most_cost: float) -> list[Relaxed]:
        """The tightest first; one alone where the cheapest ladder fails no more often than it may."""
        found = [self._at(0.0)]
        low = found[0].cost, found[0].miss
        if low[1] <= most_miss:
            return found
        high = self._surely(most_miss)
        cheap, dear = 0.0, inf
        for _ in range(MOST_PRICES):
            if high[0] <= low[0] or low[1] - high[1] <= ROUNDING or dear <= NEAR * cheap:
                break
            secant = (high[0] - low[0]) / (low[1] - high[1]) * (1 if found[-1].numbers else MARGINAL)
            one = self._at(sqrt(cheap * dear) if cheap > 0 and dear < inf else secant)
            found.append(one)
            if one.miss <= most_miss or one.cost > most_cost:
                high, dear = (one.cost, one.miss), one.price
            else:
                low, cheap = (one.cost, one.miss), one.price
            if abs(one.miss - most_miss) <= NEARLY * most_miss:
                break
        found.sort(key=lambda one: one.price * most_miss - one.least[0][-1])
        tightest = found[0].price
        if max(one.price for one in found) < NEAR * tightest:
            found.append(self._at(STEEP * tightest))
        return found

    def surest(self) -> Relaxed:
        """The likeliest ladder of independent rungs; `least` and `with_each` say how seldom one fails."""
        figures = [(0.0, misses, takes) for _, misses, takes in self._figures]
        return self._cheapest(inf, figures, self._last_misses, len(figures))

    def _at(self, price: float) -> Relaxed:
        end = self._last_cost + price * self._last_misses
        return self._cheapest(price, self._figures, end, bisect_left(self._prices, end))

    def _cheapest(self, price: float, figures: Sequence[_Figures], end: float, useful: int) -> Relaxed:
        """The cheapest ladder of the first useful rungs, where having failed with all costs so much."""
        width = self._trains + 1
        now = [end] * (width * (self._length + 1))
        least = [now] * (len(figures) - useful + 1)
        for cost, misses, takes in reversed(figures[:useful]):
            after = [end, *now] if takes else now
            better = [
                here if (here := cost + misses * rest) < without else without
                for without, rest in zip(now[width:], after, strict=False)
            ]
            following = now[:width] + better
            if takes:
                following[::width] = now[::width]
            least.append(following)
            now = following
        least.reverse()
        numbers, place = [], len(now) - 1
        for number in range(useful):
            if least[number][place] != least[number + 1][place]:
                numbers.append(number)
                place -= width + figures[number][2]
        return Relaxed(price, numbers, *self._outcome(numbers), figures, least, width)

    def _surely(self, most_miss: float) -> tuple[float, float]:
        """Cost and failure of a ladder that fails seldom enough, of rungs as cheap for their chance as that allows."""
        share = SHARES
        while True:
            cost, miss = self._outcome(self._likeliest(len(self._figures) // share))
            if miss <= most_miss or share == 1:
                return cost, miss
            share //= 2

    def _likeliest(self, count: int) -> list[int]:
        """The likeliest ladder of so many rungs, were they independent."""
        found: list[int] = []
        trains = self._trains
        for number in sorted(range(count), key=lambda one: self._figures[one][1]):
            takes = self._figures[number][2]
            if len(found) < self._length and trains >= takes:
                found.append(number)
                trains -= takes
        return sorted(found)

    def _outcome(self, numbers: Sequence[int]) -> tuple[float, float]:
        """Cost and failure of independent rungs and the last one."""
        cost, missed = 0.0, 1.0
        for number in numbers:
            cost += missed * self._figures[number][0]
            missed *= self._figures[number][1]
        return cost + missed * self._last_cost, missed * self._last_misses
