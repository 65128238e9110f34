"""Chances judged: by reports, and by trials of every method on every problem."""

import pytest

from builders import ReportBuilder, make_job, make_model, make_report
from evaluation.chances import by_static_rank, recorded_forecasts, runs_and_plans
from evaluation.regret import Run
from evaluation.trialchances import trial_forecasts, trial_plans
from trials.record import Row
from worlds import decided

NAME = "all-minilm-l6-v2"
JOB, MODEL = make_job().scratch(), make_model()
RECORD = decided(JOB, MODEL)
BASES = [MODEL.license("mit").build()]


def report(name: str, method: str, quality: str, joules: str, control: bool = False) -> ReportBuilder:
    made = make_report(name).of(JOB.build()).control(control).set("spec.decisionRecord", RECORD.encoded())
    base = None if method == "FromScratch" else NAME
    outcome = "Met" if float(quality) >= 0.95 else "Missed"
    return made.attempt(method, outcome, base, quality=quality, energyJoules=joules, runSeconds=60)


REPORTS = [
    report("a", "LinearProbe", "0.96", "100").build(),
    report("b", "FullFineTune", "0.97", "900").build(),
    report("c", "FromScratch", "0.90", "2000", control=True).build(),
]


def test_forecasts_are_the_chances_of_the_decisions_beside_what_came_out() -> None:
    forecasts = recorded_forecasts(REPORTS)
    assert [met for _, met in forecasts] == [True, True, False]
    assert all(0 < chance < 1 for chance, _ in forecasts)


def test_a_problem_that_was_tried_in_several_ways_has_runs_and_the_ladder_that_was_decided() -> None:
    runs, plans = runs_and_plans(REPORTS)
    assert {(run.method, run.cost) for run in runs} == {
        ("LinearProbe", 100.0),
        ("FullFineTune", 900.0),
        ("FromScratch", 2000.0),
    }
    (plan,) = plans.values()
    assert plan[0] == ("LinearProbe", NAME)


def test_a_problem_tried_in_one_way_has_no_hindsight() -> None:
    assert runs_and_plans(REPORTS[:1])[1] == {}


def test_the_static_rank_is_of_the_other_problems() -> None:
    def run(problem: str, base: str, quality: float) -> Run:
        return Run(problem, "LinearProbe", base, 0.9, quality, 1, 1.0)

    runs = [run("x", "good", 0.9), run("x", "bad", 0.5), run("y", "good", 0.1), run("y", "bad", 0.9)]
    assert by_static_rank(runs, "y")[0] == ("LinearProbe", "good")
    assert by_static_rank(runs, "x")[0] == ("LinearProbe", "bad")


def trial(problem: str, method: str, met: bool) -> Row:
    empty = dict.fromkeys(Row.__annotations__, "")
    figures = {"examples": 600, "steps": 1, "tokens_seen": 1, "parameters": 1, "matrix_parameters": 1}
    said = {"problem": problem, "method": method, "base_model": "" if method == "FromScratch" else NAME}
    return Row(
        **{**empty, **figures, **said, "target": "0.9", "quality": "0.95" if met else "0.5", "met": str(met).lower()}
    )  # type: ignore[arg-type]


TRIALS = [
    trial(problem, method, met=method != "FromScratch")
    for problem in ("r8-200", "r8-600", "r8-2000", "small-topics")
    for method in ("LinearProbe", "LoRA", "FromScratch")
]


def test_each_trial_is_forecast_by_the_prior_and_by_what_the_other_problems_taught() -> None:
    prior, learned = trial_forecasts(TRIALS, BASES).values()
    assert len(prior) == len(learned) == len(TRIALS)
    moved = {True: 0.0, False: 0.0}
    for (before, met), (after, _) in zip(prior, learned, strict=True):
        moved[met] += after - before
    assert moved[True] > 0 > moved[False]


@pytest.mark.parametrize("problem", ["r8-200", "small-topics"])
def test_a_plan_of_the_trials_holds_what_was_run(problem: str) -> None:
    assert set(trial_plans(TRIALS, BASES)[problem]) <= {(row.method, row.base_model) for row in TRIALS}
