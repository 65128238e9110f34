"""Every method on both tasks, on data that a model can learn in seconds and judged as a user would: by its files."""

from pathlib import Path
from typing import Any

import pytest

from coppice.api.result import Reason, Stopped
from coppice.api.run import Run
from coppice.trainer.evaluation import evaluate_process
from coppice.trainer.report import Report, read_report
from coppice.trainer.training import train_process
from trainer.kit import (
    BERT,
    VIT,
    card_of,
    config_of,
    image_rows,
    run_of,
    text_rows,
    write_image_model,
    write_parquet,
    write_text_model,
)

TEXT, IMAGE = "text-classification", "image-classification"
TEXT_PLAN = {"config": BERT, "epochs": 10}
FAST = {"learningRate": "0.003", "epochs": 10, "batchSize": 8, "patience": 9}
LEARNT = 0.9


def prepared(root: Path, task: str) -> Path:
    make = text_rows if task == TEXT else image_rows
    write_parquet(root / "data/train.parquet", make(200, 1))
    write_parquet(root / "data/test.parquet", make(60, 2))
    if task == TEXT:
        write_text_model(root / "base")
    else:
        write_image_model(root / "base")
    return root


def attempt(root: Path, run: Run) -> tuple[Report, Report]:
    code = train_process(run, root / "train.json", None)
    trained = read_report(root / "train.json")
    assert code == 0, trained.fault
    code = evaluate_process(run, root / "evaluation.json")
    evaluated = read_report(root / "evaluation.json")
    assert code == 0, evaluated.fault
    return trained, evaluated


def scratch(root: Path, task: str) -> dict[str, Any]:
    if task == IMAGE:
        return {"fromScratch": {"config": VIT, "epochs": 10}}
    tokenizer = {"name": "tiny", "directory": str(root / "base"), "files": []}
    return {"fromScratch": {**TEXT_PLAN, "tokenizer": tokenizer}}


@pytest.mark.parametrize("task", [TEXT, IMAGE])
@pytest.mark.parametrize("method", ["LinearProbe", "LoRA", "FullFineTune", "FromScratch"])
def test_a_method_learns_and_leaves_an_ordinary_model(tmp_path: Path, task: str, method: str) -> None:
    root = prepared(tmp_path, task)
    hyperparameters = {**FAST, "learningRate": "0.01"} if method == "LoRA" else FAST
    changes = scratch(root, task) if method == "FromScratch" else {}
    run = run_of(root, method, task=task, hyperparameters=hyperparameters, **changes)
    trained, evaluated = attempt(root, run)
    assert evaluated.n == 60
    assert evaluated.quality is not None
    assert evaluated.quality >= LEARNT
    assert trained.counted_teraflop
    assert trained.tokens_seen > 0
    model = Path(run.model_directory)
    assert {"config.json", "model.safetensors", "README.md"} <= {path.name for path in model.iterdir()}
    assert not list(model.glob("*.bin"))
    assert "auto_map" not in config_of(model)
    assert sorted(config_of(model)["label2id"]) == sorted(trained.labels)
    assert f"pipeline_tag: {task}" in card_of(model)


def test_as_is_evaluates_the_base_models_own_head(tmp_path: Path) -> None:
    root = prepared(tmp_path, TEXT)
    made = run_of(root, "LinearProbe")
    attempt(root, made)
    (root / "base").rename(root / "old")
    Path(made.model_directory).rename(root / "base")
    run = run_of(root, "AsIs", kind="Evaluate", outputDirectory=str(root / "output/second"))
    trained, evaluated = attempt(root, run)
    assert trained.stopped is Stopped.NOT_TRAINED
    assert (trained.tokens_seen, evaluated.n) == (0, 60)
    assert evaluated.quality is not None
    assert evaluated.quality >= LEARNT
    weights = [directory / "model.safetensors" for directory in (root / "base", Path(run.model_directory))]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_as_is_refuses_labels_that_the_head_does_not_know(tmp_path: Path) -> None:
    root = prepared(tmp_path, IMAGE)
    assert train_process(run_of(root, "AsIs", task=IMAGE), root / "train.json", None) == 65
    fault = read_report(root / "train.json").fault
    assert fault is not None
    assert fault.reason is Reason.UNKNOWN_LABEL


def test_a_model_that_a_job_left_serves_the_next_one_with_other_classes(tmp_path: Path) -> None:
    root = prepared(tmp_path, IMAGE)
    first = run_of(root, "FromScratch", task=IMAGE, hyperparameters=FAST, **scratch(root, IMAGE))
    attempt(root, first)
    (root / "base").rename(root / "old")
    Path(first.model_directory).rename(root / "base")
    for name in ("train", "test"):
        rows = image_rows(90, len(name))
        rows["label"] = [f"other-{label}" for label in rows["label"]]
        write_parquet(root / f"data/{name}.parquet", rows)
    run = run_of(root, "LinearProbe", task=IMAGE, outputDirectory=str(root / "output/second"))
    trained, evaluated = attempt(root, run)
    assert trained.labels == ("other-0", "other-1", "other-2")
    assert evaluated.quality is not None
    assert evaluated.quality >= LEARNT


