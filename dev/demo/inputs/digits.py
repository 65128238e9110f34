"""scikit-learn's 8x8 images of handwritten digits, parted into two problems: tell 0 to 4 apart, tell 5 to 9 apart.

The two share no class and no image, so that what the first learns can help the second without giving its answer away.
The data file is read from the installed package without importing it, which would take longer than all the rest.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow.parquet import write_table

from devcluster.errors import DevClusterError

PACKAGE = "sklearn"
FILE = Path("datasets/data/digits.csv.gz")
SIDE = 8
TEST_FRACTION = 0.25
SEED = 7

LOW = range(5)
HIGH = range(5, 10)

Pixels = list[list[int]]
"""Rows of whole numbers from 0 to 16."""
Image = tuple[int, Pixels]
"""The digit it shows, and its pixels."""


def digits(classes: Iterable[int]) -> dict[str, list[Image]]:
    """A `train` and a `test` part of these classes, three to one, parted by seed within each class."""
    everything = read_digits()
    parts: dict[str, list[Image]] = {"train": [], "test": []}
    for label in classes:
        train, test = _parted([image for image in everything if image[0] == label])
        parts["train"] += train
        parts["test"] += test
    return parts


def read_digits() -> list[Image]:
    """All 1,797 images in the package's order."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise DevClusterError("scikit-learn carries the images of digits and is not installed: run `make setup`.")
    with gzip.open(Path(found.origin).parent / FILE, "rt", encoding="ascii") as stream:
        return [_image([int(float(value)) for value in row]) for row in csv.reader(stream)]


def write_digits(images: Sequence[Image], path: Path) -> None:
    """Parquet with the columns pixels (8 lists of 8 numbers) and label."""
    columns = {"pixels": [pixels for _, pixels in images], "label": [label for label, _ in images]}
    write_table(pa.table(columns), path)


def _image(values: Sequence[int]) -> Image:
    *pixels, label = values
    return label, [list(pixels[start : start + SIDE]) for start in range(0, SIDE * SIDE, SIDE)]


def _parted(images: list[Image]) -> tuple[list[Image], list[Image]]:
    shuffled = random.Random(SEED).sample(images, len(images))  # noqa: S311 - repeatable, not secret
    cut = round(len(images) * (1 - TEST_FRACTION))
    return shuffled[:cut], shuffled[cut:]
