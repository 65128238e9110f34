"""A BaseModel from what a repository holds: card, configuration, headers of the weights, digests.

Every figure is read from the model's own files and carries their address; what none of them states is left out and
told as a remark, because a person must add it: a model without limitations or with an unknown licence is of no use.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from coppice.adapters.registries.repository import Facts, MissingFile, Repository, RepositoryFile
from coppice.api.basemodel import Architecture, BaseModelSpec, Lineage, ModelFile, Reference, Source
from coppice.cli.errors import UsageError
from coppice.cli.models import card as cards
from coppice.cli.models import selection, shape
from coppice.cli.models.tensors import LENGTH_BYTES, Weights, header_length, tensors_of, weights_of
from coppice.planning.licenses import UNKNOWN
from coppice.planning.tasks import TASKS

HEADER_GUESS = 256 * 1024
"""Bytes asked for at first: enough for the headers of most models, so that one request does."""
CONFIG = "config.json"
README = "README.md"


@dataclass(frozen=True)
class Described:
    """A model, ready to be registered, and what a person must still look at."""

    name: str
    spec: BaseModelSpec
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Read:
    """What was read of a repository."""

    facts: Facts
    card: cards.Card
    config: shape.Config
    weights: Weights
    weight_files: tuple[str, ...]
    files: tuple[ModelFile, ...]
    base_license: str | None


async def describe(repository: Repository, *, uri: str, license_expression: str, today: date) -> Described:
    """The model in a repository. `uri` and `license_expression` replace what the repository says, where set.

    Raises UsageError for what Coppice would never use, RegistryError where the registry does not answer.
    """
    read = await read_model(repository)
    where = (uri or read.facts.uri).rstrip("/")
    if not where.startswith(("https://", "pvc://", "file://")):
        raise UsageError(
            "say where jobs find the files, with --source-uri pvc://CLAIM/PATH, file:///PATH or https://HOST/PATH"
            + (f" (not {where})" if where else "")
        )
    stated = license_expression or cards.expression(read.card.get("license"), read.card.get("license_name"))
    spec = _spec(read, where, stated, today)
    return Described(object_name(read.facts.name), spec, tuple(_remarks(read, spec)))


async def read_model(repository: Repository) -> Read:
    """Everything that describes a model, without its weights."""
    files = await repository.files()
    facts = repository.facts
    names = {file.name for file in files}
    if CONFIG not in names:
        raise UsageError(f"{facts.name} has no {CONFIG}: it is no model of the transformers library")
    config = _json(await repository.read(CONFIG), f"{facts.name}/{CONFIG}")
    shape.refuse_remote_code(config, f"{facts.name}/{CONFIG}")
    weight_files = await _weight_files(repository, files)
    shard_sizes = {file.name: file.size_bytes for file in files}
    tensors: list[tuple[str, Mapping[str, Any]]] = []
    for name in weight_files:
        if name.endswith(".safetensors"):
            tensors += (await read_header(repository, name, shard_sizes[name])).items()
    card = {**cards.front_matter(await _or_nothing(repository, README)), **facts.card}
    kept = [await pinned(repository, file) for file in selection.listed(files, weight_files, facts.name)]
    base = [await repository.license_of(name) for name in cards.bases(card)]
    base_license = cards.expression([each or UNKNOWN for each in base]) if base else None
    return Read(facts, card, config, weights_of(tensors), tuple(weight_files), tuple(kept), base_license)


async def read_header(repository: Repository, name: str, size_bytes: int | None) -> Mapping[str, Mapping[str, Any]]:
    """The tensors of one safetensors file, by one or two ranges of it."""
    start = await repository.read_range(name, 0, HEADER_GUESS)
    length = header_length(start[:LENGTH_BYTES], name)
    header = start[LENGTH_BYTES:]
    if len(header) < length and len(start) == HEADER_GUESS:
        header = await repository.read_range(name, LENGTH_BYTES, length)
    return tensors_of(header, length, name, size_bytes)


async def pinned(repository: Repository, file: RepositoryFile) -> ModelFile:
    """The file with its digest: as the registry states it, else of its content where it is small."""
    digest, size = file.digest, file.size_bytes
    if digest is None and not file.name.endswith(".safetensors"):
        digest, size = await repository.digest(file.name)
        if file.size_bytes is not None and size != file.size_bytes:
            raise UsageError(f"{file.name}: {size} bytes came, {file.size_bytes} are expected; try again")
    return ModelFile(name=file.name, size_bytes=size, digest=digest)


def object_name(name: str) -> str:
    """A Kubernetes name from the last part of a repository's."""
    plain = re.sub(r"[^a-z0-9.-]+", "-", name.rsplit("/", 1)[-1].lower()).strip("-.")
    return plain[:63].rstrip("-.") or "model"


