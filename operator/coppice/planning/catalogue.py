"""The catalogue: registered base models, indexed by who can see them and by task.

A decision looks only at models under its task; the others are counted and never touched. Adding or removing one
model copies the small maps that hold it and nothing else, so a catalogue is a value that many decisions share. The
digest is a sum of the entries' own digests (order does not matter), which makes it incremental too.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from coppice.api.basemodel import BaseModelObject, BaseModelSpec
from coppice.api.meta import BaseModelReference
from coppice.api.vocabulary import BaseModelKind
from coppice.planning.kinds import Kind, kind

CLUSTER = ""
"""The scope of ClusterBaseModels; other scopes are namespaces."""
_MODULUS = 2**256


@dataclass(frozen=True)
class Registered:
    """One registered base model. `namespace` is None for a ClusterBaseModel, `reason` says why it is not ready."""

    reference: BaseModelReference
    namespace: str | None
    spec: BaseModelSpec
    ready: bool
    reason: str = ""

    @cached_property
    def key(self) -> str:
        """`ClusterBaseModel/name`, or `BaseModel/name` within its namespace."""
        return f"{self.reference.kind}/{self.reference.name}"

    @property
    def scope(self) -> str:
        """Its namespace, or CLUSTER."""
        return self.namespace or CLUSTER

    @cached_property
    def fingerprint(self) -> int:
        """sha256 of everything a decision reads of it."""
        body = [self.scope, self.key, self.ready, self.reason, self.spec.wire()]
        return int.from_bytes(hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest())

    @cached_property
    def rules(self) -> Kind:
        """What checks of a base model as a whole read of it, but for its name and size."""
        spec, source, lineage = self.spec, self.spec.source, self.spec.lineage
        address = urlsplit(source.uri)
        return kind(
            self.reference.kind,
            self.ready,
            spec.architecture.trust_remote_code,
            all(file.digest is not None for file in source.files),
            any(file.name.endswith(".safetensors") for file in source.files),
            (address.scheme, address.hostname),
            spec.modality,
            tuple(spec.languages),
            tuple(spec.excluded_domains),
            spec.license,
            (lineage.base_license, lineage.dataset_license) if lineage else None,
        )

    @cached_property
    def figures(self) -> Kind:
        """What checks of a method and estimates read of it, but for its name and its head."""
        spec = self.spec
        prices = spec.price_per_job, spec.price_per_month
        return kind(spec.architecture, spec.modality, spec.min_memory, prices, tuple(spec.methods))

    @cached_property
    def head(self) -> Kind:
        """What is read of it where it is used as it is: the figures, its head, and what it reached."""
        spec = self.spec
        return kind(self.figures, spec.head, tuple(spec.head_labels), tuple(spec.evaluations))


@dataclass(frozen=True)
class _Scope:
    """The models of one namespace, or of the cluster."""

    models: Mapping[str, Registered] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, Registered]] = field(default_factory=dict)
    sum: int = 0


@dataclass(frozen=True)
class Catalogue:
    """Registered models by scope and task."""

    _scopes: Mapping[str, _Scope] = field(default_factory=dict)

    @classmethod
    def of(cls, models: Iterable[Registered]) -> "Catalogue":
        """A catalogue of many models at once: each is indexed one time."""
        grouped: dict[str, dict[str, Registered]] = {}
        for model in models:
            grouped.setdefault(model.scope, {})[model.key] = model
        return cls({scope: _indexed(group) for scope, group in grouped.items()})

    def with_model(self, model: Registered) -> "Catalogue":
        """The same catalogue with one model added or replaced."""
        scope = _with(_without(self._scopes.get(model.scope, _Scope()), model.key), model)
        return Catalogue({**self._scopes, model.scope: scope})

    def without(self, reference: BaseModelReference, namespace: str | None) -> "Catalogue":
        """The same catalogue without one model; it need not be there."""
        name = (namespace or CLUSTER) if reference.kind is BaseModelKind.NAMESPACED else CLUSTER
        scope = self._scopes.get(name, _Scope())
        return Catalogue({**self._scopes, name: _without(scope, f"{reference.kind}/{reference.name}")})

    def get(self, reference: BaseModelReference, namespace: str) -> Registered | None:
        """The model that a reference in that namespace means."""
        scope = namespace if reference.kind is BaseModelKind.NAMESPACED else CLUSTER
        return self._scopes.get(scope, _Scope()).models.get(f"{reference.kind}/{reference.name}")

    def visible(self, task: str, namespace: str) -> Iterator[Registered]:
        """Models for the task that jobs of the namespace can see, in no particular order."""
        for scope in (CLUSTER, namespace):
            yield from self._scopes.get(scope, _Scope()).tasks.get(task, {}).values()

    def count(self, namespace: str) -> int:
        """How many models jobs of the namespace can see, for any task."""
        return sum(len(self._scopes.get(scope, _Scope()).models) for scope in (CLUSTER, namespace))

    def __iter__(self) -> Iterator[Registered]:
        for scope in self._scopes.values():
            yield from scope.models.values()

    def __len__(self) -> int:
        return sum(len(scope.models) for scope in self._scopes.values())

    @property
    def digest(self) -> str:
        """`sha256:` of everything registered."""
        return _digest(scope.sum for scope in self._scopes.values())

    def digest_for(self, namespace: str) -> str:
        """`sha256:` of what jobs of the namespace can see: other tenants' models do not change it."""
        return _digest(self._scopes.get(scope, _Scope()).sum for scope in (CLUSTER, namespace))


def registered(model: BaseModelObject, ready: bool, reason: str = "") -> Registered:
    """The catalogue's entry for an object of either kind."""
    kind = BaseModelKind(model.kind)
    namespace = model.metadata.namespace if kind is BaseModelKind.NAMESPACED else None
    return Registered(BaseModelReference(kind=kind, name=model.metadata.name), namespace, model.spec, ready, reason)


def _indexed(models: Mapping[str, Registered]) -> _Scope:
    tasks: dict[str, dict[str, Registered]] = {}
    for key, model in models.items():
        for task in model.spec.tasks:
            tasks.setdefault(task, {})[key] = model
    return _Scope(models, tasks, sum(model.fingerprint for model in models.values()) % _MODULUS)


def _with(scope: _Scope, model: Registered) -> _Scope:
    tasks = {task: {**scope.tasks.get(task, {}), model.key: model} for task in model.spec.tasks}
    total = (scope.sum + model.fingerprint) % _MODULUS
    return _Scope({**scope.models, model.key: model}, {**scope.tasks, **tasks}, total)


def _without(scope: _Scope, key: str) -> _Scope:
    gone = scope.models.get(key)
    if gone is None:
        return scope
    tasks = {task: _but(scope.tasks[task], key) for task in gone.spec.tasks}
    return _Scope(_but(scope.models, key), {**scope.tasks, **tasks}, (scope.sum - gone.fingerprint) % _MODULUS)


def _but(models: Mapping[str, Registered], key: str) -> dict[str, Registered]:
    return {other: model for other, model in models.items() if other != key}


def _digest(sums: Iterable[int]) -> str:
    return f"sha256:{sum(sums) % _MODULUS:064x}"
