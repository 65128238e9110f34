"""A model on the Hugging Face Hub, or on anything that speaks its HTTP API.

Three documented addresses are enough (https://huggingface.co/docs/hub/api): the model's record, which resolves a
branch to a commit and holds the parsed card; the tree, which has every file's size and, of files in LFS or Xet, the
sha256; and `resolve`, which serves files and redirects large ones. huggingface_hub is not used: it would bring a
download engine and a cache to a program that reads a few kilobytes.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from coppice.adapters.registries.http import HttpClient
from coppice.adapters.registries.repository import Facts, MissingFile, RegistryError, RepositoryFile

ENDPOINT = "https://huggingface.co"
REPOSITORY = re.compile(r"^[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?$")
NEXT_PAGE = re.compile(r'<([^>]+)>;\s*rel="next"')
MOST_PAGES = 20
HINT = "; set HF_TOKEN to a token that may read it"


def hub_client(endpoint: str, token: str | None) -> HttpClient:
    """Requests to a hub with a user's token."""
    return HttpClient(endpoint, f"Bearer {token}" if token else None, HINT)


class HubRepository:
    """One model at one revision; the commit is fixed by the first request and used for all others."""

    def __init__(self, name: str, revision: str, client: HttpClient) -> None:
        if not REPOSITORY.match(name) or ".." in name:
            raise RegistryError(f"'{name}' is no repository of a hub: write owner/name")
        self._name = name
        self._asked = revision
        self._client = client
        self._record: Mapping[str, Any] = {}
        self._files: dict[str, RepositoryFile] = {}

    @property
    def facts(self) -> Facts:
        """The commit, and where its files are."""
        commit = str(self._record.get("sha", self._asked))
        root = f"{self._client.endpoint}/{self._name}"
        page = f"{root}/blob/{commit}/{{}}"
        card = self._record.get("cardData") or {}
        return Facts(self._name, commit, f"{root}/resolve/{commit}", page, card, page.format("README.md"))

    async def files(self) -> list[RepositoryFile]:
        """Every file of the commit."""
        path = f"api/models/{self._name}/revision/{quote(self._asked, safe='')}"
        record, _ = await self._client.json(path)
        if not isinstance(record, dict) or not isinstance(record.get("sha"), str):
            raise RegistryError(f"{self._client.endpoint}/{path} is no record of a model")
        self._record = record
        self._files = {file.name: file for file in [_file(entry) for entry in await self._tree()]}
        return sorted(self._files.values(), key=lambda file: file.name)

    async def read(self, name: str) -> bytes:
        """A small file, compared with the size and the git object that the tree names."""
        data = await self._client.read(self._address(name))
        file = self._files.get(name)
        if file and file.size_bytes is not None and len(data) != file.size_bytes:
            raise RegistryError(f"{self._name}/{name}: {len(data)} bytes came, {file.size_bytes} are expected")
        if file and file.git_oid and _git_oid(data) != file.git_oid:
            raise RegistryError(f"{self._name}/{name}: not the file that commit {self.facts.revision} holds")
        return data

    async def read_range(self, name: str, start: int, length: int) -> bytes:
        """A part of a file, from wherever the hub keeps it."""
        return await self._client.read_range(self._address(name), start, length)

    async def digest(self, name: str) -> tuple[str, int]:
        """sha256 and size of a file."""
        return await self._client.digest(self._address(name))

    async def license_of(self, other: str) -> str | None:
        """The licence that another model's card states."""
        if not REPOSITORY.match(other) or ".." in other:
            return None
        try:
            record, _ = await self._client.json(f"api/models/{other}")
        except RegistryError:
            return None
        card = (record.get("cardData") or {}) if isinstance(record, dict) else {}
        found = card.get("license_name") if card.get("license") == "other" else card.get("license")
        return found if isinstance(found, str) else None

    async def _tree(self) -> list[Mapping[str, Any]]:
        address = f"api/models/{self._name}/tree/{self._record['sha']}?recursive=true"
        entries: list[Mapping[str, Any]] = []
        for _ in range(MOST_PAGES):
            page, headers = await self._client.json(address)
            entries += [entry for entry in page if entry.get("type") == "file"]
            more = NEXT_PAGE.search(headers.get("Link", ""))
            if more is None:
                return entries
            address = more.group(1)
        raise RegistryError(f"{self._name} has more than {len(entries)} files; import a directory with its model alone")

    def _address(self, name: str) -> str:
        if self._files and name not in self._files:
            raise MissingFile(f"{self._name} has no {name}")
        return f"{self._name}/resolve/{self.facts.revision}/{quote(name)}"


def _file(entry: Mapping[str, Any]) -> RepositoryFile:
    large = entry.get("lfs")
    if isinstance(large, dict):
        return RepositoryFile(entry["path"], large.get("size", entry.get("size")), f"sha256:{large['oid']}")
    return RepositoryFile(entry["path"], entry.get("size"), git_oid=entry.get("oid"))


def _git_oid(data: bytes) -> str:
    """The name that git gives a blob."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
