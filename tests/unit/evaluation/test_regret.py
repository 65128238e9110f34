"""Regret of a plan against the best that could have been known."""

from pathlib import Path

import pytest

from evaluation.regret import Run, controls, followed, hindsight, runs_of


def run(method: str, base: str, quality: float, cost: float, parameters: int = 1) -> Run:
    return Run("topics", method, base, 0.9, quality, parameters, cost)


PROBE, LORA = run("LinearProbe", "small", 0.85, 2.0), run("LoRA", "small", 0.93, 10.0)
LARGE, SCRATCH = run("LinearProbe", "large", 0.91, 6.0, 9), run("FromScratch", "", 0.95, 30.0, 5)
RUNS = [PROBE, LORA, LARGE, SCRATCH]


def test_the_best_in_hindsight_is_the_cheapest_that_met_the_target() -> None:
    assert hindsight(RUNS) == LARGE
    assert hindsight([PROBE, run("LoRA", "small", 0.85, 1.0)]).cost == 1.0


@pytest.mark.parametrize(
    ("plan", "cost", "points", "met"),
    [
        ([LARGE], 6.0, 0.0, True),
        ([PROBE, LORA, SCRATCH], 12.0, 0.0, True),
        ([SCRATCH], 30.0, 0.0, True),
        ([PROBE], 2.0, 5.0, False),
    ],
)
def test_a_plan_is_walked_until_a_rung_meets_the_target(plan, cost, points, met) -> None:  # type: ignore[no-untyped-def]
    regret = followed(RUNS, [one.rung for one in plan])
    assert (regret.cost, regret.best_cost, regret.met) == (cost, 6.0, met)
    assert regret.points == pytest.approx(points)


def test_a_rung_that_nobody_ran_is_an_error() -> None:
    with pytest.raises(ValueError, match="nobody ran QLoRA on small"):
        followed(RUNS, [("QLoRA", "small")])


def test_the_control_by_size_takes_the_largest_model_first() -> None:
    plans = controls(RUNS)
    assert plans["size"] == [LARGE.rung, PROBE.rung, SCRATCH.rung]
    assert plans["scratch"] == [SCRATCH.rung]
    assert plans["cheapest"] == [PROBE.rung, LARGE.rung, SCRATCH.rung]


def test_runs_are_read_by_the_cost_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    lines = ["problem,method,base_model,target,quality,parameters,run_seconds,cpu_seconds,machine"]
    lines += ["topics,LoRA,small,0.9,0.93,5,10,12,here", "topics,AsIs,small,0.9,,5,1,1,here"]
    file.write_text("\n".join(lines))
    assert [(one.rung, one.cost) for one in runs_of(file, "cpu_seconds")] == [(("LoRA", "small"), 12.0)]
    with pytest.raises(ValueError, match="no column grams"):
        runs_of(file, "grams")
