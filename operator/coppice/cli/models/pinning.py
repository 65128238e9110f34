"""Pinning: the digest and size of every file of a registered model, and a revision that cannot move.

A digest that is already there is compared, never replaced: files that changed under a name are what digests are for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from coppice.adapters.registries.repository import Repository, RepositoryFile
from coppice.api.basemodel import BaseModelObject, ModelFile
from coppice.cli.errors import UsageError
from coppice.cli.models.describing import pinned


@dataclass(frozen=True)
class Pinned:
    """A model's manifest with what was recorded, and the names of the files that have no digest even now."""

    body: dict[str, Any]
    recorded: tuple[str, ...]
    unpinned: tuple[str, ...]


async def pin(body: Mapping[str, Any], model: BaseModelObject, repository: Repository, *, read_weights: bool) -> Pinned:
    """The manifest with every digest that the repository gives.

    `read_weights` reads weights to their end where nobody states their digest. Raises UsageError where a file is
    missing or is not the one that was registered.
    """
    there = {file.name: file for file in await repository.files()}
    name = model.metadata.name
    files = [await _pinned(repository, there, file, name, read_weights) for file in model.spec.source.files]
    before = {file.name: file for file in model.spec.source.files}
    recorded = tuple(file.name for file in files if file.digest and not before[file.name].digest)
    unpinned = tuple(file.name for file in files if not file.digest)
    return Pinned(_with_files(body, repository, files), recorded, unpinned)


async def _pinned(
    repository: Repository, there: Mapping[str, RepositoryFile], file: ModelFile, model: str, read_weights: bool
) -> ModelFile:
    known = there.get(file.name)
    if known is None:
        raise UsageError(f"{model}: {file.name} is not in {repository.facts.name}; remove it from spec.source.files")
    found = await pinned(repository, known)
    if found.digest is None and read_weights:
        digest, size = await repository.digest(file.name)
        found = found.model_copy(update={"digest": digest, "size_bytes": size})
    for field, here, now in (("digest", file.digest, found.digest), ("size", file.size_bytes, found.size_bytes)):
        if here is not None and now is not None and here != now:
            raise UsageError(f"{model}: {file.name} has {field} {now}, not {here}: it is not the file registered")
    kept = {"size_bytes": found.size_bytes or file.size_bytes, "digest": found.digest or file.digest}
    return file.model_copy(update=kept)


def _with_files(body: Mapping[str, Any], repository: Repository, files: list[ModelFile]) -> dict[str, Any]:
    """The manifest with these files, and with the commit in place of a branch."""
    source = {**body["spec"]["source"], "files": [file.wire() for file in files]}
    facts = repository.facts
    if facts.revision and f"/{facts.name}/resolve/" in source["uri"]:
        head, _, rest = source["uri"].partition("/resolve/")
        source["uri"] = "/".join([f"{head}/resolve/{facts.revision}", *rest.split("/")[1:]])
        source["revision"] = facts.revision
    return {**body, "spec": {**body["spec"], "source": source}}


def values_of(done: Iterable[Pinned]) -> str:
    """The chart's value catalogue.pins, which makes models of the shipped catalogue ready."""
    pins = {}
    for each in done:
        source = each.body["spec"]["source"]
        digests = {file["name"]: file["digest"] for file in source["files"] if "digest" in file}
        pins[each.body["metadata"]["name"]] = {"revision": source.get("revision", ""), "digests": digests}
    return str(yaml.safe_dump({"catalogue": {"pins": pins}}, sort_keys=False))