async def _weight_files(repository: Repository, files: Sequence[RepositoryFile]) -> list[str]:
    name = repository.facts.name
    found = selection.weights(files, name)
    if found == [selection.INDEX]:
        index = await repository.read(selection.INDEX)
        return [selection.INDEX, *selection.shards(index, {file.name for file in files}, name)]
    return found


async def _or_nothing(repository: Repository, name: str) -> bytes:
    try:
        return await repository.read(name)
    except MissingFile:
        return b""


def _json(data: bytes, name: str) -> shape.Config:
    try:
        parsed = json.loads(data)
    except ValueError as error:
        raise UsageError(f"{name} is not JSON") from error
    if not isinstance(parsed, dict):
        raise UsageError(f"{name} is no JSON object")
    return parsed


def _spec(read: Read, uri: str, license_expression: str, today: date) -> BaseModelSpec:
    tag = cards.pipeline_tag(read.card)
    kind, head = shape.modality(read.config, tag), shape.head(read.config, tag)
    if not head and tag in shape.CLASSIFYING:
        head = tag
    known = [task for task in (tag, head, *shape.NEW_HEADS[kind]) if task in TASKS]
    page = read.facts.card_page or read.facts.uri
    return BaseModelSpec(
        description=f"Imported from {read.facts.name}{_at(read.facts.revision)} on {today.isoformat()}.",
        source=Source(uri=uri, revision=read.facts.revision[:128], files=list(read.files)),
        license=license_expression,
        tasks=list(dict.fromkeys(known)),
        head=head,
        head_labels=shape.labels(read.config, head),
        modality=kind,
        languages=cards.languages(read.card),
        architecture=_architecture(read),
        lineage=Lineage(base_license=read.base_license[:128]) if read.base_license else None,
        pretraining=cards.footprint(read.card, page),
        references=_references(read, today),
    )


def _architecture(read: Read) -> Architecture:
    share = shape.active_share(read.config)
    weights, active = read.weights, None
    if share is not None and weights.expert_parameters:
        active = weights.parameters - round(weights.expert_parameters * (1 - share))
    return Architecture(
        family=shape.family(read.config),
        parameters=weights.parameters,
        embedding_parameters=weights.embedding_parameters or None,
        active_parameters=active,
        dtype=weights.dtype,
        **shape.sizes(read.config),
    )


def _references(read: Read, today: date) -> list[Reference]:
    """Where each group of figures was read; a directory has no address to give."""
    if not read.facts.page:
        return []
    sizes = sorted({"family", *shape.sizes(read.config)})
    counted = ["parameters", "embeddingParameters", "activeParameters", "dtype"]
    groups = {
        README: ["license", "languages", "tasks", "pretraining"],
        CONFIG: [f"architecture.{_camel(name)}" for name in sizes] + ["head", "headLabels", "modality"],
        read.weight_files[-1]: [f"architecture.{name}" for name in counted] + ["source.files"],
    }
    pages = [(read.facts.page.format(name), fields) for name, fields in groups.items()]
    return [Reference(fields=fields, url=url, retrieved=today.isoformat()) for url, fields in pages]


def _remarks(read: Read, spec: BaseModelSpec) -> list[str]:
    remarks = []
    if not read.card:
        remarks.append("it has no model card: license, tasks, languages and limitations are yours to fill in")
    if UNKNOWN in spec.license:
        remarks.append("its licence is not stated: find out and set spec.license (--license); jobs refuse it till then")
    if spec.lineage is not None:
        base = ", ".join(cards.bases(read.card))
        remarks.append(f"it was made from {base} ({read.base_license}): make sure that you have the whole chain")
    if any(file.digest is None for file in spec.source.files):
        remarks.append("its weights have no digest yet: `coppice models pin` records them")
    remarks.append("spec.limitations and spec.domains are for you to write: no file states them in a form to copy")
    return remarks


def _at(revision: str) -> str:
    return f" at {revision[:12]}" if revision else ""


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
