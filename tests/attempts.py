"""What a decision hands to the builders of manifests: a record, a candidate, and the attempt made of them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

from builders import JobBuilder, ModelBuilder, ProfileBuilder, make_job, make_model, make_profile
from coppice.api.base import Interval
from coppice.api.basemodel import BaseModelObject
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import CandidateRecord, ChanceRecord, DecisionRecord, EstimateRecord, Intensity
from coppice.api.meta import BaseModelReference
from coppice.api.reasons import DecisionReason
from coppice.api.vocabulary import Evidence, IntensityMethod, IntensitySignal, Method, Mode, OptimizeFor
from coppice.workloads.images import Images
from coppice.workloads.manifests import attempt_manifests, attempt_record

IMAGES = Images("registry.example/coppice-trainer:1", "IfNotPresent")


def interval(value: int) -> Interval:
    """An interval without width."""
    return Interval(low=Decimal(value), mid=Decimal(value), high=Decimal(value))


def estimate(memory_bytes: int = 2**30) -> EstimateRecord:
    """An estimate of one of everything but memory."""
    one = interval(1)
    return EstimateRecord(
        flops=one,
        memory_bytes=interval(memory_bytes),
        run_seconds=one,
        energy_watt_hours=one,
        operational_grams=one,
        embodied_grams=one,
        carbon_grams=one,
        expected=Decimal(1),
    )


@dataclass(frozen=True)
class Registered:
    """A catalogue's entry."""

    spec: Any


@dataclass(frozen=True)
class World:
    """A catalogue of some models, and one profile."""

    models: dict[str, BaseModelObject]
    profile: ComputeProfile

    @property
    def catalogue(self) -> "World":
        return self

    @property
    def profiles(self) -> tuple[ComputeProfile, ...]:
        return (self.profile,)

    def get(self, reference: BaseModelReference, namespace: str) -> Registered | None:
        found = self.models.get(reference.name)
        return Registered(found.spec) if found else None


@dataclass(frozen=True)
class SourceRules:
    """What policies say about sources: nothing is allowed unless said."""

    hosts: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    ca_bundle_config_map: str = ""


JOB = make_job().set("spec.output.claimName", "models")
MODEL = make_model()
PROFILE = make_profile()
NO_RULES = SourceRules()


@dataclass(frozen=True)
class AttemptBuilder:
    """An attempt on its way to manifests; every method returns a new one."""

    job: JobBuilder = JOB
    method: Method = Method.LINEAR_PROBE
    base: ModelBuilder | None = MODEL
    tokenizer: ModelBuilder | None = None
    profile: ProfileBuilder = PROFILE
    number: int = 1
    accelerators: int = 0
    pods: int = 1
    evidence: Evidence = Evidence.EVALUATED
    rules: SourceRules = NO_RULES
    seconds_left: int | None = None

    def of(self, **fields: Any) -> Self:
        """The same attempt with other fields."""
        return replace(self, **fields)

    def candidate(self) -> CandidateRecord:
        """The candidate that runs."""
        name = self.base.get("metadata.name") if self.base else None
        reference = BaseModelReference(kind=self.base.get("kind"), name=name) if self.base and name else None
        return CandidateRecord(
            method=self.method,
            base_model=reference,
            profile=self.profile.get("metadata.name"),
            accelerators_per_pod=self.accelerators,
            pods=self.pods,
            estimate=estimate(),
            chance=ChanceRecord(value=Decimal("0.8"), prior=Decimal("0.8"), basis="prior only"),
            hyperparameters={"batchSize": 32},
        )

    def record(self) -> DecisionRecord:
        """The decision with this candidate alone."""
        return DecisionRecord(
            software_version="0.1.0",
            decided_at=datetime(2026, 1, 1, tzinfo=UTC),
            job_uid=self.job.get("metadata.uid"),
            generation=1,
            mode=Mode.AUTO,
            optimize_for=OptimizeFor.CARBON,
            reason=DecisionReason.FINE_TUNE_SAVES_CARBON,
            message="for tests",
            resolved={},
            intensity=Intensity(
                zone="SE",
                grams_per_kilowatt_hour=Decimal(41),
                method=IntensityMethod.LIFE_CYCLE,
                signal=IntensitySignal.AVERAGE,
                period="2023",
                source="for tests",
            ),
            pue=Decimal("1.2"),
            ladder=(self.candidate(),),
            obligations=("name the authors",),
        )

    def manifests(self) -> tuple[dict[str, Any], ...]:
        """What is created for the attempt."""
        job, profile, candidate = self.job.build(), self.profile.build(), self.candidate()
        models = [model.build() for model in (self.base, self.tokenizer) if model]
        return attempt_manifests(
            job,
            self.record(),
            candidate,
            attempt_record(job, candidate, self.number, profile, self.evidence),
            resolved=self.rules,
            world=World({model.metadata.name: model for model in models}, profile),
            images=IMAGES,
            seconds_left=self.seconds_left,
            license_expression="Apache-2.0",
        )

    def child(self) -> dict[str, Any]:
        """The Job."""
        return self.manifests()[-1]

    def pod(self) -> dict[str, Any]:
        """The pod spec of the Job."""
        spec: dict[str, Any] = self.child()["spec"]["template"]["spec"]
        return spec


