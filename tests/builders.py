"""Fluent builders of the kinds: each starts as a valid object, so that a test names only what it is about.

A builder never changes: every call returns a new one, so a half-built object can be shared between tests. `build()`
gives the pydantic model, `body()` the JSON object that the API server would hold. Any field without a method of its
own is reached by `.set("spec.maxAttempts", 1)`.
"""

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Generic, Self, TypeVar, cast

from coppice.api.base import API_VERSION
from coppice.api.base import Model as ApiModel
from coppice.api.basemodel import BaseModelObject, ClusterBaseModel
from coppice.api.computeprofile import ComputeProfile
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingpolicy import TrainingPolicy
from coppice.api.trainingreport import TrainingReport

Kind = TypeVar("Kind", bound=ApiModel)

SMALL_BERT = {"model_type": "bert", "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4}
SMALL_BERT |= {"intermediate_size": 1024, "vocab_size": 30522}


def digest(text: str) -> str:
    """A sha256 in the API's form, made from a text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class Builder(Generic[Kind]):
    """A JSON object on its way to become a model."""

    def __init__(self, model: type[Kind], body: Mapping[str, Any]) -> None:
        self._model = model
        self._body = body

    def set(self, path: str, value: Any) -> Self:
        """The same object with the value at a dotted camelCase path replaced; None removes it."""
        body = cast(dict[str, Any], deepcopy(self._body))
        *parents, last = path.split(".")
        target = body
        for parent in parents:
            target = target.setdefault(parent, {})
        if value is None:
            target.pop(last, None)
        else:
            target[last] = value
        return type(self)(self._model, body)

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a dotted camelCase path."""
        value: Any = self._body
        for part in path.split("."):
            if not isinstance(value, Mapping) or part not in value:
                return default
            value = value[part]
        return value

    def update(self, path: str, values: Mapping[str, Any]) -> Self:
        """The same object with some keys of the mapping at a path replaced."""
        return self.set(path, {**(self.get(path) or {}), **values})

    def build(self) -> Kind:
        """The model."""
        return self._model.model_validate(self._body)

    def body(self) -> dict[str, Any]:
        """The JSON object."""
        return cast(dict[str, Any], deepcopy(self._body))

    def named(self, name: str) -> Self:
        """Another metadata.name, with a uid of its own."""
        return self.update("metadata", {"name": name, "uid": _uid(name)})

    def label(self, **labels: str) -> Self:
        """Further metadata.labels."""
        return self.update("metadata.labels", labels)


class JobBuilder(Builder[TrainingJob]):
    """A TrainingJob."""

    def namespace(self, namespace: str) -> Self:
        return self.set("metadata.namespace", namespace)

    def task(self, task: str) -> Self:
        return self.set("spec.task", task)

    def domains(self, *domains: str) -> Self:
        return self.set("spec.domains", list(domains))

    def languages(self, *languages: str) -> Self:
        return self.set("spec.languages", list(languages))

    def dataset(self, **fields: Any) -> Self:
        """Further dataset fields, camelCase: `.dataset(examples=100, license="mit")`."""
        return self.update("spec.dataset", fields)

    def target(self, target: str | None, metric: str = "Accuracy") -> Self:
        return self.set("spec.objective.target", target).set("spec.objective.metric", metric)

    def on_miss(self, on_miss: str) -> Self:
        return self.set("spec.objective.onMiss", on_miss)

    def scratch(self, epochs: int = 10, **config: Any) -> Self:
        """A plan from scratch: a four-layer BERT of width 256 unless the configuration says otherwise."""
        return self.set("spec.fromScratch", {"config": {**SMALL_BERT, **config}, "epochs": epochs})

    def no_scratch(self) -> Self:
        return self.set("spec.fromScratch", None)

    def mode(self, mode: str) -> Self:
        return self.set("spec.substitution.mode", mode)

    def methods(self, *methods: str) -> Self:
        return self.set("spec.substitution.methods", list(methods))

    def base_models(self, *names: str, kind: str = "ClusterBaseModel") -> Self:
        return self.set("spec.substitution.baseModels", [{"kind": kind, "name": name} for name in names])

    def optimize_for(self, unit: str) -> Self:
        return self.set("spec.substitution.optimizeFor", unit)

    def use(self, commercial: bool = True, distribution: str = "Distributed") -> Self:
        return self.set("spec.use", {"commercial": commercial, "distribution": distribution})

    def limits(self, **limits: int) -> Self:
        """`.limits(energyWattHours=5000, carbonGrams=2000, runSeconds=7200)`."""
        return self.set("spec.limits", limits)

    def max_attempts(self, count: int) -> Self:
        return self.set("spec.maxAttempts", count)

    def resources(self, **resources: Any) -> Self:
        return self.update("spec.resources", resources)

    def hyperparameters(self, **values: Any) -> Self:
        return self.update("spec.trainer.hyperparameters", values)

    def container(self, image: str = "registry.example/trainer:1", **fields: Any) -> Self:
        """A container of the user's own."""
        return self.set("spec.trainer.container", {"image": image, **fields})

    def template(self, **pod_spec: Any) -> Self:
        """A pod template of the user's own."""
        containers = [{"name": "trainer", "image": "registry.example/trainer:1"}]
        return self.set("spec.trainer.template", {"spec": {"containers": containers, **pod_spec}})

    def register(self, name: str) -> Self:
        return self.set("spec.register", {"name": name})

    def acknowledge(self, *strings: str) -> Self:
        return self.set("spec.acknowledge", list(strings))

    def queue(self, name: str) -> Self:
        return self.set("spec.scheduling.queueName", name)

    def suspended(self, suspended: bool = True) -> Self:
        return self.set("spec.suspend", suspended)


class ModelBuilder(Builder[BaseModelObject]):
    """A ClusterBaseModel, or a BaseModel after `.namespaced(...)`."""

    def namespaced(self, namespace: str) -> Self:
        body = {**self.body(), "kind": "BaseModel"}
        return type(self)(BaseModelObject, body).set("metadata.namespace", namespace)

    def tasks(self, *tasks: str) -> Self:
        return self.set("spec.tasks", list(tasks))

    def head(self, task: str, *labels: str) -> Self:
        """A trained head for a task."""
        return self.set("spec.head", task).set("spec.headLabels", list(labels))

    def modality(self, modality: str) -> Self:
        return self.set("spec.modality", modality)

    def domains(self, *domains: str) -> Self:
        return self.set("spec.domains", list(domains))

    def excluded_domains(self, *domains: str) -> Self:
        return self.set("spec.excludedDomains", list(domains))

    def languages(self, *languages: str) -> Self:
        return self.set("spec.languages", list(languages))

    def license(self, expression: str) -> Self:
        return self.set("spec.license", expression)

    def lineage(self, **fields: Any) -> Self:
        return self.set("spec.lineage", fields)

    def limitations(self, *sentences: str) -> Self:
        return self.set("spec.limitations", list(sentences))

    def methods(self, *methods: str) -> Self:
        return self.set("spec.methods", list(methods))

    def architecture(self, **figures: Any) -> Self:
        """Other architecture figures, camelCase; None removes one."""
        values = {**self.get("spec.architecture"), **figures}
        return self.set("spec.architecture", {key: value for key, value in values.items() if value is not None})

    def evaluation(self, task: str, value: str, metric: str = "Accuracy", dataset: str = "public", **f: Any) -> Self:
        """One more recorded evaluation."""
        record = {"task": task, "dataset": dataset, "metric": metric, "value": value, **f}
        return self.set("spec.evaluations", [*self.get("spec.evaluations", []), record])

    def source(self, uri: str) -> Self:
        return self.set("spec.source.uri", uri)

    def files(self, *names: str, pinned: bool = True) -> Self:
        """These files, each with a digest unless `pinned` is false."""
        return self.set("spec.source.files", [_file(name, pinned) for name in names])

    def not_ready(self, reason: str = "SourceMissing") -> Self:
        return self._ready("False", reason)

    def ready(self) -> Self:
        return self._ready("True", "Ready")

    def _ready(self, status: str, reason: str) -> Self:
        moment = "2026-01-01T00:00:00Z"
        condition = {"type": "Ready", "status": status, "reason": reason, "lastTransitionTime": moment}
        return self.set("status", {"conditions": [condition]})


class ProfileBuilder(Builder[ComputeProfile]):
    """A ComputeProfile of CPU nodes, or of accelerator nodes after `.accelerator(...)`."""

    def host(self, **fields: Any) -> Self:
        return self.update("spec.host", fields)

    def accelerator(self, **fields: Any) -> Self:
        """An H100 node, with other figures where named (camelCase)."""
        return self.set("spec.accelerator", {**H100, **fields}).set("spec.host", H100_HOST)

    def zone(self, zone: str) -> Self:
        return self.set("spec.zone", zone)

    def pue(self, pue: str) -> Self:
        return self.set("spec.pue", pue)

    def price(self, per_hour: str) -> Self:
        return self.set("spec.pricePerHour", per_hour)


class PolicyBuilder(Builder[TrainingPolicy]):
    """A TrainingPolicy that selects every namespace and restricts nothing."""

    def selecting(self, **labels: str) -> Self:
        return self.set("spec.namespaceSelector", {"matchLabels": labels})

    def defaults(self, **fields: Any) -> Self:
        return self.update("spec.defaults", fields)

    def methods(self, *methods: str) -> Self:
        return self.set("spec.methods", list(methods))

    def scopes(self, *kinds: str) -> Self:
        return self.set("spec.baseModelScopes", list(kinds))

    def allow_licenses(self, *licenses: str) -> Self:
        return self.set("spec.licenses.allow", list(licenses))

    def deny_licenses(self, *licenses: str) -> Self:
        return self.set("spec.licenses.deny", list(licenses))

    def hosts(self, *hosts: str) -> Self:
        return self.set("spec.sources.hosts", list(hosts))

    def networks(self, *networks: str) -> Self:
        return self.set("spec.sources.allowedNetworks", list(networks))

    def use(self, **fields: Any) -> Self:
        return self.set("spec.use", fields)

    def max_parameters(self, count: int) -> Self:
        return self.set("spec.maxParameters", count)

    def minimum_saving(self, percent: int) -> Self:
        return self.set("spec.minimumSavingPercent", percent)

    def sufficient_chance(self, chance: str) -> Self:
        return self.set("spec.sufficientChance", chance)

    def require_acknowledgement(self) -> Self:
        return self.set("spec.requireAcknowledgement", True)

    def allow_register(self) -> Self:
        return self.set("spec.allowRegister", True)

    def budget(self, **amounts: Any) -> Self:
        return self.set("spec.monthlyBudget", amounts)

    def approval_above(self, **amounts: Any) -> Self:
        return self.set("spec.approvalAbove", amounts)

    def scratch_approval_above(self, **amounts: Any) -> Self:
        return self.set("spec.scratch.approvalAbove", amounts)

    def justification_above(self, **amounts: Any) -> Self:
        return self.set("spec.scratch.justificationAbove", amounts)


class ReportBuilder(Builder[TrainingReport]):
    """A TrainingReport of a finished job."""

    def namespace(self, namespace: str) -> Self:
        return self.set("metadata.namespace", namespace)

    def of(self, job: TrainingJob) -> Self:
        """The report of this job, with its request and, where it was one, marked as a control."""
        builder = self.set("spec.request", job.spec.wire()).namespace(job.metadata.namespace or "")
        never = bool(job.spec.substitution and job.spec.substitution.mode == "Never")
        return builder.set("spec.job", job.metadata.name).set("spec.control", never)

    def fingerprint(self, value: str) -> Self:
        return self.set("spec.fingerprint", value)

    def control(self, control: bool = True) -> Self:
        return self.set("spec.control", control)

    def attempt(self, method: str, outcome: str, base: str | None = None, **fields: Any) -> Self:
        """One more attempt: `.attempt("LinearProbe", "Met", "all-minilm-l6-v2", quality="0.96")`."""
        attempts = self.get("spec.attempts", [])
        reference = {"kind": "ClusterBaseModel", "name": base} if base else None
        attempt = {"number": len(attempts) + 1, "kind": "Train", "method": method, "outcome": outcome}
        attempt |= {"child": {"kind": "Job", "name": "child"}, "profile": "cpu-generic", "evidence": "Evaluated"}
        attempt |= {"baseModel": reference} if reference else {}
        return self.set("spec.attempts", [*attempts, {**attempt, **fields}])

    def result(self, quality: str | None, met: bool | None, evidence: str = "Evaluated") -> Self:
        result = {"attempt": 1, "quality": quality, "met": met, "evidence": evidence}
        builder = self.set("spec.result", {key: value for key, value in result.items() if value is not None})
        return builder.set("spec.succeeded", met is not False).set(
            "spec.state", "ObjectiveMissed" if met is False else "ObjectiveMet"
        )

    def totals(self, energy_joules: str, operational_grams: str, embodied_grams: str = "0", **fields: Any) -> Self:
        totals = {"energyJoules": energy_joules, "coverage": "0", "runSeconds": 60}
        totals |= {"operationalGrams": operational_grams, "embodiedGrams": embodied_grams}
        return self.set("spec.totals", {**totals, **fields})


def make_job(name: str = "newswire-topics", namespace: str = "research") -> JobBuilder:
    """An English newswire classification of 5,485 examples with an accuracy target of 0.95 and no scratch plan."""
    dataset: dict[str, Any] = {
        "uri": "pvc://corpora/r8/train.parquet",
        "evaluationURI": "pvc://corpora/r8/test.parquet",
    }
    dataset |= {"format": "Parquet", "columns": {"text": "text", "label": "label"}, "license": "cc0-1.0"}
    sizes = {"examples": 5485, "tokensPerExample": 110, "labels": 8}
    spec: dict[str, Any] = {"task": "text-classification", "domains": ["text/news"], "languages": ["en"]}
    spec |= {"dataset": {**dataset, **sizes}, "objective": {"metric": "Accuracy", "target": "0.95"}}
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "uid": _uid(namespace + "/" + name),
        "generation": 1,
    }
    metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
    return JobBuilder(TrainingJob, _object("TrainingJob", metadata, spec))


