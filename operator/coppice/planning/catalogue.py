"""The catalogue: registered base models, indexed by who can see them, by task, and by what checks read of them.

A decision looks only at the shelf of its task; the other models are counted and never touched. Adding or removing one
model copies the small maps that hold it and nothing else, so a catalogue is a value that many decisions share. The
digest is a sum of the entries' own digests (order does not matter), which makes it incremental too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from coppice.api.meta import BaseModelReference
from coppice.api.vocabulary import BaseModelKind
from coppice.planning.registered import CLUSTER, Registered, registered
from coppice.planning.shelf import Shelf, shelved, with_model, without

__all__ = ["CLUSTER", "Catalogue", "Registered", "registered"]

_MODULUS = 2**256


@dataclass(frozen=True)
class _Scope:
    """The models of one namespace, or of the cluster."""

    models: Mapping[str, Registered] = field(default_factory=dict)
    tasks: Mapping[str, Shelf] = field(default_factory=dict)
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

    def shelves(self, task: str, namespace: str) -> Iterator[Shelf]:
        """The models for the task that jobs of the namespace can see: the cluster's and its own."""
        for scope in (CLUSTER, namespace):
            yield self._scopes.get(scope, _Scope()).tasks.get(task, {})

    def visible(self, task: str, namespace: str) -> Iterator[Registered]:
        """Models for the task that jobs of the namespace can see, in no particular order."""
        for shelf in self.shelves(task, namespace):
            for bay in shelf.values():
                yield from bay

    def named(self, key: str, namespace: str) -> Registered | None:
        """The model of that key that jobs of the namespace can see."""
        found = (self._scopes.get(scope, _Scope()).models.get(key) for scope in (CLUSTER, namespace))
        return next((model for model in found if model), None)

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


def _indexed(models: Mapping[str, Registered]) -> _Scope:
    tasks: dict[str, list[Registered]] = {}
    for model in models.values():
        for task in dict.fromkeys(model.spec.tasks):
            tasks.setdefault(task, []).append(model)
    total = sum(model.fingerprint for model in models.values()) % _MODULUS
    return _Scope(models, {task: shelved(serving) for task, serving in tasks.items()}, total)


def _with(scope: _Scope, model: Registered) -> _Scope:
    tasks = {task: with_model(scope.tasks.get(task, {}), model) for task in model.spec.tasks}
    total = (scope.sum + model.fingerprint) % _MODULUS
    return _Scope({**scope.models, model.key: model}, {**scope.tasks, **tasks}, total)


def _without(scope: _Scope, key: str) -> _Scope:
    gone = scope.models.get(key)
    if gone is None:
        return scope
    tasks = {task: without(scope.tasks[task], gone) for task in gone.spec.tasks}
    return _Scope(_but(scope.models, key), {**scope.tasks, **tasks}, (scope.sum - gone.fingerprint) % _MODULUS)


def _but(models: Mapping[str, Registered], key: str) -> dict[str, Registered]:
    return {other: model for other, model in models.items() if other != key}


def _digest(sums: Iterable[int]) -> str:
    return f"sha256:{sum(sums) % _MODULUS:064x}"
