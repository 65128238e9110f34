"""gradientCheckpointing: blocks are computed again, the count says so, and a network that cannot says why."""

from pathlib import Path
from typing import Any

import pytest

from coppice.api.result import Reason
from coppice.trainer.report import Report, read_report
from coppice.trainer.training import train_process
from trainer.kit import image_rows, run_of, text_rows, write_parquet, write_text_model

SHORT = {"epochs": 1, "batchSize": 8}
RESNET = {"model_type": "resnet", "layer_type": "basic", "hidden_sizes": [8, 16], "depths": [1, 1]}
RESNET |= {"embedding_size": 8, "num_channels": 1, "image_size": 8}


def trained(root: Path, method: str, *, recompute: bool) -> Report:
    write_parquet(root / "data/train.parquet", text_rows(40, 1))
    write_text_model(root / "base", hidden_size=64, num_hidden_layers=4, intermediate_size=256)
    settings: dict[str, Any] = {**SHORT, "gradientCheckpointing": recompute}
    code = train_process(run_of(root, method, hyperparameters=settings), root / "train.json", None)
    report = read_report(root / "train.json")
    assert code == 0, report.fault
    return report


@pytest.mark.parametrize("method", ["LoRA", "FullFineTune"])
def test_recomputing_is_counted_as_a_forward_pass_more(tmp_path: Path, method: str) -> None:
    kept, again = (trained(tmp_path / str(flag), method, recompute=flag) for flag in (False, True))
    ratio = float(again.counted_teraflop) / float(kept.counted_teraflop)
    assert 1.25 < ratio < 1.6
    assert "forward twice" in again.flop_method
    assert again.validation_quality == pytest.approx(float(kept.validation_quality or 0), abs=0.3)


def test_a_network_that_cannot_recompute_says_so(tmp_path: Path) -> None:
    write_parquet(tmp_path / "data/train.parquet", image_rows(40, 1))
    settings = {**SHORT, "gradientCheckpointing": True}
    plan = {"fromScratch": {"config": RESNET, "epochs": 1}}
    run = run_of(tmp_path, "FromScratch", task="image-classification", hyperparameters=settings, **plan)
    assert train_process(run, tmp_path / "train.json", None) != 0
    fault = read_report(tmp_path / "train.json").fault
    assert fault is not None
    assert fault.reason is Reason.UNSUPPORTED
    assert "gradientCheckpointing" in fault.message