def make_model(name: str = "all-minilm-l6-v2") -> ModelBuilder:
    """A ready ClusterBaseModel: the 22.7 M parameter English sentence encoder all-MiniLM-L6-v2, Apache-2.0."""
    architecture: dict[str, Any] = {
        "family": "bert",
        "parameters": 22713216,
        "embeddingParameters": 11917440,
        "layers": 6,
    }
    architecture |= {"hiddenSize": 384, "maxSequenceLength": 512}
    files = [_file(file, pinned=True) for file in ("config.json", "model.safetensors", "tokenizer.json")]
    spec: dict[str, Any] = {
        "source": {"uri": f"file:///opt/coppice/models/{name}", "files": files},
        "license": "apache-2.0",
    }
    spec |= {"tasks": ["text-classification", "feature-extraction"], "modality": "text", "languages": ["en"]}
    spec |= {"domains": ["text"], "architecture": architecture}
    metadata: dict[str, Any] = {"name": name, "uid": _uid(name), "generation": 1}
    return ModelBuilder(ClusterBaseModel, _object("ClusterBaseModel", metadata, spec)).ready()


def make_profile(name: str = "cpu-generic") -> ProfileBuilder:
    """A ComputeProfile of a two-core node: 0.71 to 4.26 W a core and about 28 kgCO2e, as a slice of a cloud server."""
    host: dict[str, Any] = {
        "cores": 2,
        "memory": "8Gi",
        "idleWatts": "1.42",
        "peakWatts": "8.52",
        "peakTeraFlops": "0.15",
    }
    host |= {"embodiedKilograms": {"low": "14", "mid": "28", "high": "56"}}
    spec: dict[str, Any] = {"host": host, "lifespanYears": "4"}
    return ProfileBuilder(ComputeProfile, _object("ComputeProfile", {"name": name, "uid": _uid(name)}, spec))


