"""Room: how many more rungs the limits leave space for, were they the smallest there are."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from coppice.planning.bounds import ROUNDING
from coppice.planning.rung import MAX_RUNGS, Rung


class Room:
    """What of the limits that bind is left for more rungs."""

    def __init__(self, rungs: Sequence[Rung], remaining: Sequence[float], binding: Sequence[int]) -> None:
        self._limits = [
            (
                number,
                remaining[number],
                _smallest(rung.highs[number] for rung in rungs),
                _smallest(rung.highs[number] for rung in rungs if rung.trains),
            )
            for number in binding
        ]

    def after(self, highs: Sequence[float], left: int, trains: int) -> tuple[int, int]:
        """How many rungs, and how many of those that train, of so many at most fit beside these high estimates."""
        for number, remaining, smallest, training in self._limits:
            unused = remaining - highs[number]
            left = min(left, bisect_right(smallest, unused))
            trains = min(trains, bisect_right(training, unused))
        return left, trains


def _smallest(highs: Iterable[float]) -> list[float]:
    """What the smallest ones take together: one, two, and so on; a little less, as sums round."""
    return [high * (1 - ROUNDING) for high in accumulate(sorted(highs)[:MAX_RUNGS])]
