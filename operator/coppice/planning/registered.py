"""A registered base model as decisions see it, with the kinds that it is of."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from coppice.api.basemodel import BaseModelObject, BaseModelSpec
from coppice.api.meta import BaseModelReference
from coppice.api.vocabulary import BaseModelKind
from coppice.planning.families import LANGUAGE_MODELLING
from coppice.planning.kinds import Kind, kind
from coppice.planning.network import Network, network_of

CLUSTER = ""
"""The scope of ClusterBaseModels; other scopes are namespaces."""


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

    def network(self, task: str) -> Network:
        """Its network with the head that a task puts on it, found out once."""
        modelling = task in LANGUAGE_MODELLING
        found = self._networks.get(modelling)
        if found is None:
            found = self._networks[modelling] = network_of(self.spec.architecture, task)
        return found

    @cached_property
    def _networks(self) -> dict[bool, Network]:
        return {}

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
        """What is read of it beside the figures where it is used as it is: its head, and what it reached."""
        spec = self.spec
        return kind(spec.head, tuple(spec.head_labels), tuple(spec.evaluations))

    @cached_property
    def domains(self) -> Kind:
        """The domains that it is stated to be of."""
        return kind(*self.spec.domains)

    @cached_property
    def traits(self) -> Kind:
        """All that tells models of equal rules apart, but for their names: figures, head, domains."""
        return kind(self.figures, self.head, self.domains)


def registered(model: BaseModelObject, ready: bool, reason: str = "") -> Registered:
    """The catalogue's entry for an object of either kind."""
    kind = BaseModelKind(model.kind)
    namespace = model.metadata.namespace if kind is BaseModelKind.NAMESPACED else None
    return Registered(BaseModelReference(kind=kind, name=model.metadata.name), namespace, model.spec, ready, reason)
