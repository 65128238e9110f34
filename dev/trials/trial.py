"""One trial: the real trainer as its pod would start it, on one core, with its own account of what it used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coppice.api.result import Result, parse_result
from coppice.api.run import Run
from coppice.api.vocabulary import Method

NOISY = {"OMP_NUM_THREADS": "1", "JOB_COMPLETION_INDEX": "0"}


class TrialError(RuntimeError):
    """The trainer ended without a result; the message holds its last lines."""


@dataclass(frozen=True)
class Data:
    """Training and test file in one directory, and what they hold."""

    directory: Path
    columns: dict[str, str]
    task: str


def run_trial(
    root: Path,
    data: Data,
    method: Method,
    *,
    base: Path | None,
    from_scratch: dict[str, Any] | None,
    target: str | None,
    hyperparameters: dict[str, Any],
) -> tuple[Result, Path]:
    """Runs one attempt below `root` and returns its result and the model's directory.

    Raises TrialError where the trainer gives no result.
    """
    shutil.rmtree(root, ignore_errors=True)
    (root / "work").mkdir(parents=True)
    run = _run(root, data, method, base, from_scratch, target, hyperparameters)
    (root / "run.json").write_text(run.to_json(), encoding="utf-8")
    message = root / "message.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "coppice.trainer", "run", "--run", str(root / "run.json")),
            *("--work", str(root / "work"), "--termination-log", str(message)),
        ],
        env={**os.environ, **NOISY, "POD_UID": f"trial-{os.getpid()}"},
        capture_output=True,
        text=True,
        check=False,
    )
    result = parse_result(message.read_text(encoding="utf-8")) if message.exists() else None
    if result is None or result.quality is None:
        raise TrialError((done.stdout + done.stderr)[-1500:])
    return result, Path(run.model_directory)


def _run(
    root: Path,
    data: Data,
    method: Method,
    base: Path | None,
    from_scratch: dict[str, Any] | None,
    target: str | None,
    hyperparameters: dict[str, Any],
) -> Run:
    rung: dict[str, Any] = {"method": method, "hyperparameters": hyperparameters}
    if base is not None and from_scratch is None:
        rung["baseModel"] = _base(base)
    objective = {"metric": "Accuracy", "direction": "Maximize"} | ({"target": target} if target else {})
    values: dict[str, Any] = {
        "jobUid": "trial",
        "jobName": "trial",
        "namespace": "trials",
        "attempt": 1,
        "kind": "Train",
        "rungs": [rung],
        "task": data.task,
        "dataset": {
            "format": "Parquet",
            "columns": data.columns,
            "train": {"name": "train.parquet", "uri": "pvc://corpora/train.parquet"},
            "evaluation": {"name": "test.parquet", "uri": "pvc://corpora/test.parquet"},
            "directory": str(data.directory),
        },
        "objective": objective,
        "outputDirectory": str(root / "output"),
    }
    if from_scratch is not None:
        values["fromScratch"] = from_scratch | ({"tokenizer": _base(base)} if base else {})
    return Run.model_validate(values)


def _base(directory: Path) -> dict[str, Any]:
    files = [{"name": path.name, "uri": f"pvc://models/{path.name}"} for path in directory.iterdir() if path.is_file()]
    return {"kind": "BaseModel", "name": directory.name, "directory": str(directory), "files": files}