def make_policy(name: str = "default") -> PolicyBuilder:
    """A TrainingPolicy that selects every namespace and restricts nothing."""
    return PolicyBuilder(TrainingPolicy, _object("TrainingPolicy", {"name": name, "uid": _uid(name)}, {}))


def make_report(name: str = "newswire-topics-0a1b2", namespace: str = "research") -> ReportBuilder:
    """A TrainingReport without attempts; `.of(job)` fills in the request, `.attempt(...)` what was run."""
    spec: dict[str, Any] = {"job": "newswire-topics", "jobUid": _uid(name), "state": "ObjectiveMet", "succeeded": True}
    spec |= {"fingerprint": digest("nothing"), "completionTime": "2026-01-01T01:00:00Z"}
    metadata = {"name": name, "namespace": namespace, "uid": _uid("report " + name)}
    return ReportBuilder(TrainingReport, _object("TrainingReport", metadata, spec))


H100 = {
    "product": "NVIDIA H100 SXM5 80GB",
    "perNode": 8,
    "memory": "80Gi",
    "idleWatts": "72",
    "peakWatts": "700",
    "peakTeraFlops": {"bf16": "989", "fp16": "989", "tf32": "494", "fp32": "67"},
    "embodiedKilograms": {"low": "15", "mid": "164", "high": "575"},
}
H100_HOST = {
    "cores": 96,
    "memory": "2Ti",
    "idleWatts": "800",
    "peakWatts": "2800",
    "embodiedKilograms": {"low": "2500", "mid": "5700", "high": "8000"},
}


def _object(kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": dict(metadata), "spec": dict(spec)}


def _file(name: str, pinned: bool) -> dict[str, Any]:
    return {"name": name, "sizeBytes": 1000, "digest": digest(name)} if pinned else {"name": name}


def _uid(text: str) -> str:
    number = hashlib.sha256(text.encode()).hexdigest()
    return "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:32]))
