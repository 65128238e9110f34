"""Small jobs: a record of runs becomes errors by method, and a record that is not there becomes nothing."""

from dataclasses import fields
from pathlib import Path

import pytest

from evaluation.small import lines, trials
from trials.problems import PROBLEMS
from trials.record import Row, write

TEXT = next(problem for problem in PROBLEMS if problem.is_text)
KNOWN = {
    "problem": TEXT.name,
    "method": "FullFineTune",
    "base_model": "minilm",
    "examples": 200,
    "cpu_seconds": "80",
    "family": "bert",
    "parameters": 22_713_216,
    "matrix_parameters": 10_797_312,
    "hidden_size": "384",
    "layers": "6",
    "machine": "one core",
}


def row(**changed: object) -> Row:
    blank = {field.name: 0 if field.type == "int" else "" for field in fields(Row)}
    return Row(**(blank | KNOWN | changed))  # type: ignore[arg-type]


def test_no_record_gives_no_runs(tmp_path: Path) -> None:
    assert trials(tmp_path / "none.csv") == []


def test_a_run_is_held_against_the_estimate_made_before_it(tmp_path: Path) -> None:
    record = tmp_path / "trials.csv"
    write([row(), row(method="FromScratch", base_model="", cpu_seconds="40")], record)
    found = trials(record)
    assert {trial.row.method for trial in found} == {"FullFineTune", "FromScratch"}
    assert all(10 < trial.expected.seconds.median < 1000 for trial in found)


def test_runs_of_which_too_little_is_known_are_left_out(tmp_path: Path) -> None:
    record = tmp_path / "trials.csv"
    write([row(problem="elsewhere"), row(cpu_seconds=""), row(base_model="resnet", layers="", hidden_size="")], record)
    assert trials(record) == []


def test_errors_are_given_by_method_and_for_all(tmp_path: Path) -> None:
    record = tmp_path / "trials.csv"
    write([row(base_model=name, cpu_seconds=seconds) for name, seconds in (("a", "60"), ("b", "90"))], record)
    whole, tuned = lines(trials(record))
    assert (whole.method, tuned.method) == ("all", "FullFineTune")
    assert whole.model.count == tuned.held.count == 2
    assert whole.bias == pytest.approx(tuned.bias)
