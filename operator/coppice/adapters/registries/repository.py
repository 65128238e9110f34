"""A repository of model files, as importing and pinning see it, whatever serves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

SMALL_BYTES = 64 * 2**20
"""What is read whole: tokenizers are tens of megabytes, weights are not read whole."""


class RegistryError(Exception):
    """A registry did not give what was asked; the message says what to do."""


class MissingFile(RegistryError):
    """The repository has no such file."""


@dataclass(frozen=True)
class RepositoryFile:
    """One file; `digest` is `sha256:…` where the registry knows it without reading the file."""

    name: str
    size_bytes: int | None = None
    digest: str | None = None
    git_oid: str | None = None
    """sha1 of the git blob, where the file is one."""


@dataclass(frozen=True)
class Facts:
    """What a registry says of a model beside its files: its card's front matter, and where each can be looked up.

    `page` is the address of a file's page with `{}` for its name; empty where there is none to cite.
    """

    name: str
    revision: str
    uri: str
    page: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    card_page: str = ""


class Repository(Protocol):
    """One model at one revision."""

    @property
    def facts(self) -> Facts:
        """Known once `files` was asked."""
        ...

    async def files(self) -> list[RepositoryFile]:
        """Every file, by name."""
        ...

    async def read(self, name: str) -> bytes:
        """A small file. Raises MissingFile, and RegistryError for one that is not small."""
        ...

    async def read_range(self, name: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`; fewer where the file ends."""
        ...

    async def digest(self, name: str) -> tuple[str, int]:
        """sha256 and size of a file, read to its end without being kept."""
        ...

    async def license_of(self, other: str) -> str | None:
        """What the registry says of another model's licence, as its card writes it; None where it says nothing."""
        ...
