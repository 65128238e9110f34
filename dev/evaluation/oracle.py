"""The ladder's objective, word by word: every order of every set of rungs, each judged by enumerating what can happen.

Written without a look at how the planner searches, and sharing nothing with it but the words `Rung` and `Rules`:

    a base model suits the job or it does not; where it does, its rungs succeed independently; a rung is tried only
    if all before it missed

    of the ladders that may run   (a) high estimates of all rungs, the last included, within every limit, at most
                                      so many Train rungs, at most eight rungs
                                  and, where rungs stand before a last one, cheaper than it alone by the minimum
                                  saving: to try, or by success for each success
    those most likely to succeed  (b) up to the sufficient chance
    and of these the cheapest     (c) expected cost of trying in that order
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import permutations, product

from coppice.planning.rung import Rules, Rung

LONGEST = 8
DIGITS = 9
"""Two ladders are equally likely where their probabilities agree to so many digits: sums of floats round."""


def best_value(rungs: Sequence[Rung], last: Rung | None, rules: Rules) -> tuple[float, float] | None:
    """Chance (up to the sufficient one) and expected cost of the best ladder; None where none may run."""
    outcomes = _Outcomes([*rungs, *([last] if last else [])])
    found = []
    for order in _orders(len(rungs), _longest(rungs, last, rules)):
        whole = (*order, len(rungs)) if last else order
        ladder = [outcomes.rungs[number] for number in whole]
        if not ladder or not may_run(ladder, rules):
            continue
        cost = sum(rung.cost * outcomes.all_miss(frozenset(whole[:n])) for n, rung in enumerate(ladder))
        success = 1 - outcomes.all_miss(frozenset(whole))
        if last and order and not worthwhile(cost, success, last, rules):
            continue
        chance = round(min(success, rules.sufficient), DIGITS)
        found.append((-chance, cost))
    best = min(found, default=None)
    return None if best is None else (-best[0], best[1])


def worthwhile(cost: float, success: float, last: Rung, rules: Rules) -> bool:
    """Whether trying, or a success, costs less than with the last rung alone, by the minimum saving."""
    here, alone = (cost * last.chance, last.cost * success) if rules.by_success else (cost, last.cost)
    return here < alone and here <= (1 - rules.minimum_saving) * alone


def may_run(ladder: Sequence[Rung], rules: Rules) -> bool:
    """(a)."""
    within = all(sum(rung.highs[n] for rung in ladder) <= left for n, left in enumerate(rules.remaining))
    return within and len(ladder) <= LONGEST and len([rung for rung in ladder if rung.trains]) <= rules.train_rungs


class _Outcomes:
    """Everything that can happen to some rungs, with its probability."""

    def __init__(self, rungs: Sequence[Rung]) -> None:
        self.rungs = rungs
        self.all_miss = cache(self._all_miss)

    def _all_miss(self, chosen: frozenset[int]) -> float:
        """Over all base models that suit or do not: the probability of that, times that of every rung missing."""
        suited = {self.rungs[number].group: self.rungs[number].suited for number in chosen}
        whole = 0.0
        for suits in product((True, False), repeat=len(suited)):
            world = dict(zip(suited, suits, strict=True))
            probability = 1.0
            for group, does in world.items():
                probability *= suited[group] if does else 1 - suited[group]
            for number in chosen:
                rung = self.rungs[number]
                probability *= 1 - rung.chance / rung.suited if world[rung.group] else 1.0
            whole += probability
        return whole


def _longest(rungs: Sequence[Rung], last: Rung | None, rules: Rules) -> int:
    """No more rungs than these can stand before the last one; only spares looking at what (a) forbids anyway."""
    free = len([rung for rung in rungs if not rung.trains])
    return max(min(len(rungs), LONGEST, rules.train_rungs + free), 0) if last is None or last.trains else len(rungs)


def _orders(count: int, longest: int) -> Iterator[tuple[int, ...]]:
    for size in range(longest + 1):
        yield from permutations(range(count), size)
