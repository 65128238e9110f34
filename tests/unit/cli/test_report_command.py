"""`coppice report` and `coppice recompute` over manifests: the same figures in every form, and one exit code."""

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from accounts import finished_report
from builders import make_report
from coppice.api.trainingreport import TrainingReport
from coppice.cli.main import app

NAME = "newswire-topics-0a1b2"


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    write(tmp_path, finished_report())
    return tmp_path


def write(directory: Path, report: TrainingReport) -> None:
    (directory / f"{report.metadata.name}.yaml").write_text(yaml.dump(report.wire(), Dumper=yaml.CSafeDumper))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def test_every_form_tells_the_same_energy(reports: Path) -> None:
    totals = finished_report().spec.totals
    assert totals is not None
    given = ("report", "--reports", str(reports), "-o")
    (as_json,) = json.loads(run(*given, "json").stdout)
    (as_csv,) = csv.DictReader(io.StringIO(run(*given, "csv").stdout))
    assert float(as_json["energyJoules"]) == float(as_csv["energyJoules"]) == float(totals.energy_joules)
    grades = [float(as_json[name]) for name in ("measuredJoules", "modelledJoules", "estimatedJoules")]
    assert sum(grades) == pytest.approx(float(totals.energy_joules))
    table = run(*given, "table").stdout
    assert "newswire-topics" in table
    assert "FullFineTune" in table


@pytest.mark.parametrize(
    ("since", "shown"), [("2026-01-01", 1), ("2099-01-01", 0), ("1h", 0), ("2026-01-01T00:00:00+00:00", 1)]
)
def test_only_what_ended_since_is_shown(reports: Path, since: str, shown: int) -> None:
    assert len(json.loads(run("report", "--reports", str(reports), "--since", since, "-o", "json").stdout)) == shown


def test_a_moment_that_is_none_is_explained(reports: Path) -> None:
    answer = run("report", "--reports", str(reports), "--since", "yesterday")
    assert answer.exit_code != 0
    assert "7d or 12h" in str(answer.exception)


@pytest.mark.parametrize("form", ["model-card", "impact-framework", "cyclonedx"])
def test_a_form_of_one_job_is_refused_for_several(reports: Path, form: str) -> None:
    write(reports, make_report("another-0a1b2").build())
    assert "name one of these reports" in str(run("report", "--reports", str(reports), "-o", form).exception)
    assert run("report", "newswire-topics", "--reports", str(reports), "-o", form).exit_code != 0
    assert run("report", NAME, "--reports", str(reports), "-o", form).exit_code == 0


def test_recomputing_gets_the_same_numbers(reports: Path) -> None:
    answer = run("recompute", NAME, "--reports", str(reports))
    assert answer.exit_code == 0
    assert answer.stdout.count("equal") == 3


def test_recomputing_says_where_a_report_was_changed(reports: Path) -> None:
    body = finished_report().wire()
    body["spec"]["totals"]["operationalGrams"] = "1"
    (reports / f"{NAME}.yaml").write_text(yaml.safe_dump(body))
    answer = run("recompute", NAME, "--reports", str(reports))
    assert answer.exit_code == 1
    assert "differs" in answer.stdout


def test_a_report_without_inputs_cannot_be_computed_again_and_says_so(tmp_path: Path) -> None:
    write(tmp_path, make_report(NAME).build())
    assert "nothing was run" in str(run("recompute", NAME, "--reports", str(tmp_path)).exception)
