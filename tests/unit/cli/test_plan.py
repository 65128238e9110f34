"""`coppice plan` for a pipeline: verdicts as exit codes, what-ifs beside the original, one document for each job."""

import json
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from builders import make_job, make_model, make_policy, make_profile, make_report
from coppice.api.decision import DecisionRecord
from coppice.cli.errors import UsageError
from coppice.cli.main import app

PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
JOB = make_job().methods("LinearProbe").scratch(epochs=30, **PLAN)
SERVER_ONLY = ("uid", "generation", "creationTimestamp", "resourceVersion")


def written(path: Path, *bodies: dict) -> Path:
    for body in bodies:
        body["metadata"] = {key: value for key, value in body["metadata"].items() if key not in SERVER_ONLY}
    path.write_text(yaml.dump_all(bodies, Dumper=yaml.CSafeDumper))
    return path


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    (tmp_path / "catalogue").mkdir()
    written(tmp_path / "catalogue" / "world.yaml", make_profile().body(), make_model().body())
    return tmp_path / "catalogue"


def run(*arguments: object):  # type: ignore[no-untyped-def]
    return CliRunner(env={"COLUMNS": "220"}).invoke(app, ["plan", *(str(argument) for argument in arguments)])


def documents(text: str) -> list[dict]:
    found, decoder = [], json.JSONDecoder()
    while text.strip():
        value, end = decoder.raw_decode(text.lstrip())
        found.append(value)
        text = text.lstrip()[end:]
    return found


@pytest.mark.parametrize(
    ("job", "expected", "code"),
    [
        (JOB, "substituted", 0),
        (JOB, "from-scratch", 5),
        (JOB, "runs", 0),
        (JOB.mode("Never"), "substituted", 3),
        (JOB.mode("Never"), "from-scratch", 0),
        (JOB.languages("de").no_scratch(), "substituted", 4),
        (JOB.languages("de").no_scratch(), "runs", 4),
    ],
)
def test_a_pipeline_can_ask_what_would_become_of_a_manifest(job, expected, code, tmp_path, catalogue) -> None:  # type: ignore[no-untyped-def]
    file = written(tmp_path / "job.yaml", job.body())
    result = run("-f", file, "--catalogue", catalogue, "--expect", expected)
    assert result.exit_code == code, result.output
    assert run("-f", file, "--catalogue", catalogue).exit_code == 0


def test_of_several_jobs_the_worst_decides_and_each_has_its_document(tmp_path: Path, catalogue: Path) -> None:
    several = (JOB.named("b"), JOB.mode("Never").named("a"), JOB.languages("de").no_scratch().named("c"))
    file = written(tmp_path / "jobs.yaml", *(job.body() for job in several))
    result = run("-f", file, "--catalogue", catalogue, "--expect", "substituted", "-o", "json")
    found = documents(result.output)
    assert [(one["job"]["name"], one["verdict"]) for one in found] == [
        ("b", "Substituted"),
        ("a", "FromScratch"),
        ("c", "Refused"),
    ]
    assert result.exit_code == 4
    assert found[2]["refused"] == "NoBaseModelFits"
    assert found[0]["digest"] == DecisionRecord.model_validate(found[0]).digest


def test_at_one_moment_equal_worlds_print_equal_bytes(tmp_path: Path, catalogue: Path) -> None:
    file = written(tmp_path / "job.yaml", JOB.body())
    arguments = ("-f", file, "--catalogue", catalogue, "-o", "json", "--at", "2026-01-01T12:00:00")
    assert run(*arguments).output == run(*arguments).output


@pytest.mark.parametrize(
    ("change", "path", "value"),
    [
        ("zone=SE", ("intensity", "zone"), "SE"),
        ("mode=Never", ("verdict",), "FromScratch"),
        ("target=0.8", ("whatIf", "changes", "target"), "0.8"),
        ("optimizeFor=Energy", ("reason",), "FineTuneSavesEnergy"),
        ("minimumSaving=0.99", ("reason",), "SavingBelowMinimum"),
        ("maxAttempts=1", ("reason",), "NoRoomToTry"),
        ("sufficientChance=0.5", ("resolved", "sufficientChance"), "0.5"),
        ("profile=cpu-generic", ("verdict",), "Substituted"),
        ("methods=LoRA, LinearProbe", ("ladder", 0, "method"), "LinearProbe"),
        ("domains=text/law,text/news", ("ladder", 0, "profile"), "cpu-generic"),
    ],
)
def test_a_what_if_is_decided_beside_the_original(change, path, value, tmp_path, catalogue) -> None:  # type: ignore[no-untyped-def]
    file = written(tmp_path / "job.yaml", JOB.body())
    result = run("-f", file, "--catalogue", catalogue, "--zone", "DE", "-o", "json", "--what-if", change)
    assert result.exit_code == 0, result.exception
    document = documents(result.output)[0]
    assert document["verdict"] == "Substituted"
    changed = document if path[0] == "whatIf" else document["whatIf"]
    for step in path:
        changed = changed[step]
    assert changed == value


