"""`python -m evaluation ladder`: the planner's ladder held against brute force, over random cases.

Rungs are independent in one half of them, and fail together with those of the same base model in the other.

Every case is drawn afresh from a seed: up to six rungs on up to four base models, with and without a last rung, with
limits that bind or do not, rungs that only evaluate, ties, and sufficient chances from 0.5 to 1.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import inf, isclose
from random import Random

from rich.console import Console
from rich.table import Table

from coppice.planning.ladder import Ladder, best_ladder
from coppice.planning.rung import Rules, Rung
from coppice.planning.together import suitability
from evaluation.oracle import best_value

CHANCES = (0.05, 0.2, 0.5, 0.5, 0.8, 0.9)
MOST_RUNGS = 6


@dataclass(frozen=True)
class Case:
    """One question to the ladder; `together` says that rungs of one base model fail together."""

    rungs: tuple[Rung, ...]
    last: Rung | None
    rules: Rules
    together: bool


def random_cases(count: int, seed: int = 7, most_rungs: int = MOST_RUNGS) -> Iterator[Case]:
    """So many cases, alternately independent and correlated."""
    random = Random(seed)  # noqa: S311 - draws cases, guards nothing
    for number in range(count):
        yield _case(random, together=bool(number % 2), most_rungs=most_rungs)


def crowded_cases(count: int, seed: int = 7, rungs: int = 30) -> Iterator[Case]:
    """Cases with many rungs of which two at most can be tried, so that brute force still ends."""
    random = Random(seed)  # noqa: S311 - draws cases, guards nothing
    for number in range(count):
        case = _case(random, together=bool(number % 2), most_rungs=rungs, groups=rungs // 2)
        rules = replace(case.rules, train_rungs=3 if case.last else 2)
        yield replace(case, rungs=tuple(replace(rung, trains=True) for rung in case.rungs), rules=rules)


def difference(case: Case) -> str:
    """What is wrong with the planner's ladder, empty where nothing is."""
    found = best_ladder(case.rungs, case.last, case.rules)
    expected = best_value(case.rungs, case.last, case.rules)
    if found is None or expected is None:
        return "" if found is None and expected is None else f"{found} instead of {expected}"
    value = _value(found, case.rules)
    same = all(isclose(one, other, rel_tol=1e-7, abs_tol=1e-9) for one, other in zip(value, expected, strict=True))
    return "" if same and found.proven else f"{value} instead of {expected}, proven: {found.proven}"


def show(count: int, seed: int, console: Console) -> bool:
    """Compare so many cases and print what was found; whether all agree."""
    agree: Counter[tuple[bool, bool]] = Counter()
    lengths: Counter[int] = Counter()
    wrong: list[str] = []
    for case in chain(random_cases(count, seed), crowded_cases(count // 20, seed)):
        problem = difference(case)
        agree[case.together, not problem] += 1
        wrong += [f"{case}: {problem}"] if problem else []
        ladder = best_ladder(case.rungs, case.last, case.rules)
        lengths[len(ladder.rungs) if ladder else 0] += 1
    table = Table("chances", "cases", "equal to brute force", title=f"The ladder against brute force, seed {seed}")
    for together, name in ((False, "independent"), (True, "one base model's rungs fail together")):
        table.add_row(name, str(agree[together, True] + agree[together, False]), str(agree[together, True]))
    console.print(table)
    console.print("rungs of the best ladder:", ", ".join(f"{n}: {lengths[n]}" for n in sorted(lengths)))
    for sentence in wrong[:5]:
        console.print(sentence, style="red")
    return not wrong


def main(arguments: Sequence[str]) -> int:
    """Compare and print; the exit status says whether all agree."""
    parser = ArgumentParser(prog="evaluation ladder", description=__doc__)
    parser.add_argument("--cases", type=int, default=12_000, help="random cases (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="what they are drawn from (default: %(default)s)")
    given = parser.parse_args(arguments)
    return 0 if show(given.cases, given.seed, Console()) else 1


def _value(ladder: Ladder, rules: Rules) -> tuple[float, float]:
    return min(ladder.chance, rules.sufficient), ladder.cost


def _case(random: Random, *, together: bool, most_rungs: int, groups: int = 4) -> Case:
    groups = random.randint(1, groups)
    members: dict[int, list[tuple[float, float]]] = {}
    for _ in range(most_rungs - min(random.randint(0, most_rungs), random.randint(0, most_rungs))):
        chance = random.choice(CHANCES) if random.random() < 0.3 else random.uniform(0.01, 0.99)
        cost = float(random.randint(1, 4)) if random.random() < 0.3 else random.uniform(0.1, 20)
        members.setdefault(random.randrange(groups), []).append((cost, chance))
    rungs = []
    for group, pairs in members.items():
        suited = suitability(chance for _, chance in pairs) if together else 1.0
        rungs += [_rung(random, f"{group}.{n}", pair, f"g{group}", suited) for n, pair in enumerate(pairs)]
    last = _rung(random, "scratch", (random.uniform(5, 40), random.uniform(0.05, 0.95)), "scratch", 1.0, trains=True)
    rules = Rules(
        remaining=(random.choice([inf, 15.0, 40.0]), random.choice([inf, inf, 60.0])),
        train_rungs=random.randint(1, 8),
        sufficient=random.choice([0.5, 0.8, 0.95, 0.95, 1.0]),
        minimum_saving=random.choice([0.0, 0.0, 0.1, 0.3]),
        by_success=random.random() < 0.3,
    )
    return Case(tuple(rungs), last if random.random() < 0.7 else None, rules, together)


def _rung(
    random: Random, name: str, pair: tuple[float, float], group: str, suited: float, *, trains: bool | None = None
) -> Rung:
    cost, chance = pair
    highs = (cost * random.uniform(1, 2), random.uniform(1, 30))
    return Rung(name, cost, chance, group, suited, highs, random.random() < 0.85 if trains is None else trains)
