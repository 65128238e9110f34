"""Digests and whole-file writes: what is read was verified, what is written is there in full or not at all."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from coppice.api.basemodel import ModelFile

CHUNK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """The digest of a file's content as `sha256:<hex>`."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def listing(directory: Path) -> tuple[ModelFile, ...]:
    """Every file below a directory with size and digest, sorted by name."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return tuple(
        ModelFile(name=path.relative_to(directory).as_posix(), size_bytes=path.stat().st_size, digest=sha256_of(path))
        for path in paths
    )


def digest_of(files: Iterable[ModelFile]) -> str:
    """One digest for many files: sha256 over the lines `<hex>  <name>`, as sha256sum prints them, sorted by name."""
    lines = sorted((file.name, (file.digest or "").removeprefix("sha256:")) for file in files)
    text = "".join(f"{digest}  {name}\n" for name, digest in lines)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that a reader, or a pod started after a crash, sees the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
