"""`python -m evaluation.chances`: are chances worth anything, and what do plans cost beyond the best in hindsight?

    python -m evaluation.chances REPORTS...     from TrainingReports (directories of manifests): the chances that their
                                                decisions gave, held against what came out; and the regret of their
                                                ladders, where one problem was tried in several ways
    python -m evaluation.chances                from the recorded trials (`trials.csv`): the chance of every method on
                                                every problem, by the prior alone and after learning from all other
                                                problems

A Brier score is only as good as the base rate beside it: what always saying the share of successes would have scored.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from coppice.api.decision import DecisionRecord, decode_record
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Evidence, Method
from coppice.cli.documents import objects
from coppice.planning.learning.lesson import lessons
from coppice.planning.learning.score import Forecast, scored
from evaluation.regret import METHODS_BY_COST, MOST_RUNGS, Regret, Run, Rung, controls, followed, summary
from evaluation.trialchances import Forecasts, rung_of, trial_forecasts, trial_plans, trial_runs
from evaluation.trialplans import models
from trials.record import MODELS, RECORD, read

BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


NO_PLANS: Mapping[str, Mapping[str, Sequence[Rung]]] = {}


def main(
    reports: Annotated[list[Path] | None, typer.Argument(help="Directories or files of TrainingReports.")] = None,
    cost: Annotated[str, typer.Option(help="Column of the trials that plans are compared by.")] = "cpu_seconds",
) -> None:
    """Print the Brier score of the chances beside the base rate's, and the regret of the plans beside the controls'."""
    console, more = Console(highlight=False), NO_PLANS
    if reports:
        found = reports_of(reports)
        console.print(f"{len(found)} TrainingReports")
        console.print(brier_table({"as decided": recorded_forecasts(found)}))
        runs, plans = runs_and_plans(found)
        unit = "J"
    else:
        rows = read()
        if not rows:
            console.print(f"There are no trials in {RECORD}: run `python -m trials`, or name directories of reports.")
            raise typer.Exit(1)
        bases = models(MODELS)
        console.print(f"{len(rows)} trials of {len({row.problem for row in rows})} problems in {RECORD}")
        forecasts = trial_forecasts(rows, bases)
        console.print(brier_table(forecasts))
        console.print(calibration_table(forecasts))
        runs, unit = trial_runs(rows, cost), cost
        plans = trial_plans(rows, bases)
        more = {"planner, prior only": trial_plans(rows, bases, taught=False)}
    console.print(regret_table(runs, plans, unit, more))


def reports_of(paths: Sequence[Path]) -> list[TrainingReport]:
    """The TrainingReports among manifests."""
    return [TrainingReport.model_validate(body) for body in objects(paths) if body["kind"] == "TrainingReport"]


def recorded_forecasts(reports: Iterable[TrainingReport]) -> list[Forecast]:
    """The chance that each tried rung had, and whether it met its target."""
    taught = (lesson for report in reports for lesson in lessons(report))
    return [(one.chance, one.met) for one in taught if one.chance is not None and one.met is not None]


def brier_table(forecasts: Forecasts) -> Table:
    """Brier scores beside those of the base rate, with n."""
    table = Table("chances", "n", "met", "Brier score", "base rate's", "statement")
    for name, some in forecasts.items():
        one = scored(some)
        table.add_row(
            name, str(one.attempts), f"{one.base_rate:.0%}", f"{one.brier:.3f}", f"{one.base_brier:.3f}", one.sentence
        )
    return table


def calibration_table(forecasts: Forecasts) -> Table:
    """How many of those that were given a chance met their target."""
    table = Table("chance", *(f"met: {name}" for name in forecasts))
    for low, high in pairwise(BINS):
        cells = []
        for some in forecasts.values():
            inside = [met for chance, met in some if low <= chance < high or chance == high == 1.0]
            cells.append(f"{sum(inside)} of {len(inside)}" if inside else "-")
        table.add_row(f"{low:.1f} to {high:.1f}", *cells)
    return table


def regret_table(
    runs: Sequence[Run],
    plans: Mapping[str, Sequence[Rung]],
    unit: str,
    more: Mapping[str, Mapping[str, Sequence[Rung]]] = NO_PLANS,
) -> Table:
    """Mean regret of the plans, of more plans by name, and of the controls, by parameter count and static rank too."""
    rules: dict[str, list[Regret]] = {"planner": []}
    for problem, plan in plans.items():
        some = [run for run in runs if run.problem == problem]
        rules["planner"].append(followed(some, plan))
        named = {name: found[problem] for name, found in more.items() if problem in found}
        others = {**named, **controls(some), "static rank": by_static_rank(runs, problem)}
        for name, control in others.items():
            if control:
                rules.setdefault(name, []).append(followed(some, control))
    return summary(rules, unit)


def by_static_rank(runs: Sequence[Run], problem: str) -> list[Rung]:
    """Base models by their mean place on all other problems, the cheapest method of each, then scratch."""
    here = [run for run in runs if run.problem == problem]
    elsewhere: dict[str, dict[str, float]] = {}
    for run in runs:
        if run.problem != problem and run.base_model:
            best = elsewhere.setdefault(run.problem, {})
            best[run.base_model] = max(run.quality, best.get(run.base_model, run.quality))
    places: dict[str, list[float]] = {}
    for best in elsewhere.values():
        order = sorted(best, key=lambda name: (-best[name], name))
        for place, name in enumerate(order):
            places.setdefault(name, []).append(place / max(len(order) - 1, 1))
    first: dict[str, Rung] = {}
    for run in sorted(here, key=lambda run: METHODS_BY_COST.index(Method(run.method)) if run.base_model else 9):
        if run.base_model in places:
            first.setdefault(run.base_model, run.rung)
    scratch = [run.rung for run in here if not run.base_model][:1]
    ranked = sorted(first, key=lambda name: (mean(places[name]), name))
    return [*(first[name] for name in ranked[: MOST_RUNGS - len(scratch)]), *scratch]


def runs_and_plans(reports: Sequence[TrainingReport]) -> tuple[list[Run], dict[str, list[Rung]]]:
    """Runs of problems that were tried in several ways (equal fingerprints), and the first decision's ladder of each.

    A ladder's rungs that nobody ran are left out: nothing is known of them.
    """
    runs: dict[tuple[str, Rung], Run] = {}
    ladders: dict[str, list[Rung]] = {}
    for report in sorted(reports, key=lambda one: (str(one.spec.completion_time), one.metadata.name)):
        for run in _runs_of(report):
            runs.setdefault((run.problem, run.rung), run)
        if report.spec.decision_record and not report.spec.control:
            record = decode_record(report.spec.decision_record)
            ladders.setdefault(
                report.spec.fingerprint or "", [rung_of(one.method, one.base_model) for one in record.ladder]
            )
    plans = {
        problem: [rung for rung in ladder if (problem, rung) in runs]
        for problem, ladder in ladders.items()
        if sum(key[0] == problem for key in runs) > 1
    }
    return list(runs.values()), {problem: plan for problem, plan in plans.items() if plan}


def _runs_of(report: TrainingReport) -> Iterable[Run]:
    past = report.spec.request
    sizes = _sizes(decode_record(report.spec.decision_record)) if report.spec.decision_record else {}
    for attempt in report.spec.attempts:
        judged = attempt.quality is not None and attempt.energy_joules and attempt.evidence is Evidence.EVALUATED
        if past is None or past.objective.target is None or not judged or attempt.quality is None:
            continue
        rung = rung_of(attempt.method, attempt.base_model)
        joules = float(attempt.energy_joules or 0)
        target, quality = float(past.objective.target), float(attempt.quality)
        yield Run(report.spec.fingerprint or "", *rung, target, quality, sizes.get(rung, 0), joules)


def _sizes(record: DecisionRecord) -> dict[Rung, int]:
    known = (*record.candidates, *record.ladder)
    return {rung_of(one.method, one.base_model): int(one.estimate.inputs.get("parameters", 0)) for one in known}


if __name__ == "__main__":
    typer.run(main)
