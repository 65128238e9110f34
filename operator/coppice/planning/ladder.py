"""The ladder: which rungs to try, in which order, so that the objective is met most surely and then most cheaply.

In this order: (a) the high estimates of all rungs together, the last one included, stay within what the limits leave,
so that whatever fails, the plan from scratch still fits; (b) the probability of meeting the objective is greatest, up
to `sufficient`; (c) the expected cost is least. With a last rung, trying others first must be expected to save at
least the minimum; otherwise the last rung stands alone. `Rules.by_success` asks the same of a success: expected cost
over chance, of the ladder against the last rung alone.

Probabilities are compared exactly, but for the digits in which sums round. A tolerance would have to be paid for in
jobs that fail: where chances are right on average, so is the probability of a ladder, however uncertain each one is.
How much carbon a little more certainty may cost is for a policy to say, by `sufficientChance`.

The best ladder is found without leaving any rung out: `dominance` drops what a better one can always replace,
`search` bounds what is left. A rung whose cost for its chance is no less than what the last one costs makes no ladder
cheaper: so the cheapest ladder of all is looked for among the others, and is the best one if it suffices.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf

from coppice.planning.attempts import worth_an_attempt
from coppice.planning.dominance import undominated
from coppice.planning.rung import (
    MAX_RUNGS,
    Ladder,
    Rules,
    Rung,
    attempts_before,
    by_price,
    can_bind,
    count,
    fits,
    miss_probability,
    most_before,
)
from coppice.planning.search import Search

__all__ = [
    "MAX_RUNGS",
    "Ladder",
    "Rules",
    "Rung",
    "admissible",
    "best_ladder",
    "by_price",
    "count",
    "fits",
    "miss_probability",
]


def best_ladder(rungs: Sequence[Rung], last: Rung | None, rules: Rules) -> Ladder | None:
    """The best ladder, ending in `last` where there is one; None where nothing may run."""
    if last is not None and (rules.train_rungs < 1 or not fits([last], rules)):
        return None
    possible = admissible(rungs, last, rules)
    if last is not None and not rules.by_success:
        worth_it = [rung for rung in possible if rung.price < last.cost]
        cheapest = _searched(worth_it, last, replace(rules, sufficient=min(last.chance, rules.sufficient)))
        if cheapest is not None and cheapest.proven and cheapest.chance >= rules.sufficient:
            return cheapest
    return _searched(possible, last, rules)


def _searched(possible: Sequence[Rung], last: Rung | None, rules: Rules) -> Ladder | None:
    most = most_before(possible, last, rules)
    binding = can_bind(possible, last, rules, most)
    kept, attempts = undominated(possible, binding, most), attempts_before(last, rules)
    if attempts < most and not binding:
        kept = worth_an_attempt(kept, last, attempts)
    return Search(kept, last, rules, most, binding).best()


def admissible(rungs: Iterable[Rung], last: Rung | None, rules: Rules) -> list[Rung]:
    """The rungs that may run at all: with the last one they fit limits and attempts."""
    trains = attempts_before(last, rules)
    limits = [
        (number, last.highs[number] if last else 0.0, left)
        for number, left in enumerate(rules.remaining)
        if left != inf
    ]
    return [
        rung
        for rung in rungs
        if trains >= rung.trains and all(rung.highs[number] + ending <= left for number, ending, left in limits)
    ]