def test_features_are_computed_once(tmp_path: Path) -> None:
    root = prepared(tmp_path, TEXT)
    cache = {"cacheDirectory": str(root / "cache")}
    first, once = attempt(root, run_of(root, "LinearProbe", **cache))
    second, again = attempt(root, run_of(root, "LinearProbe", outputDirectory=str(root / "output/2"), **cache))
    assert (first.examples_seen, second.examples_seen) == (200, 0)
    assert once.quality == again.quality


def test_the_same_seed_gives_the_same_model(tmp_path: Path) -> None:
    root = prepared(tmp_path, TEXT)
    outputs = [str(root / "output" / name) for name in ("a", "b")]
    for output in outputs:
        attempt(root, run_of(root, "FullFineTune", hyperparameters={**FAST, "epochs": 2}, outputDirectory=output))
    first, second = (Path(output, "model/model.safetensors").read_bytes() for output in outputs)
    assert first == second


def test_training_ends_when_validation_shows_the_target_met(tmp_path: Path) -> None:
    root = prepared(tmp_path, TEXT)
    objective = {"metric": "Accuracy", "direction": "Maximize", "target": "0.9"}
    run = run_of(root, "FullFineTune", hyperparameters={**FAST, "epochs": 50}, objective=objective)
    trained, _ = attempt(root, run)
    assert trained.stopped is Stopped.TARGET
    assert trained.epochs is not None
    assert trained.epochs < 50


def test_without_evaluation_data_a_tenth_is_held_out_and_not_learnt_from(tmp_path: Path) -> None:
    root = prepared(tmp_path, TEXT)
    run = run_of(root, "LinearProbe")
    dataset = run.dataset.model_copy(update={"evaluation": None})
    trained, evaluated = attempt(root, run.model_copy(update={"dataset": dataset}))
    assert (trained.examples_seen, evaluated.n) == (180, 20)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"task": "translation"}, Reason.UNSUPPORTED),
        ({"dataset": {"columns": {"text": "body"}}}, Reason.MISSING_COLUMN),
        ({"rungs": [{"method": "QLoRA"}]}, Reason.UNSUPPORTED),
        ({"rungs": [{"method": "LinearProbe"}]}, Reason.INVALID_RUN),
        (
            {"rungs": [{"method": "FromScratch"}], "fromScratch": {"config": {"model_type": "no-such"}}},
            Reason.BAD_MODEL,
        ),
        (
            {
                "rungs": [{"method": "FromScratch"}],
                "fromScratch": {"config": {**BERT, "auto_map": {"AutoModel": "m.M"}}},
            },
            Reason.REMOTE_CODE_REFUSED,
        ),
    ],
)
def test_what_a_user_got_wrong_has_a_reason(tmp_path: Path, change: dict[str, Any], reason: Reason) -> None:
    root = prepared(tmp_path, TEXT)
    values = run_of(root, "LinearProbe").model_dump(mode="json", by_alias=True)
    dataset = {**values["dataset"], **change.pop("dataset", {})}
    run = Run.model_validate({**values, "dataset": dataset, **change})
    assert train_process(run, root / "train.json", None) in range(1, 128)
    fault = read_report(root / "train.json").fault
    assert fault is not None
    assert fault.reason is reason


def test_a_label_seen_only_in_evaluation_data_is_named(tmp_path: Path) -> None:
    root = prepared(tmp_path, TEXT)
    write_parquet(root / "data/test.parquet", {"text": ["gold mine"], "label": ["gold"]})
    run = run_of(root, "LinearProbe")
    assert train_process(run, root / "train.json", None) == 0
    assert evaluate_process(run, root / "evaluation.json") == 65
    fault = read_report(root / "evaluation.json").fault
    assert fault is not None
    assert (fault.reason, "'gold'" in fault.message) == (Reason.UNKNOWN_LABEL, True)


def test_training_ends_in_time_to_evaluate(tmp_path: Path) -> None:
    root = prepared(tmp_path, TEXT)
    run = run_of(root, "FullFineTune", hyperparameters={**FAST, "epochs": 10000, "patience": 1000})
    assert train_process(run, root / "train.json", 3) == 0
    assert read_report(root / "train.json").stopped is Stopped.RUN_SECONDS
    assert evaluate_process(run, root / "evaluation.json") == 0