def test_a_what_if_is_shown_in_brief(tmp_path: Path, catalogue: Path) -> None:
    file = written(tmp_path / "job.yaml", JOB.body())
    result = run("-f", file, "--catalogue", catalogue, "--what-if", "mode=Never", "--expect", "from-scratch")
    assert result.exit_code == 0
    for part in ("What if mode=Never", "as it is", "SubstitutionOff", "LinearProbe on all-minilm-l6-v2, then scratch"):
        assert part in result.output


def test_two_base_models_of_one_name_are_told_apart_in_every_table(tmp_path: Path, catalogue: Path) -> None:
    ours = make_model().namespaced(JOB.body()["metadata"]["namespace"])
    written(catalogue / "ours.yaml", ours.body())
    result = run("-f", written(tmp_path / "job.yaml", JOB.body()), "--catalogue", catalogue)
    tables = result.stdout[result.stdout.index("Ladder:") :].splitlines()
    named = [cell.strip() for line in tables for cell in re.split("[│┃]", line) if "all-minilm-l6-v2" in cell]
    assert {cell for cell in named if " " not in cell} == {"all-minilm-l6-v2", "BaseModel/all-minilm-l6-v2"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"spec.objective.target": 0.95}, "spec.objective.target: must be in quotes"),
        ({"spec.objective.target": 1}, "spec.objective.target: must be in quotes: '1'"),
        ({"spec.objective.target": "95"}, "is a ratio above 0 and at most 1"),
        ({"spec.dataset.labelNames": ["a", "b"]}, "spec.dataset: dataset.labelNames must name as many classes as"),
        ({"metadata.name": "x" * 46}, "metadata.name must have at most 45 characters"),
        ({"spec.trainer.hyperparameters.learningRate": 1e-4}, "spec.trainer.hyperparameters.learningRate: must be in"),
        ({"apiVersion": "coppice.dev/v1"}, "apiVersion: must be coppice.dev/v1alpha1"),
        ({"metadata.name": "My_Job"}, "metadata.name: must be lower-case letters"),
        ({"metadata.name": ""}, "metadata.name: must be lower-case letters"),
        ({"metadata": {}}, "metadata.name: must be lower-case letters"),
    ],
)
def test_what_the_api_server_would_refuse_is_refused(change, said, tmp_path, catalogue) -> None:  # type: ignore[no-untyped-def]
    job = JOB
    for path, value in change.items():
        job = job.set(path, value)
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(job.body()))
    result = run("-f", file, "--catalogue", catalogue)
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)


def test_numbers_stay_numbers_where_kubernetes_keeps_them(tmp_path: Path, catalogue: Path) -> None:
    job = JOB.scratch(hidden_dropout_prob=0.1, **PLAN)
    assert run("-f", written(tmp_path / "job.yaml", job.body()), "--catalogue", catalogue).exit_code == 0


def test_a_what_if_shows_what_a_policy_would_ask_for(tmp_path: Path, catalogue: Path) -> None:
    file, policy = written(tmp_path / "job.yaml", JOB.body()), tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump(make_policy().approval_above(energyWattHours=1).body()["spec"]))
    shown = run("-f", file, "--catalogue", catalogue, "--what-if", f"policy={policy}").stdout
    assert re.search(r"needs +│ - +│ a TrainingApproval", shown)


WALKTHROUGH = Path(__file__).parents[3] / "examples" / "walkthrough"


def test_where_the_middle_of_a_saving_says_otherwise_than_its_mean_the_mean_is_said(tmp_path: Path) -> None:
    text = (WALKTHROUGH / "job.yaml").read_text()
    for target, said in (('"0.95"', False), ('"0.99"', True)):
        (tmp_path / "job.yaml").write_text(text.replace('"0.95"', target))
        shown = run("-f", tmp_path / "job.yaml", "--catalogue", WALKTHROUGH).stdout
        assert ("; on average 795 mg, as" in shown) == said
        assert ("Expected saving: -" in shown) == said


