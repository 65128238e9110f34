"""A probe through the real trainer: several tiny models, one sample, figures that tell the good from the bad."""

from pathlib import Path
from typing import Any

import pytest

from coppice.api.result import Outcome, Stopped, termination_message
from coppice.api.run import Run
from coppice.trainer.probing import probe_process
from coppice.trainer.report import Report, read_report
from coppice.trainer.training import train_process
from trainer.kit import (
    execute,
    image_rows,
    run_of,
    sources,
    text_rows,
    write_image_model,
    write_parquet,
    write_text_model,
)

ROWS, VALIDATION = 1500, 150


def prepared(root: Path, *, rows: int = ROWS) -> Path:
    write_parquet(root / "data/train.parquet", text_rows(rows, 1))
    write_text_model(root / "models/good")
    write_text_model(root / "models/deaf", num_hidden_layers=0, hidden_size=2, num_attention_heads=1)
    return root


def rung(root: Path, name: str, **hyperparameters: Any) -> dict[str, Any]:
    directory = root / "models" / name
    files = sources(directory, f"pvc://models/{name}") if directory.is_dir() else []
    base = {"name": name, "directory": str(directory), "files": files}
    return {"method": "LinearProbe", "baseModel": base, "hyperparameters": hyperparameters}


def probe_of(root: Path, *names: str, **changes: Any) -> Run:
    rungs = [rung(root, name) for name in names]
    sample = {"examples": 512, "heldOut": 512}
    changes = {"cacheDirectory": str(root / "cache"), **changes}
    return run_of(root, "LinearProbe", kind="Probe", rungs=rungs, probe=sample, **changes)


def looked(root: Path, run: Run) -> Report:
    code = probe_process(run, root / "probe.json", None)
    report = read_report(root / "probe.json")
    assert code == 0, report.fault
    return report


def test_a_probe_tells_which_base_model_suits_the_data(tmp_path: Path) -> None:
    report = looked(prepared(tmp_path), probe_of(tmp_path, "good", "deaf"))
    good, deaf = report.probed
    assert (good.base_model.name, deaf.base_model.name) == ("good", "deaf")
    assert (good.sample, good.examples) == (512, VALIDATION)
    assert good.linear_quality is not None
    assert deaf.linear_quality is not None
    assert good.linear_quality >= 0.9
    assert good.linear_quality > deaf.linear_quality
    assert good.neighbour_quality is not None
    assert good.neighbour_quality >= 0.8
    assert report.examples_seen == 2 * (512 + VALIDATION)
    assert report.counted_teraflop
    assert report.stopped is Stopped.NOT_TRAINED


def test_the_evaluation_data_is_not_there_and_not_missed(tmp_path: Path) -> None:
    run = probe_of(prepared(tmp_path), "good")
    assert run.dataset.evaluation is not None
    assert not (tmp_path / "data/test.parquet").exists()
    assert looked(tmp_path, run).probed[0].linear_quality is not None


def test_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    prepared(tmp_path)
    first, second = (looked(tmp_path, probe_of(tmp_path, "good", cacheDirectory=str(tmp_path / at))) for at in "ab")
    assert first.probed == second.probed


def test_a_linear_probe_of_the_whole_data_computes_only_what_the_sample_lacked(tmp_path: Path) -> None:
    prepared(tmp_path)
    looked(tmp_path, probe_of(tmp_path, "good"))
    (tmp_path / "base").symlink_to(tmp_path / "models/good")
    run = run_of(tmp_path, "LinearProbe", cacheDirectory=str(tmp_path / "cache"))
    assert train_process(run, tmp_path / "train.json", None) == 0
    assert read_report(tmp_path / "train.json").examples_seen == ROWS - 512 - VALIDATION


@pytest.mark.parametrize("broken", ["missing", "no model", "refused when it was fetched"])
def test_a_base_model_that_cannot_be_loaded_is_told_of_and_the_others_are_looked_at(
    tmp_path: Path, broken: str
) -> None:
    prepared(tmp_path)
    if broken == "no model":
        (tmp_path / "models/bad").mkdir()
        (tmp_path / "models/bad/config.json").write_text("{}")
    if broken == "refused when it was fetched":
        (tmp_path / "models/.bad.fault").write_text("DigestMismatch: config.json differs")
    bad, good = looked(tmp_path, probe_of(tmp_path, "bad", "good")).probed
    assert bad.message
    assert (bad.linear_quality, bad.neighbour_quality) == (None, None)
    assert good.linear_quality is not None


def test_images_are_looked_at_too(tmp_path: Path) -> None:
    write_parquet(tmp_path / "data/train.parquet", image_rows(1500, 1))
    write_image_model(tmp_path / "models/vit")
    report = looked(tmp_path, probe_of(tmp_path, "vit", task="image-classification"))
    assert report.probed[0].linear_quality is not None
    assert report.probed[0].linear_quality >= 0.8


def test_a_pod_answers_with_what_it_saw_and_its_energy_and_says_it_again(tmp_path: Path) -> None:
    run = probe_of(prepared(tmp_path), "good", "deaf")
    code, result = execute(tmp_path, run)
    assert (code, result.outcome, len(result.probed)) == (0, Outcome.COMPLETED, 2)
    assert result.model is None
    assert result.quality is None
    assert result.energy is not None
    assert result.cpu_seconds
    assert len(termination_message(result).encode()) <= 4096
    again, repeated = execute(tmp_path, run, pod="pod-2")
    assert (again, repeated.probed) == (0, result.probed)
    assert [pod.pod_uid for pod in repeated.earlier] == ["pod-1"]


def test_a_model_used_as_it_is_runs_as_an_evaluation(tmp_path: Path) -> None:
    prepared(tmp_path, rows=200)
    write_parquet(tmp_path / "data/test.parquet", text_rows(60, 2))
    (tmp_path / "base").symlink_to(tmp_path / "models/good")
    made = run_of(tmp_path, "LinearProbe")
    assert train_process(made, tmp_path / "train.json", None) == 0
    (tmp_path / "base").unlink()
    Path(made.model_directory).rename(tmp_path / "base")
    run = run_of(tmp_path, "AsIs", kind="Evaluate", attempt=2, outputDirectory=str(tmp_path / "output/0a1b2-2"))
    code, result = execute(tmp_path, run)
    assert (code, result.outcome, result.stopped) == (0, Outcome.COMPLETED, Stopped.NOT_TRAINED)
    assert result.quality is not None
    assert result.quality >= 0.9
