"""Reuters newswire: the R8 topics with their published split, and the small topics of R52 that R8 leaves out.

Reuters-21578 was released for research; R8 and R52 are its usual subsets with one topic a document. The small topics
share no document with R8, so a model that learnt them has seen neither the training nor the test part of R8.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pyarrow as pa
from pyarrow.parquet import write_table

HEADER_LINES = 3
"""Orange's .tab format: names, types, flags."""
CORPORA = Path("orangecontrib/text/datasets")
SEED = 7
FEWEST_EXAMPLES = 10
"""A topic with fewer training documents is left out: nothing can be learnt from it or judged by it."""

Example = tuple[str, str]
"""Label and text."""


def r8(packages: Path) -> dict[str, list[Example]]:
    """The published split: `train` with 5,485 and `test` with 2,189 documents of 8 topics."""
    return {part: read_tab(packages / CORPORA / f"reuters-r8-{part}.tab") for part in ("train", "test")}


def first_thousand(packages: Path) -> list[Example]:
    """A thousand training documents of R8, drawn by seed, for jobs that should take seconds."""
    return random.Random(SEED).sample(r8(packages)["train"], 1000)  # noqa: S311 - repeatable, not secret


def small_topics(packages: Path) -> dict[str, list[Example]]:
    """The documents of R52 whose topics R8 leaves out, in their published split, topics of some size only."""
    known = {label for label, _ in r8(packages)["train"]}
    parts = {part: read_tab(packages / CORPORA / f"reuters-r52-{part}.tab") for part in ("train", "test")}
    sizes = Counter(label for label, _ in parts["train"])
    wanted = {label for label, size in sizes.items() if size >= FEWEST_EXAMPLES} - known
    return {part: [example for example in examples if example[0] in wanted] for part, examples in parts.items()}


def read_tab(path: Path) -> list[Example]:
    """Label and text of every line; raises ValueError for a line that is neither, so that none is lost silently."""
    examples: list[Example] = []
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines[HEADER_LINES:], start=HEADER_LINES + 1):
        if not line.strip():
            continue
        label, tab, text = line.partition("\t")
        if not tab or not label or not text:
            raise ValueError(f"{path.name}, line {number}: expected a label, a tab and a text")
        examples.append((label, text))
    return examples


def write_texts(examples: list[Example], path: Path) -> None:
    """Parquet with the columns text and label."""
    columns = {"text": [text for _, text in examples], "label": [label for label, _ in examples]}
    write_table(pa.table(columns), path)