def make_attempt() -> AttemptBuilder:
    """A linear probe of all-MiniLM-L6-v2 on a CPU node, its data on a claim, its model written to another."""
    return AttemptBuilder()


OWN_CONTAINER: dict[str, Any] = {
    "image": "registry.example/ours:2",
    "command": ["/train"],
    "args": ["--fast"],
    "env": [{"name": "MODE", "value": "full"}, {"name": "HF_HUB_OFFLINE", "value": "0"}],
}
OWN_TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"team": "a", "coppice.dev/attempt": "99"}, "annotations": {"example.org/note": "kept"}},
    "spec": {
        "serviceAccountName": "default",
        "nodeSelector": {"pool": "gpu"},
        "securityContext": {"fsGroup": 1000},
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "containers": [
            {
                "name": "trainer",
                "image": "registry.example/ours:2",
                "env": [{"name": "POD_UID", "value": "mine"}],
                "resources": {"limits": {"cpu": "1500m", "memory": "3Gi", "nvidia.com/gpu": 1}},
                "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
            },
            {"name": "helper", "image": "x", "resources": {"requests": {"cpu": 1}}},
        ],
    },
}

ATTEMPTS: dict[str, AttemptBuilder] = {
    "linear-probe-on-cpu": make_attempt(),
    "from-scratch-with-own-claim": make_attempt().of(
        job=make_job().scratch().set("spec.fromScratch.tokenizerFrom", {"name": "all-minilm-l6-v2"}),
        method=Method.FROM_SCRATCH,
        base=None,
        tokenizer=make_model(),
        seconds_left=600,
    ),
    "queued-fine-tune-on-four-gpus": make_attempt().of(
        job=make_job().set("spec.output", {"claimName": "corpora", "path": "out/topics"}).queue("team-a"),
        method=Method.FULL_FINE_TUNE,
        base=make_model("minilm").namespaced("research").source("pvc://models/minilm/"),
        profile=make_profile("h100").accelerator().set("spec.nodeSelector", {"gpu": "h100"}),
        accelerators=4,
        number=3,
        rules=SourceRules(("models.example.org",), ("10.1.0.0/16",), "corporate-ca"),
    ),
    "own-container-in-two-pods": make_attempt().of(
        job=make_job().mode("Never").container(**OWN_CONTAINER).set("spec.output.claimName", "models"),
        method=Method.FROM_SCRATCH,
        base=None,
        pods=2,
        evidence=Evidence.SELF_REPORTED,
    ),
    "own-template": make_attempt().of(
        job=make_job().mode("Never").set("spec.trainer.template", OWN_TEMPLATE).set("spec.output.claimName", "models"),
        method=Method.FROM_SCRATCH,
        base=None,
        profile=make_profile("h100").accelerator(),
        accelerators=1,
        evidence=Evidence.SELF_REPORTED,
    ),
}
"""One attempt of every kind of manifest."""
