"""Everything that is created for one attempt, in the order in which it is created.

The claim comes first, because a pod waits for it; the Job comes last, because from then on the attempt exists. What
policy and catalogue know is asked through small protocols, so that this package stays below planning.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from coppice.api.attempt import AttemptRecord
from coppice.api.basemodel import BaseModelSpec
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import DecisionRecord, ProbeRecord, Runnable
from coppice.api.meta import BaseModelReference
from coppice.api.run import Run
from coppice.api.trainingjob import TrainingJob
from coppice.api.vocabulary import AttemptKind, Evidence, Method
from coppice.workloads.images import Images
from coppice.workloads.job import child_manifests
from coppice.workloads.names import claim_name
from coppice.workloads.requests import Requests, requests
from coppice.workloads.run import ModelFiles, RunRules, kind_of, probe_run, run_for
from coppice.workloads.storage import claim_manifest, output_path
from coppice.workloads.template import templated_requests
from coppice.workloads.volumes import AUTHORITY_FILE


class SourceRules(Protocol):
    """What a namespace's policies say about sources."""

    @property
    def hosts(self) -> Sequence[str]:
        """Hosts that https sources may name."""
        ...

    @property
    def allowed_networks(self) -> Sequence[str]:
        """Private networks (CIDR) that may be reached all the same."""
        ...

    @property
    def ca_bundle_config_map(self) -> str:
        """ConfigMap of the job's namespace with ca.crt, or empty."""
        ...


class Registered(Protocol):
    """A base model of the catalogue."""

    @property
    def spec(self) -> BaseModelSpec:
        """What is known of it."""
        ...


class Catalogue(Protocol):
    """Where base models are looked up."""

    def get(self, reference: BaseModelReference, namespace: str) -> Registered | None:
        """The model that a reference in that namespace means."""
        ...


class World(Protocol):
    """What is known beyond the job."""

    @property
    def catalogue(self) -> Catalogue:
        """Registered base models."""
        ...

    @property
    def profiles(self) -> Sequence[ComputeProfile]:
        """Accelerator and node types."""
        ...


def attempt_record(
    job: TrainingJob, candidate: Runnable, number: int, profile: ComputeProfile, evidence: Evidence
) -> AttemptRecord:
    """The attempt that a candidate or probe becomes, and what each of its pods reserves; accelerators: of all pods."""
    reserved = _reserved(job, candidate, profile, evidence)
    return AttemptRecord(
        number=number,
        kind=AttemptKind.PROBE if isinstance(candidate, ProbeRecord) else kind_of(candidate.method),
        method=candidate.method,
        base_model=candidate.base_model,
        profile=candidate.profile,
        accelerators=reserved.accelerators * candidate.pods,
        pods=candidate.pods,
        cpu_cores=reserved.cpu_cores,
        memory_bytes=reserved.memory_bytes,
        claim_name=claim_name(job),
        output_path=output_path(job),
        evidence=evidence,
    )


def attempt_manifests(
    job: TrainingJob,
    record: DecisionRecord,
    candidate: Runnable,
    attempt: AttemptRecord,
    *,
    resolved: SourceRules,
    world: World,
    images: Images,
    seconds_left: int | None,
    license_expression: str = "",
    obligations: tuple[str, ...] | None = None,
) -> tuple[dict[str, Any], ...]:
    """What to create for an attempt: its claim where the job names none, a Service for several pods, the Job.

    `license_expression` is the one computed for the model that comes out, `obligations` what binds it (None: what the
    record, which may have been shortened, says). Raises LookupError when a base model or the
    profile of the decision is gone.
    """
    profile = _profile(candidate, world)
    rules = RunRules(
        hosts=tuple(resolved.hosts),
        networks=tuple(resolved.allowed_networks),
        ca_bundle=AUTHORITY_FILE if resolved.ca_bundle_config_map else None,
        license=license_expression,
        obligations=record.obligations if obligations is None else obligations,
        seconds_left=seconds_left,
    )
    run = _run(job, candidate, profile, attempt.number, rules, world)
    reserved = _reserved(job, candidate, profile, attempt.evidence)
    authority = resolved.ca_bundle_config_map
    children = child_manifests(job, record, attempt, run, profile, reserved, images, authority)
    claim = claim_manifest(job)
    return ((claim,) if claim else ()) + tuple(children)


def _run(
    job: TrainingJob, candidate: Runnable, profile: ComputeProfile, number: int, rules: RunRules, world: World
) -> Run:
    if isinstance(candidate, ProbeRecord):
        models = [found for one in candidate.base_models if (found := _files(one, world, job))]
        return probe_run(job, candidate, models, profile, number, rules)
    plan = job.spec.from_scratch if candidate.method is Method.FROM_SCRATCH else None
    base = _files(candidate.base_model, world, job)
    tokenizer = _files(plan.tokenizer_from if plan else None, world, job)
    return run_for(job, candidate, base, tokenizer, profile, number, rules)


def _profile(candidate: Runnable, world: World) -> ComputeProfile:
    found = next((each for each in world.profiles if each.metadata.name == candidate.profile), None)
    if found is None:
        raise LookupError(f"ComputeProfile {candidate.profile} is gone: apply it again")
    return found


def _files(reference: BaseModelReference | None, world: World, job: TrainingJob) -> ModelFiles | None:
    if reference is None:
        return None
    found = world.catalogue.get(reference, job.metadata.namespace or "")
    if found is None:
        raise LookupError(f"{reference.kind} {reference.name} is gone: register it again")
    return ModelFiles(reference, found.spec)


def _reserved(job: TrainingJob, candidate: Runnable, profile: ComputeProfile, evidence: Evidence) -> Requests:
    trainer = job.spec.trainer
    if trainer and trainer.template is not None and evidence is Evidence.SELF_REPORTED:
        accelerator = profile.spec.accelerator
        return templated_requests(trainer.template, accelerator.resource_name if accelerator else "")
    needed = int(candidate.estimate.memory_bytes.high)
    return requests(job.spec.resources, profile, candidate.accelerators_per_pod, needed)
