"""Examples as columns in memory: read, checked with the row named, and split by seed.

Files are read whole, which bounds data by the pod's memory; every method here needs several passes over it anyway.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, json, parquet
from sklearn.model_selection import train_test_split

from coppice.api.result import Reason
from coppice.api.run import FileSource, RunDataset
from coppice.api.vocabulary import DataFormat
from coppice.trainer.faults import TrainerError

HELD_OUT_FRACTION = 0.1
"""Part of the training data that is evaluated on when the job names no evaluation data."""


@dataclass(frozen=True)
class Examples:
    """Inputs of one kind with their labels as text."""

    inputs: Sequence[Any]
    labels: Sequence[str]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Sequence[int]) -> "Examples":
        """The examples of these rows, in their order."""
        return Examples([self.inputs[row] for row in rows], [self.labels[row] for row in rows])

    def classes(self) -> tuple[str, ...]:
        """The labels that occur: numbers by value, others by name."""
        found = set(self.labels)
        if all(label.lstrip("-").isdigit() for label in found):
            return tuple(sorted(found, key=int))
        return tuple(sorted(found))


def training_examples(dataset: RunDataset, role: str, seed: int) -> Examples:
    """What training may see: all of the training file, or nine tenths where there is no evaluation file."""
    everything = read_examples(dataset, dataset.train, role)
    if dataset.evaluation is not None:
        return everything
    return split(everything, HELD_OUT_FRACTION, seed)[0]


def evaluation_examples(dataset: RunDataset, role: str, seed: int) -> Examples:
    """What the model is judged by; only the evaluation process calls this."""
    if dataset.evaluation is not None:
        return read_examples(dataset, dataset.evaluation, role)
    return split(read_examples(dataset, dataset.train, role), HELD_OUT_FRACTION, seed)[1]


def split(examples: Examples, fraction: float, seed: int) -> tuple[Examples, Examples]:
    """A larger and a smaller part, by seed; by class too where every class is large enough.

    Raises TrainerError TooFewExamples when the smaller part would be empty.
    """
    count = round(len(examples) * fraction)
    if count < 1 or len(examples) - count < 2:
        message = f"{len(examples)} examples are too few to hold out a part of {fraction}: give at least 20"
        raise TrainerError(Reason.TOO_FEW_EXAMPLES, message)
    sizes = Counter(examples.labels)
    by_class = examples.labels if min(sizes.values()) >= 2 and count >= len(sizes) else None
    larger, smaller = train_test_split(range(len(examples)), test_size=count, random_state=seed, stratify=by_class)
    return examples.take(larger), examples.take(smaller)


def read_examples(dataset: RunDataset, source: FileSource, role: str) -> Examples:
    """The two columns of one file; raises TrainerError MissingColumn or BadData with the row's number."""
    path = Path(dataset.directory) / source.name
    table = _table(path, dataset.format)
    columns = []
    for part in (role, "label"):
        name = dataset.columns.get(part, part)
        if name not in table.column_names:
            have = ", ".join(table.column_names[:20])
            message = f"{source.name} has no column {name!r} for {part} (it has {have}): set dataset.columns.{part}"
            raise TrainerError(Reason.MISSING_COLUMN, message)
        columns.append(table.column(name).to_pylist())
    _refuse_empty(columns[0], source.name, role)
    _refuse_empty(columns[1], source.name, "label")
    return Examples(columns[0], [_label(value) for value in columns[1]])


def _table(path: Path, format_: DataFormat) -> pa.Table:
    try:
        with path.open("rb") as stream:
            if format_ is DataFormat.PARQUET:
                return parquet.read_table(stream)
            if format_ is DataFormat.CSV:
                parse = csv.ParseOptions(newlines_in_values=True)
                return csv.read_csv(stream, parse_options=parse)
            return json.read_json(stream)
    except FileNotFoundError as error:
        raise TrainerError(Reason.SOURCE_MISSING, f"{path} is not there: did the fetch step run?") from error
    except pa.ArrowException as error:
        raise TrainerError(Reason.BAD_DATA, f"{path.name} cannot be read as {format_.value}: {error}") from error


def _refuse_empty(values: Sequence[Any], file: str, part: str) -> None:
    if not values:
        raise TrainerError(Reason.TOO_FEW_EXAMPLES, f"{file} has no rows")
    for row, value in enumerate(values, start=1):
        if value is None:
            raise TrainerError(Reason.BAD_DATA, f"{file}, row {row}: no {part}")


def _label(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
