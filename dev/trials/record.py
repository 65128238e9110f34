"""The record: one CSV row a trial, kept in the repository beside the evaluation that reads it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import yaml

from coppice.api.basemodel import BaseModelObject

RECORD = Path(__file__).resolve().parents[1] / "evaluation" / "trials.csv"
MODELS = RECORD.with_name("trial-models.yaml")
"""The base models of the trials as manifests, so that a decision can be made again where they are not."""


@dataclass(frozen=True)
class Row:
    """One trial. Times in seconds; `quality` is the objective's metric on the test part; empty: not known."""

    problem: str
    method: str
    base_model: str
    examples: int
    target: str
    quality: str
    standard_error: str
    met: str
    epochs: str
    steps: int
    stopped: str
    run_seconds: str
    cpu_seconds: str
    counted_teraflop: str
    tokens_seen: int
    peak_memory_bytes: str
    family: str
    parameters: int
    matrix_parameters: int
    hidden_size: str
    layers: str
    machine: str
    software: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What names a trial."""
        return self.problem, self.method, self.base_model


def read(path: Path = RECORD) -> list[Row]:
    """The rows that were kept, in order."""
    if not path.exists():
        return []
    whole = {field.name for field in fields(Row) if field.type == "int"}
    with path.open(newline="", encoding="utf-8") as stream:
        return [
            Row(**{name: int(text) if name in whole else text for name, text in line.items()})  # type: ignore[arg-type]
            for line in csv.DictReader(stream)
        ]


def write(rows: Iterable[Row], path: Path = RECORD) -> None:
    """All rows, sorted, so that a run anew shows as a small difference."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in sorted(rows, key=lambda row: row.key))


def write_models(models: Iterable[BaseModelObject], path: Path = MODELS) -> None:
    """The manifests of all base models, in order."""
    texts = [yaml.safe_dump(model.wire(), sort_keys=False, allow_unicode=True) for model in models]
    path.write_text("---\n".join(texts), encoding="utf-8")
