"""The command line on manifests alone: what it prints, what it refuses, and that it decides as the operator does."""

import json
from io import StringIO
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from builders import make_job, make_model, make_profile
from coppice.api.decision import DecisionRecord
from coppice.cli.errors import UsageError
from coppice.cli.explain import explanation
from coppice.cli.figures import figure
from coppice.cli.history import decision_of, next_name, retry_manifest
from coppice.cli.main import app

PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
SERVER_ONLY = ("uid", "generation", "creationTimestamp", "resourceVersion")


def manifest(path: Path, *bodies: dict) -> Path:
    cleaned = []
    for body in bodies:
        metadata = {key: value for key, value in body["metadata"].items() if key not in SERVER_ONLY}
        cleaned.append({**body, "metadata": metadata})
    path.write_text(yaml.dump_all(cleaned, Dumper=yaml.CSafeDumper))
    return path


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    directory = tmp_path / "catalogue"
    directory.mkdir()
    manifest(directory / "world.yaml", make_profile().body(), make_model().body())
    return directory


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    return manifest(tmp_path / "job.yaml", make_job().scratch(epochs=30, **PLAN).body())


def run(*arguments: object):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(argument) for argument in arguments])


def test_plan_prints_the_ladder_and_the_counterfactual(job_file: Path, catalogue: Path) -> None:
    result = run("plan", "-f", job_file, "--catalogue", catalogue, "--zone", "DE")
    assert result.exit_code == 0, result.output
    for part in ("FineTuneSavesCarbon", "LinearProbe", "all-minilm-l6-v2", "FromScratch", "scratch, declared"):
        assert part in result.output


def test_plan_shows_other_candidates_only_where_there_are_any(job_file: Path, tmp_path: Path, catalogue: Path) -> None:
    heading = "Other candidates that fit"
    assert heading in run("plan", "-f", job_file, "--catalogue", catalogue).output
    probe = make_job().methods("LinearProbe").scratch(epochs=30, **PLAN)
    alone = run("plan", "-f", manifest(tmp_path / "probe.yaml", probe.body()), "--catalogue", catalogue)
    assert alone.exit_code == 0, alone.output
    assert heading not in alone.output


def test_plan_gives_the_whole_record_as_json(job_file: Path, catalogue: Path) -> None:
    result = run("plan", "-f", job_file, "--catalogue", catalogue, "-o", "json")
    record = DecisionRecord.model_validate(json.loads(result.output))
    assert record.ladder
    assert record.intensity.source


def test_plan_says_why_nothing_would_run(tmp_path: Path, catalogue: Path) -> None:
    file = manifest(tmp_path / "speech.yaml", make_job().task("automatic-speech-recognition").body())
    result = run("plan", "-f", file, "--catalogue", catalogue)
    assert "NoBaseModelFits" in result.output
    assert "TaskMismatch" in result.output


def test_a_misspelt_field_is_refused_by_name(tmp_path: Path, catalogue: Path) -> None:
    body = make_job().body()
    body["spec"]["objektive"] = {}
    result = run("plan", "-f", manifest(tmp_path / "job.yaml", body), "--catalogue", catalogue)
    assert isinstance(result.exception, UsageError)
    assert "objektive" in str(result.exception)


def test_a_file_without_a_job_is_refused(catalogue: Path) -> None:
    result = run("plan", "-f", catalogue / "world.yaml", "--catalogue", catalogue)
    assert "holds no TrainingJob" in str(result.exception)


@pytest.mark.parametrize(
    ("old", "new"), [("topics", "topics-2"), ("topics-2", "topics-3"), ("a" * 45, "a" * 43 + "-2"), ("r8-10", "r8-11")]
)
def test_a_retry_is_named_after_its_job(old: str, new: str) -> None:
    assert next_name(old) == new


def test_a_retry_keeps_the_spec_but_not_the_suspension() -> None:
    body = make_job().suspended().body()
    manifest = retry_manifest(body, "newswire-topics-2")
    assert manifest["metadata"]["annotations"] == {"coppice.dev/retry-of": "newswire-topics"}
    assert "suspend" not in manifest["spec"]
    assert manifest["spec"]["dataset"] == body["spec"]["dataset"]


def test_the_first_childs_decision_is_the_jobs() -> None:
    assert decision_of({"status": {}}, []) is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.0123, "Wh", "12.3 mWh"), (1234, "Wh", "1.23 kWh"), (90, "s", "1.5 min"), (2.5e6, "g", "2.5 t")],
)
def test_figures_have_a_unit_that_fits(value: float, unit: str, text: str) -> None:
    assert figure(value, unit) == text


def test_an_explanation_breaks_no_word_of_an_attempt_and_says_who_judged_it() -> None:
    child = {"kind": "Job", "name": "topics-0a1b2-1"}
    attempt = {"number": 1, "kind": "Train", "method": "FullFineTune", "child": child, "profile": "cpu-generic"}
    attempt |= {"outcome": "LimitExceeded", "message": "Accuracy 0.97, target 0.95", "quality": "0.9725"}
    attempt |= {"evidence": "SelfReported", "runSeconds": 7, "energyJoules": "15.6", "carbonGrams": "0.00255"}
    body = make_job().set("status", {"attempts": [attempt]}).body()
    console = Console(width=80, record=True, file=StringIO())
    console.print(explanation(body, None, []))
    shown = console.export_text()
    for word in ("FullFineTune", "LimitExceeded", "0.9725", "Attempt 1: Accuracy 0.97, target 0.95 (SelfReported)"):
        assert word in shown


def test_help_teaches_every_command() -> None:
    output = run("--help").output
    for command in ("plan", "explain", "retry"):
        assert command in output


@pytest.mark.parametrize("command", ["explain topics", "retry topics", "approve topics", "report", "recompute topics"])
def test_without_a_cluster_every_command_says_what_to_do(command: str, tmp_path: Path) -> None:
    result = run(*command.split(), "--kubeconfig", tmp_path / "missing")
    assert isinstance(result.exception, UsageError)
    assert "name a file with --kubeconfig" in str(result.exception)
