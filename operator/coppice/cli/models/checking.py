"""Whether a registration keeps the catalogue's rules: pinned files, known licence, sources, limits told.

An error is something jobs would stumble over; a warning is something they would not know. Both are sentences that
name the field.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from coppice.api.basemodel import BaseModelObject, BaseModelSpec
from coppice.api.vocabulary import Distribution
from coppice.planning.domains import DOMAINS
from coppice.planning.licenses import Use
from coppice.planning.network import network_of
from coppice.planning.obligations import chain_verdict
from coppice.planning.tasks import TASKS
from coppice.planning.terms import identifier

STUDYING = Use(commercial=False, distribution=Distribution.INTERNAL)
"""The mildest use there is: what it is refused for, everything is refused for."""
FIGURES = frozenset({
    "embeddingParameters", "layers", "hiddenSize", "activeParameters", "intermediateSize", "attentionHeads",
    "keyValueHeads", "vocabularySize", "dtype", "maxSequenceLength", "imageSize", "forwardFlopsPerExample",
    "parameters",
})  # fmt: skip
"""Figures of an architecture, each of which needs a reference."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (error) or missing (warning) in a model's registration."""

    model: str
    error: bool
    sentence: str


def findings(model: BaseModelObject) -> list[Finding]:
    """Everything to say about one registration, errors first."""
    spec, name = model.spec, model.metadata.name
    errors = [*_of_files(spec), *_of_license(spec), *_of_use(spec)]
    warnings = [*_of_words(spec), *_of_sources(spec)]
    return [Finding(name, True, text) for text in errors] + [Finding(name, False, text) for text in warnings]


def duplicates(models: Sequence[BaseModelObject]) -> list[Finding]:
    """Two registrations of one name in a scope, or of the same files."""
    found, seen = [], dict[tuple[str | None, str], str]()
    for model in models:
        place, name = model.metadata.namespace, model.metadata.name
        for key in ((place, f"name {name}"), (place, f"spec.source.uri {model.spec.source.uri}")):
            if key in seen:
                found.append(Finding(name, True, f"{key[1]} is registered twice (also {seen[key]})"))
            seen[key] = name
    return found


def _of_files(spec: BaseModelSpec) -> Iterable[str]:
    if spec.architecture.trust_remote_code:
        yield "spec.architecture.trustRemoteCode: a model with code of its own is never used"
    if not any(file.name.endswith(".safetensors") for file in spec.source.files):
        yield "spec.source.files: no .safetensors among them"
    missing = [file.name for file in spec.source.files if file.digest is None]
    if missing:
        yield f"spec.source.files: {', '.join(missing)} without digest; `coppice models pin` records them"


def _of_license(spec: BaseModelSpec) -> Iterable[str]:
    verdict = chain_verdict(spec, STUDYING)
    for name in verdict.unknown:
        yield f"spec.license: {identifier(name)} is not in the table of licences; jobs need a policy that lists it"
    if verdict.refusal and not verdict.unknown:
        yield f"spec.license: {verdict.refusal}, whatever the use"


def _of_use(spec: BaseModelSpec) -> Iterable[str]:
    network = network_of(spec.architecture)
    if network.forward_flops_per_example is None and not (spec.modality == "text" and network.is_transformer):
        wanted = "layers and hiddenSize" if spec.modality == "text" else "forwardFlopsPerExample"
        yield f"spec.architecture: {wanted} missing, without which no job can estimate it"
    if not set(spec.tasks) & set(TASKS):
        yield f"spec.tasks: none of {', '.join(spec.tasks)} is a task that Coppice knows"


def _of_words(spec: BaseModelSpec) -> Iterable[str]:
    if not spec.limitations:
        yield "spec.limitations: none told; every model has limits, and a policy may ask users to accept them"
    strange = [domain for domain in (*spec.domains, *spec.excluded_domains) if domain not in DOMAINS]
    if strange:
        yield f"spec.domains: {', '.join(strange)} not in the tree of domains, so no evidence for any job"
    if spec.modality == "text" and not spec.languages:
        yield "spec.languages: none told"
    if spec.pretraining is not None and not spec.pretraining.source:
        yield "spec.pretraining: figures without source"


def _of_sources(spec: BaseModelSpec) -> Iterable[str]:
    """A model that a job made vouches for itself by its lineage."""
    if spec.lineage is not None and spec.lineage.job:
        return
    if not spec.references:
        yield "spec.references: no figure has a source"
        return
    missing = [field for field in needing_a_source(spec) if field not in sourced(spec)]
    if missing:
        yield f"spec.references: no source for {', '.join(missing)}"
    for reference in spec.references:
        if not reference.url.startswith("https://") or not _is_day(reference.retrieved):
            yield f"spec.references: {reference.url} needs https:// and the day it was read, as 2026-05-17"


def needing_a_source(spec: BaseModelSpec) -> list[str]:
    """Fields of spec that hold what somebody must have read somewhere."""
    stated = spec.architecture.model_dump(by_alias=True, exclude_none=True)
    figures = [f"architecture.{name}" for name in stated if name in FIGURES]
    own = [("languages", spec.languages), ("headLabels", spec.head_labels)]
    digests = any(file.digest for file in spec.source.files)
    extra = [name for name, value in own if value] + (["source.files"] if digests else [])
    return ["license", *figures, *extra, *(["pretraining"] if spec.pretraining else [])]


def sourced(spec: BaseModelSpec) -> set[str]:
    """Fields that some reference vouches for."""
    return {field for reference in spec.references for field in reference.fields}


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False
