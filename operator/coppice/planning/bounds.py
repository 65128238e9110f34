"""Bounds on what a ladder can become: no likelier, and no cheaper, than these say.

Rungs are taken in the order of their price, cost per chance, and as if they failed independently: after others of its
own base model a rung is less likely than alone, so a ladder only looks better than it is. Of the rungs from one on, so
many that train and so many that do not,

    miss   they miss no less often than the likeliest of them
    cost   reached with probability r, each rung takes away r x chance at most, at its price, and those that train, as
           those that do not, together no more than the likeliest of them. The cheapest go first until what must be
           taken away is taken, and on while that is cheaper than the last rung: a fractional knapsack (Dantzig 1957)
"""

from bisect import insort
from collections.abc import Sequence
from math import inf

from coppice.planning.rung import Rung

UNREACHABLE = inf
ROUNDING = 1e-9
"""Difference below which sums of floats say nothing."""
END = (inf, 0.0)


class Bounds:
    """The bounds of one search over rungs in the order of their price; `most` can stand before the last one."""

    def __init__(self, rungs: Sequence[Rung], last: Rung | None, most: int) -> None:
        self._last_cost = last.cost if last else 0.0
        self._last_misses = 1 - last.chance if last else 1.0
        self._training = _Suffixes(rungs, most, trains=True)
        self._free = _Suffixes(rungs, most, trains=False)

    def miss(self, start: int, left: int, trains: int) -> float:
        """Least probability that `left` rungs from `start` on, so many of which train, and the last one all miss."""
        training, free = self._training.misses[start], self._free.misses[start]
        most, least = min(trains, left, len(training) - 1), 1.0
        for count in range(most + 1):
            least = min(least, training[count] * free[min(left - count, len(free) - 1)])
        return least * self._last_misses

    def cost(self, reached: float, chance: float, start: int, left: int, trains: int) -> float:
        """Least cost of going on to the end from that probability of being reached, if the ladder is to be so likely.

        UNREACHABLE where it cannot be.
        """
        training, free = self._training, self._free
        may_train, may_else = training.most(reached, start, min(trains, left)), free.most(reached, start, left)
        missing = reached - (1 - chance) / self._last_misses if self._last_misses > 0 else 0.0
        cost, rest = 0.0, reached
        one, other = training.first[start], free.first[start]
        while True:
            cheaper = training.figures[one] if may_train > 0 else END
            freer = free.figures[other] if may_else > 0 else END
            if cheaper <= freer:
                price, likely = cheaper
                taken = min(reached * likely, may_train)
                may_train, one = may_train - taken, one + 1
            else:
                price, likely = freer
                taken = min(reached * likely, may_else)
                may_else, other = may_else - taken, other + 1
            taken = min(taken, rest if price < self._last_cost else missing)
            if taken <= 0:
                break
            cost += taken * price
            missing -= taken
            rest -= taken
        if missing > ROUNDING:
            return UNREACHABLE
        return cost + rest * self._last_cost


class _Suffixes:
    """The rungs of one kind: for each rung of the search, what those from it on can do at most.

    `figures` are their prices and chances, END behind them; `first` says where those from a rung on begin; `misses`
    are the least probabilities that none, one, two ... of them miss.
    """

    def __init__(self, rungs: Sequence[Rung], most: int, *, trains: bool) -> None:
        self.figures = [(rung.price, rung.chance) for rung in rungs if rung.trains is trains] + [END]
        self.first = [len(self.figures) - 1]
        self.misses: list[list[float]] = [[1.0]]
        likeliest: list[float] = []
        for rung in reversed(rungs):
            if rung.trains is trains:
                insort(likeliest, 1 - rung.chance)
                del likeliest[most:]
            self.first.append(self.first[-1] - (rung.trains is trains))
            self.misses.append(_products(likeliest) if rung.trains is trains else self.misses[-1])
        self.first.reverse()
        self.misses.reverse()

    def most(self, reached: float, start: int, count: int) -> float:
        """What so many of the rungs from one on take away at most from a probability of being reached."""
        misses = self.misses[start]
        return reached * (1 - misses[min(count, len(misses) - 1)])


def _products(factors: Sequence[float]) -> list[float]:
    found = [1.0]
    for factor in factors:
        found.append(found[-1] * factor)
    return found
