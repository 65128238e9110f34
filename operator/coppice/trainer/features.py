"""Features of a frozen model, computed once and kept on disk by what they depend on.

They are computed in parts of 512 examples in a seeded order, and each part is a file: a pod that is stopped loses at
most one part, a later run of the same base model over the same data finds them all, and a run out of time still has an
unbiased sample.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from coppice.api.result import Reason, Stopped
from coppice.trainer.examples import Examples
from coppice.trainer.faults import TrainerError
from coppice.trainer.files import sha256_of
from coppice.trainer.flops import forward_flop
from coppice.trainer.workbench import StopRequestedError, Workbench

PART = 512
BATCH = 32
LAYOUT = 1
"""Raise it when the same inputs would give other features."""

log = logging.getLogger("coppice.train")

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Features:
    """Rows of features with their class numbers."""

    train: Array
    train_labels: Array
    validation: Array
    validation_labels: Array


def all_features(bench: Workbench, model: Any, head: torch.nn.Linear, pooling: str) -> tuple[Features, bool]:
    """Features of the validation and the training part, and whether all were computed before time ran out."""
    directory = _cache_directory(bench, pooling)
    maker = _Maker(bench, model, head, directory)
    validation, rows, _ = maker.features(bench.validation, "validation")
    labels = np.asarray(bench.numbers(bench.validation))[rows]
    train, train_rows, complete = maker.features(bench.train, "train")
    train_labels = np.asarray(bench.numbers(bench.train))[train_rows]
    if len(set(train_labels.tolist())) < 2:
        raise TrainerError(
            Reason.TOO_FEW_EXAMPLES, "time ran out before two classes were seen: raise limits.runSeconds"
        )
    return Features(train, train_labels, validation, labels), complete


def sample_features(
    bench: Workbench, model: Any, head: torch.nn.Linear, pooling: str, examples: int, held_out: int
) -> Features:
    """Features of the first examples of either part, in whole parts of 512: `all_features` finds them when it is asked.

    Raises TrainerError TooFewExamples where fewer than two classes are among those to learn from.
    """
    maker = _Maker(bench, model, head, _cache_directory(bench, pooling))
    validation, rows, _ = maker.features(bench.validation, "validation", held_out)
    train, train_rows, _ = maker.features(bench.train, "train", examples)
    labels, train_labels = (
        np.asarray(bench.numbers(part))[chosen]
        for part, chosen in ((bench.validation, rows), (bench.train, train_rows))
    )
    if len(set(train_labels.tolist())) < 2:
        raise TrainerError(Reason.TOO_FEW_EXAMPLES, f"{len(train_labels)} examples of the sample are of one class")
    return Features(train, train_labels, validation, labels)


class _Maker:
    def __init__(self, bench: Workbench, model: Any, head: torch.nn.Linear, directory: Path) -> None:
        self._bench, self._model, self._directory = bench, model, directory
        self._captured: list[torch.Tensor] = []
        self._computed = float(bench.progress.values.get("counted_teraflop") or 0) * 1e12
        self._per_token: float | None = None
        head.register_forward_pre_hook(lambda _, inputs: self._captured.append(inputs[0].detach()))

    def features(self, examples: Examples, part: str, most: int | None = None) -> tuple[Array, Array, bool]:
        """Features and row numbers, in the seeded order; False when time ran out before the last part.

        `most` is rounded up to whole parts, so that what is kept of each serves any later run.
        """
        order = np.random.default_rng(self._bench.run.seed).permutation(len(examples))
        order = order if most is None else order[: -(-most // PART) * PART]
        pieces: list[Array] = []
        for start in range(0, len(order), PART):
            why = self._bench.why_stop()
            if why is Stopped.SIGNAL:
                raise StopRequestedError
            if why is not None and pieces:
                log.info("%s: time is up after %d of %d examples", part, start, len(order))
                return np.concatenate(pieces), order[:start], False
            pieces.append(self._part(examples, order[start : start + PART].tolist(), f"{part}-{start // PART:05d}"))
            self._bench.progress.line(f"{part}: features of {start + len(pieces[-1])} of {len(order)} examples")
        log.info("%s: features of %d examples", part, len(order))
        return np.concatenate(pieces), order, True

    def _part(self, examples: Examples, rows: Sequence[int], name: str) -> Array:
        path = self._directory / f"{name}.npy"
        if path.exists():
            return np.asarray(np.load(path, allow_pickle=False))
        values = self._compute(examples.take(rows))
        partial = path.with_suffix(".partial")
        with partial.open("wb") as stream:
            np.save(stream, values, allow_pickle=False)
        partial.replace(path)
        return values

    def _compute(self, examples: Examples) -> Array:
        task = self._bench.task
        items = task.encode(examples.inputs)
        if self._per_token is None:
            self._per_token, method = forward_flop(self._model, task, items)
            self._captured.clear()
            self._bench.progress.set(flop_method=method)
        order = sorted(range(len(items)), key=lambda row: len(items[row].get("input_ids", ())))
        result: list[Any] = [None] * len(items)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch = task.collate([items[row] for row in rows])
            for row, value in zip(rows, self._forward(batch), strict=True):
                result[row] = value
            self._count(task.tokens(batch, self._model.config), len(rows))
        return np.stack(result)

    def _forward(self, batch: dict[str, Any]) -> Array:
        with torch.inference_mode():
            self._model(**{key: value.to(self._model.device) for key, value in batch.items()})
        return np.asarray(self._captured.pop().float().cpu().numpy())

    def _count(self, tokens: int, examples: int) -> None:
        self._computed += (self._per_token or 0.0) * (tokens or examples)
        self._bench.progress.set(counted_teraflop=f"{self._computed / 1e12:.6f}")
        self._bench.progress.count(examples, tokens)


def _cache_directory(bench: Workbench, pooling: str) -> Path:
    root = Path(bench.run.cache_directory) if bench.run.cache_directory else bench.output / "checkpoints"
    directory = root / "features" / _key(bench, pooling)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _key(bench: Workbench, pooling: str) -> str:
    """What the features depend on: model, data, split, encoding, pooling and the layout of this file."""
    run, base = bench.run, bench.run.rung.base_model
    data = run.dataset.train.digest or sha256_of(Path(run.dataset.directory) / run.dataset.train.name)
    files = sorted((file.name, file.digest) for file in base.files) if base else []
    hyperparameters = run.rung.hyperparameters
    parts = [LAYOUT, files, data, sorted(run.dataset.columns.items()), run.seed, len(bench.train), pooling]
    parts += [hyperparameters.max_sequence_length, bool(run.dataset.evaluation)]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32]
