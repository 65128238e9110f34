"""A directory with a model, as `save_pretrained` or `git clone` leaves it."""

import asyncio
import hashlib
from pathlib import Path

from coppice.adapters.registries.repository import SMALL_BYTES, Facts, MissingFile, RegistryError, RepositoryFile

POINTER = b"version https://git-lfs.github.com/spec/v1\n"
POINTER_BYTES = 1024


class DirectoryRepository:
    """Files below a directory; links that lead out of it are refused, hidden files are not part of the model."""

    def __init__(self, root: Path, uri: str = "") -> None:
        if not root.is_dir():
            raise RegistryError(f"{root} is no directory")
        self._root = root.resolve()
        self._uri = uri

    @property
    def facts(self) -> Facts:
        """Its name; a directory has no revision, and no page to cite."""
        return Facts(self._root.name, "", self._uri)

    async def files(self) -> list[RepositoryFile]:
        """Every file; of one that git left as a pointer, what the pointer says."""
        names = sorted(path.relative_to(self._root) for path in self._root.rglob("*") if path.is_file())
        return [_described(self._path(str(name)), str(name)) for name in names if not _hidden(name)]

    async def read(self, name: str) -> bytes:
        """A small file."""
        path = self._path(name)
        if path.stat().st_size > SMALL_BYTES:
            raise RegistryError(f"{path} is larger than {SMALL_BYTES} bytes and was not read")
        return path.read_bytes()

    async def read_range(self, name: str, start: int, length: int) -> bytes:
        """A part of a file."""
        with self._path(name).open("rb") as file:
            file.seek(start)
            return file.read(length)

    async def digest(self, name: str) -> tuple[str, int]:
        """sha256 and size."""
        return await asyncio.to_thread(_hashed, self._path(name))

    async def license_of(self, other: str) -> str | None:
        """A directory knows no other model."""
        del other
        return None

    def _path(self, name: str) -> Path:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root):
            raise RegistryError(f"{self._root / name} leads out of the directory, which is refused")
        if not path.is_file():
            raise MissingFile(f"{self._root} has no {name}")
        return path


def _hidden(name: Path) -> bool:
    return any(part.startswith(".") for part in name.parts)


def _described(path: Path, name: str) -> RepositoryFile:
    size = path.stat().st_size
    if size <= POINTER_BYTES:
        data = path.read_bytes()
        if data.startswith(POINTER):
            return _pointed(data.decode(errors="replace"), name)
    return RepositoryFile(name, size)


def _pointed(text: str, name: str) -> RepositoryFile:
    """What a git-lfs pointer says of the file that it stands for (git-lfs, docs/spec.md)."""
    fields = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    return RepositoryFile(name, int(fields["size"]), fields["oid"])


def _hashed(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}", path.stat().st_size
