"""run.json is read by programs of other people: its names and paths are a contract."""

import pytest
from pydantic import ValidationError

from coppice.api.run import Run, base_model_directory, output_directory, parse_run
from coppice.api.vocabulary import BaseModelKind

MINIMAL = {
    "jobUid": "0a1b2c3d-0000-0000-0000-000000000000",
    "jobName": "topics",
    "namespace": "research",
    "attempt": 1,
    "kind": "Train",
    "rungs": [{"method": "FromScratch", "hyperparameters": {"learningRate": "0.0003"}}],
    "task": "text-classification",
    "dataset": {
        "format": "Parquet",
        "train": {"name": "train.parquet", "uri": "pvc://corpora/r8/train.parquet"},
        "directory": "/coppice/work/data",
    },
    "objective": {"metric": "Accuracy", "direction": "Maximize", "target": "0.95"},
    "outputDirectory": "/coppice/output/topics/0a1b2-1",
}


def test_a_run_survives_its_own_text() -> None:
    run = Run.model_validate(MINIMAL)
    assert parse_run(run.to_json()) == run
    assert run.model_directory == "/coppice/output/topics/0a1b2-1/model"


@pytest.mark.parametrize("change", [{"rungs": []}, {"attempt": 0}, {"task": None}, {"kind": "Guess"}])
def test_a_broken_run_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Run.model_validate({**MINIMAL, **change})


BASE = {"name": "tiny", "directory": "/coppice/work/models/ClusterBaseModel/tiny", "files": []}
LOOK = {"method": "LinearProbe", "baseModel": BASE}
PROBE = {**MINIMAL, "kind": "Probe", "rungs": [LOOK, LOOK], "probe": {"examples": 512, "heldOut": 128}}


def test_a_probe_has_a_rung_for_each_of_its_base_models() -> None:
    run = Run.model_validate(PROBE)
    assert parse_run(run.to_json()) == run
    assert [run.alone(rung).rung for rung in run.rungs] == list(run.rungs)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Train"},
        {"kind": "Evaluate"},
        {"probe": None},
        {"rungs": [LOOK] * 9},
        {"rungs": [LOOK, {"method": "LoRA", "baseModel": BASE}]},
        {"rungs": [LOOK, {"method": "LinearProbe"}]},
    ],
    ids=["of kind Train", "of kind Evaluate", "no sample", "too many", "another method", "no base model"],
)
def test_several_rungs_are_for_a_probe_of_base_models_alone(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Run.model_validate({**PROBE, **change})


def test_lives_and_attempts_do_not_share_a_directory() -> None:
    uids = ("0a1b2c3d-0000", "9a1b2c3d-0000")
    directories = {output_directory("models/topics", uid, attempt) for uid in uids for attempt in (1, 2)}
    assert len(directories) == 4
    assert output_directory("/topics/", uids[0], 1) == "/coppice/output/topics/0a1b2-1"


def test_base_models_of_equal_name_and_other_kind_do_not_share_a_directory() -> None:
    assert base_model_directory(BaseModelKind.CLUSTER, "a") != base_model_directory(BaseModelKind.NAMESPACED, "a")
