"""Regret: what the planner's ladder costs beyond the best that anybody could have known to run.

Runs come from a CSV with one row for each thing that was really run, every method on every problem (what
`python -m trials` writes):

    problem      names the job; the same for all rows that could have been run for it
    method       AsIs, LinearProbe, LoRA, QLoRA, FullFineTune, FromScratch
    base_model   name of the base model, empty from scratch
    target       the quality that the job asks for, quality the one that came out (larger is better)
    parameters   of the network, for the control that goes by size
    run_seconds, cpu_seconds, energy_joules, grams ...   any number of costs; --cost names the column

Further columns are left alone. A plan is walked as the operator would walk it: rung after rung, each at its recorded
cost, until one meets the target. The best in hindsight is the cheapest single run that met it; where none did, the
cheapest of those with the best quality. Three rules stand beside the planner's ladder:

    size      base models by parameter count, largest first, the cheapest method of each, then scratch
    scratch   training from scratch alone
    cheapest  base models by recorded cost - nobody can know that beforehand, so it is a bound and not a rival
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from rich.console import Console
from rich.table import Table

from coppice.api.vocabulary import Method

Rung = tuple[str, str]
"""Method and base model's name."""
MOST_RUNGS = 3
METHODS_BY_COST = (Method.AS_IS, Method.LINEAR_PROBE, Method.LORA, Method.QLORA, Method.FULL_FINE_TUNE)


@dataclass(frozen=True)
class Run:
    """One thing that was run: what it reached and what it cost, in the column's unit."""

    problem: str
    method: str
    base_model: str
    target: float
    quality: float
    parameters: int
    cost: float

    @property
    def rung(self) -> Rung:
        """What names it within its problem."""
        return self.method, self.base_model

    @property
    def met(self) -> bool:
        """Whether the target was reached."""
        return self.quality >= self.target


@dataclass(frozen=True)
class Regret:
    """What following a plan cost and reached on one problem, beyond the best in hindsight; points are percent."""

    problem: str
    cost: float
    best_cost: float
    points: float
    met: bool
    could_be_met: bool

    @property
    def ratio(self) -> float:
        """How many times the best one's cost."""
        return self.cost / self.best_cost


def runs_of(path: Path, cost: str = "run_seconds") -> list[Run]:
    """The runs of a CSV, without rows that lack quality or cost. Raises ValueError for a column that is not there."""
    with path.open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    if lines and cost not in lines[0]:
        raise ValueError(f"{path} has no column {cost}; it has {', '.join(lines[0])}")
    return [
        Run(
            problem=line["problem"],
            method=line["method"],
            base_model=line["base_model"],
            target=float(line["target"]),
            quality=float(line["quality"]),
            parameters=int(line["parameters"] or 0),
            cost=float(line[cost]),
        )
        for line in lines
        if line["quality"] and line[cost]
    ]


def hindsight(runs: Sequence[Run]) -> Run:
    """The cheapest run that met the target; where none did, the cheapest of the best."""
    return min(runs, key=lambda run: (not run.met, 0.0 if run.met else -run.quality, run.cost))


def followed(runs: Sequence[Run], plan: Sequence[Rung]) -> Regret:
    """One problem's regret of a plan; a rung that nobody ran is an error, not a free pass."""
    known = {run.rung: run for run in runs}
    if missing := [rung for rung in plan if rung not in known]:
        raise ValueError(f"{runs[0].problem}: nobody ran {missing[0][0]} on {missing[0][1] or 'nothing'}")
    walked: list[Run] = []
    for rung in plan:
        walked.append(known[rung])
        if walked[-1].met:
            break
    best = hindsight(runs)
    reached = max(run.quality for run in walked)
    lost = max(min(best.quality, best.target) - min(reached, best.target), 0.0)
    cost = sum(run.cost for run in walked)
    return Regret(best.problem, cost, best.cost, 100 * lost, any(run.met for run in walked), best.met)


def controls(runs: Sequence[Run]) -> Mapping[str, list[Rung]]:
    """The plans of the rules that stand beside the planner, for one problem."""
    scratch = [run.rung for run in runs if run.method == Method.FROM_SCRATCH][:1]
    bases = [run for run in runs if run.base_model]
    first = MOST_RUNGS - len(scratch)
    by_size = sorted(bases, key=lambda run: (-run.parameters, METHODS_BY_COST.index(Method(run.method))))
    by_cost = sorted(bases, key=lambda run: run.cost)
    plans = {
        "size": [*_one_each(by_size)[:first], *scratch],
        "scratch": scratch,
        "cheapest": [*[run.rung for run in by_cost[:first]], *scratch],
    }
    return {name: plan for name, plan in plans.items() if plan}


def show(runs: Sequence[Run], plans: Mapping[str, Sequence[Rung]], unit: str, console: Console) -> None:
    """Print each problem's regret of the planner, and the summary beside the controls."""
    problems = {name: [run for run in runs if run.problem == name] for name in plans}
    rules: dict[str, list[Regret]] = {"planner": [followed(problems[name], plan) for name, plan in plans.items()]}
    for some in problems.values():
        for name, plan in controls(some).items():
            rules.setdefault(name, []).append(followed(some, plan))
    table = Table("problem", "plan", f"cost, {unit}", "best in hindsight", "ratio", "points short", "met")
    for one in rules["planner"]:
        plan_text = ", ".join(" ".join(rung).strip() for rung in plans[one.problem])
        met = ("yes" if one.met else "no") + ("" if one.could_be_met else " (nothing did)")
        figures = (f"{one.cost:.1f}", f"{one.best_cost:.1f}", f"{one.ratio:.2f}", f"{one.points:.1f}")
        table.add_row(one.problem, plan_text, *figures, met)
    console.print(table)
    console.print(summary(rules, unit))


def summary(rules: Mapping[str, Sequence[Regret]], unit: str) -> Table:
    """Mean regret of each rule over its problems."""
    table = Table(
        "rule", "problems", f"mean regret, {unit}", "median ratio", "mean points short", "met of what could be"
    )
    for name, regrets in rules.items():
        possible = [one for one in regrets if one.could_be_met]
        table.add_row(
            name,
            str(len(regrets)),
            f"{mean(one.cost - one.best_cost for one in regrets):.1f}",
            f"{median(one.ratio for one in regrets):.2f}",
            f"{mean(one.points for one in regrets):.2f}",
            f"{sum(one.met for one in possible)} of {len(possible)}",
        )
    return table


def _one_each(runs: Sequence[Run]) -> list[Rung]:
    """The first run of each base model."""
    first: dict[str, Rung] = {}
    for run in runs:
        first.setdefault(run.base_model, run.rung)
    return list(first.values())
