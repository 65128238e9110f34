"""The ladder: which rungs to try, in which order, so that the objective is met most surely and then most cheaply.

In this order: (a) the high estimates of all rungs together, the last one included, stay within what the limits leave,
so that whatever fails, the plan from scratch still fits; (b) the probability of meeting the objective is greatest, up
to `sufficient`; (c) the expected cost is least. With a last rung, trying others first must be expected to save at
least the minimum; otherwise the last rung stands alone.

Probabilities are compared in whole steps of CHANCE_STEP: a prior worth four jobs has a standard error of 0.2, and
taken to the last digit (b) would buy a point more of a guess with nearly all of the saving.

Whether a rung is reached depends on the set of rungs before it, not on their order (see `together`), so the best
order of every set follows from the best orders of its subsets (Held and Karp 1962). The search is exact over the
SHORTLIST most promising rungs: half by cost per chance, half by chance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from coppice.planning.together import all_miss

SHORTLIST = 12
MAX_RUNGS = 8
CHANCE_STEP = 0.1


@dataclass(frozen=True)
class Rung:
    """One rung: expected cost, chance, the group it fails with and how likely that suits, high estimates by limit."""

    name: str
    cost: float
    chance: float
    group: str
    suited: float = 1.0
    highs: tuple[float, ...] = ()
    trains: bool = True


@dataclass(frozen=True)
class Rules:
    """What binds a ladder: what each limit leaves, Train rungs left, and the policy's two numbers."""

    remaining: tuple[float, ...] = ()
    train_rungs: int = MAX_RUNGS
    sufficient: float = 0.95
    minimum_saving: float = 0.0


@dataclass(frozen=True)
class Ladder:
    """Ordered rungs with the probability that one of them meets the objective and the expected cost of them all."""

    rungs: tuple[Rung, ...]
    chance: float
    cost: float


@dataclass(frozen=True)
class _Path:
    """The cheapest order of a set of rungs."""

    rungs: tuple[Rung, ...]
    cost: float
    reached: float


def best_ladder(rungs: Sequence[Rung], last: Rung | None, rules: Rules) -> Ladder | None:
    """The best ladder, ending in `last` where there is one; None where nothing may run."""
    if last is not None and (rules.train_rungs < 1 or not fits([last], rules)):
        return None
    shortlist = _shortlist(admissible(rungs, last, rules))
    ladders = [_ladder(path, last) for path in _paths(shortlist, last, rules)]
    allowed = [ladder for ladder in ladders if ladder.rungs and _saves(ladder, last, rules)]
    return min(allowed, key=lambda ladder: _rank(ladder, rules), default=None)


def admissible(rungs: Iterable[Rung], last: Rung | None, rules: Rules) -> list[Rung]:
    """The rungs that may run at all: with the last one they fit limits and attempts."""
    ending = [last] if last else []
    return [rung for rung in rungs if fits([rung, *ending], rules)]


def fits(rungs: Sequence[Rung], rules: Rules) -> bool:
    """Whether the high estimates together stay within the limits, and the Train rungs within the attempts."""
    trained = sum(rung.trains for rung in rungs)
    if trained > rules.train_rungs or len(rungs) > MAX_RUNGS:
        return False
    return all(sum(rung.highs[n] for rung in rungs) <= left for n, left in enumerate(rules.remaining))


def miss_probability(rungs: Iterable[Rung]) -> float:
    """Probability that every rung of a set misses."""
    groups: dict[str, list[Rung]] = {}
    for rung in rungs:
        groups.setdefault(rung.group, []).append(rung)
    return prod(all_miss(group[0].suited, (rung.chance for rung in group)) for group in groups.values())


def _paths(rungs: Sequence[Rung], last: Rung | None, rules: Rules) -> Iterable[_Path]:
    """The cheapest order of every set that may run, by growing sets; a set that breaks a limit is not grown."""
    level: dict[frozenset[int], _Path] = {frozenset(): _Path((), 0.0, 1.0)}
    ending = [last] if last else []
    while level:
        yield from level.values()
        grown: dict[frozenset[int], _Path] = {}
        for chosen, path in level.items():
            for number, rung in enumerate(rungs):
                if number in chosen or not fits([*path.rungs, rung, *ending], rules):
                    continue
                key, cost = chosen | {number}, path.cost + path.reached * rung.cost
                known = grown.get(key)
                if known is None or cost < known.cost:
                    reached = known.reached if known else miss_probability([*path.rungs, rung])
                    grown[key] = _Path((*path.rungs, rung), cost, reached)
        level = grown


def _ladder(path: _Path, last: Rung | None) -> Ladder:
    if last is None:
        return Ladder(path.rungs, 1 - path.reached, path.cost)
    missed = path.reached * (1 - last.chance)
    return Ladder((*path.rungs, last), 1 - missed, path.cost + path.reached * last.cost)


def _saves(ladder: Ladder, last: Rung | None, rules: Rules) -> bool:
    if last is None or ladder.rungs == (last,):
        return True
    return ladder.cost < last.cost and ladder.cost <= (1 - rules.minimum_saving) * last.cost


def steps(chance: float) -> int:
    """Whole steps of probability; the little that is added keeps equal plans equal where sums round."""
    return int(chance / CHANCE_STEP + 1e-9)


def _rank(ladder: Ladder, rules: Rules) -> tuple[int, float, int, tuple[str, ...]]:
    return (
        -steps(min(ladder.chance, rules.sufficient)),
        ladder.cost,
        len(ladder.rungs),
        tuple(rung.name for rung in ladder.rungs),
    )


def _shortlist(rungs: Sequence[Rung]) -> list[Rung]:
    if len(rungs) <= SHORTLIST:
        return sorted(rungs, key=lambda rung: rung.name)
    by_price = sorted(rungs, key=lambda rung: (rung.cost / rung.chance, rung.name))
    by_chance = sorted(rungs, key=lambda rung: (-rung.chance, rung.cost, rung.name))
    likely = by_chance[: SHORTLIST // 2]
    cheap = [rung for rung in by_price if rung not in likely][: SHORTLIST - len(likely)]
    return sorted([*likely, *cheap], key=lambda rung: rung.name)