def test_a_policy_can_select_a_namespace_by_its_name_without_a_manifest_of_it(tmp_path: Path, catalogue: Path) -> None:
    file, namespace = written(tmp_path / "job.yaml", JOB.body()), JOB.body()["metadata"]["namespace"]
    policy = make_policy("ours").selecting(**{"kubernetes.io/metadata.name": namespace}).minimum_saving(90)
    written(catalogue / "policy.yaml", policy.body())
    record = documents(run("-f", file, "--catalogue", catalogue, "-o", "json").output)[0]
    assert (record["policies"], record["reason"]) == (["ours"], "SavingBelowMinimum")


def test_the_pue_that_is_shown_is_the_one_that_the_plan_was_made_with(tmp_path: Path, catalogue: Path) -> None:
    file = written(tmp_path / "job.yaml", JOB.body())
    written(catalogue / "world.yaml", make_profile().set("spec.pue", "1.1").body(), make_model().body())
    asked = ("-f", file, "--catalogue", catalogue)
    assert "PUE 1.1." in run(*asked).stdout
    assert "PUE 1.1." in run(*asked, "--pue", "1.9").stdout
    assert re.search(r"PUE +│ 1.1 +│ 3 ", run(*asked, "--what-if", "pue=3").stdout)


def test_manifests_that_stand_for_one_object_and_differ_are_told(tmp_path: Path, catalogue: Path) -> None:
    file = written(tmp_path / "job.yaml", JOB.body())
    written(catalogue / "same.yaml", make_model().body())
    assert "not read" not in run("-f", file, "--catalogue", catalogue).stderr
    written(catalogue / "zz.yaml", make_model().license("mit").body())
    said = run("-f", file, "--catalogue", catalogue).stderr
    assert "not read: ClusterBaseModel all-minilm-l6-v2: of several with that name only the last one counts" in said


def test_a_policy_file_stands_for_all_policies(tmp_path: Path, catalogue: Path) -> None:
    file, policy = written(tmp_path / "job.yaml", JOB.body()), tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump({"minimumSavingPercent": 90}))
    result = run("-f", file, "--catalogue", catalogue, "-o", "json", "--what-if", f"policy={policy}")
    assert documents(result.output)[0]["whatIf"]["resolved"]["minimumSavingRatio"] == "0.9"
    result = run("-f", file, "--catalogue", catalogue, "-o", "json", "--policy", policy)
    assert documents(result.output)[0]["reason"] == "SavingBelowMinimum"
    whole = written(tmp_path / "whole.yaml", make_policy("strict").minimum_saving(90).body())
    result = run("-f", file, "--catalogue", catalogue, "-o", "json", "--policy", whole)
    assert documents(result.output)[0]["reason"] == "SavingBelowMinimum"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("zone", "KEY=VALUE"),
        ("taget=0.9", "taget"),
        ("profile=h100", "no ComputeProfile h100; there is cpu-generic"),
        ("policy=/nowhere.yaml", "no such file"),
        ("sufficientChance=2", "from 0 to 1"),
        ("pue=low", "must be a number"),
        ("pue=0.9", "at least 1"),
        ("task.name=x", "has no fields"),
    ],
)
def test_a_what_if_that_cannot_be_is_refused_with_what_would_help(change, said, tmp_path, catalogue) -> None:  # type: ignore[no-untyped-def]
    file = written(tmp_path / "job.yaml", JOB.body())
    assert said in str(run("-f", file, "--catalogue", catalogue, "--what-if", change).exception)


def test_reports_may_lie_in_a_directory_of_their_own(tmp_path: Path, catalogue: Path) -> None:
    file = written(tmp_path / "job.yaml", JOB.body())
    reports = written(tmp_path / "reports.yaml", make_report().body())
    assert run("-f", file, "--catalogue", catalogue, "--reports", reports).exit_code == 0
    assert "--catalogue" in str(run("-f", file, "--reports", reports).exception)


def test_help_says_what_each_exit_code_means() -> None:
    text = " ".join(run("--help").output.split())
    for part in ("0 every job is as expected", "3 some job would train", "4 some job would be", "2 is a mistake"):
        assert part in text


def test_what_no_policy_allows_a_pod_is_refused_as_the_operator_refuses_it(tmp_path: Path, catalogue: Path) -> None:
    job = JOB.mode("Never").template(hostNetwork=True)
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(job.body()))
    result = run("-f", file, "--catalogue", catalogue, "-o", "json", "--expect", "runs")
    found = json.loads(result.stdout)
    assert (found["verdict"], found["refused"], result.exit_code) == ("Refused", "PodRefused", 4)
    assert "hostNetwork" in found["message"]
