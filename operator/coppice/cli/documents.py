"""Manifests from files, read strictly: a misspelt field is an error here, where somebody can still mend it."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import ValidationError

from coppice.api.base import GROUP, Model
from coppice.api.basemodel import BaseModelObject, ClusterBaseModel
from coppice.api.computeprofile import ComputeProfile
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingpolicy import TrainingPolicy, TrainingPolicySpec
from coppice.api.trainingreport import TrainingReport
from coppice.cli.errors import UsageError
from coppice.cli.head import misnamed
from coppice.cli.rules import broken, stored

MODELS: dict[str, type[Model]] = {
    "TrainingJob": TrainingJob,
    "BaseModel": BaseModelObject,
    "ClusterBaseModel": ClusterBaseModel,
    "ComputeProfile": ComputeProfile,
    "TrainingPolicy": TrainingPolicy,
    "TrainingReport": TrainingReport,
}
SUFFIXES = {".yaml", ".yml", ".json"}
TIMESTAMP = "tag:yaml.org,2002:timestamp"


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The loader in C where PyYAML was built with it: ten times as fast, which a directory of thousands feels.

    What looks like a date stays text, as for Kubernetes.
    """

    yaml_implicit_resolvers: ClassVar = {
        first: [one for one in resolvers if one[0] != TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def bodies(path: Path) -> Iterator[dict[str, Any]]:
    """Every object in a file, in a directory's files (recursively), or on standard input for `-`."""
    if str(path) == "-":
        yield from _objects("standard input", sys.stdin.read())
        return
    if not path.exists():
        raise UsageError(f"{path} does not exist")
    files = sorted(item for item in path.rglob("*") if item.suffix in SUFFIXES) if path.is_dir() else [path]
    for file in files:
        yield from _objects(str(file), file.read_text())


def jobs(path: Path, namespace: str | None) -> list[TrainingJob]:
    """The TrainingJobs of a file; those without a namespace get the one given, else `default`."""
    found = []
    for body in bodies(path):
        if body.get("kind") == "TrainingJob":
            metadata = body.setdefault("metadata", {})
            metadata["namespace"] = namespace or metadata.get("namespace") or "default"
            found.append(strictly(TrainingJob, body, str(path)))
    if not found:
        raise UsageError(f"{path} holds no TrainingJob")
    return found


M = TypeVar("M", bound=Model)


def strictly(model: type[M], body: dict[str, Any], where: str) -> M:
    """The object, or a sentence for each field that is wrong."""
    body = stored(model, body)
    metadata = {key: value for key, value in (body.get("metadata") or {}).items() if key in KNOWN_METADATA}
    known = {**body, "metadata": metadata} if "metadata" in body else body
    wrong = [*(misnamed(body) if "kind" in body else ()), *broken(model, body)]
    told = {path for path, _ in wrong}
    try:
        valid = model.model_validate(known, extra="forbid")
    except ValidationError as error:
        each = ((".".join(map(str, item["loc"])), item["msg"]) for item in error.errors())
        wrong += [(path, why) for path, why in each if path not in told]
    if not wrong:
        return valid
    name = metadata.get("name", "?")
    what = f"{body['kind']} {name}" if "kind" in body else f"the spec of a {model.__name__.removesuffix('Spec')}"
    sentences = (f"{path}: {why}" if path else why for path, why in wrong)
    raise UsageError("\n  ".join((f"{where}: {what} is not valid:", *sentences)))


def policy_spec(path: Path, option: str) -> TrainingPolicySpec:
    """The spec of a TrainingPolicy, from a file that holds it alone or a whole manifest; `option` is what was typed."""
    if not path.is_file():
        raise UsageError(f"{option}: there is no such file")
    try:
        body = yaml.load(path.read_text(), Loader) or {}  # noqa: S506 - a safe one
    except yaml.YAMLError as error:
        raise UsageError(f"{option} is not YAML: {error}") from error
    if isinstance(body, dict) and body.get("kind") == "TrainingPolicy":
        return strictly(TrainingPolicy, body, str(path)).spec
    if not isinstance(body, dict):
        raise UsageError(f"{option} holds no TrainingPolicy and no spec of one")
    return strictly(TrainingPolicySpec, body, str(path))


KNOWN_METADATA = {"name", "namespace", "uid", "generation", "creationTimestamp", "labels", "annotations"}


def objects(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Every object of our kinds, and Namespaces, below some paths."""
    wanted = {*MODELS, "Namespace"}
    return [body for path in paths for body in bodies(path) if body.get("kind") in wanted]


def _objects(where: str, text: str) -> Iterator[dict[str, Any]]:
    try:
        documents = list(yaml.load_all(text, Loader))
    except yaml.YAMLError as error:
        raise UsageError(f"{where} is not YAML: {error}") from error
    for document in documents:
        if not isinstance(document, dict):
            continue
        if document.get("kind", "").endswith("List") and "items" in document:
            yield from document["items"]
        elif str(document.get("apiVersion", "")).startswith(GROUP) or document.get("kind") == "Namespace":
            yield document
