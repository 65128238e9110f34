"""Starting a rung: the ledger entry, the claim and the child that carries the frozen decision."""

from decimal import Decimal

from coppice.api.attempt import AttemptRecord
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import CandidateRecord, DecisionRecord
from coppice.api.meta import BaseModelReference
from coppice.api.run import Run
from coppice.api.trainer_spec import FineTuneWith
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingledger import LedgerEntry
from coppice.api.vocabulary import Evidence, Method
from coppice.lifecycle.observed import Observed, Plan
from coppice.lifecycle.situation import Situation
from coppice.planning.lineage import derived_license
from coppice.workloads.job import child_manifests
from coppice.workloads.names import claim_name
from coppice.workloads.requests import Requests, requests
from coppice.workloads.run import ModelFiles, RunRules, run_for
from coppice.workloads.storage import claim_manifest, output_path

CHILD_SEEN_SECONDS = 1.0
"""When to look at a new child even if nothing was announced of it."""


def start(situation: Situation, record: DecisionRecord) -> Plan:
    """Run the first rung of a decision as the job's next attempt."""
    observed = situation.observed
    number = max((item.record.number for item in situation.attempts), default=0) + 1
    candidate = record.ladder[0]
    profile = next(item for item in observed.world.profiles if item.metadata.name == candidate.profile)
    reserved = requests(
        observed.job.spec.resources,
        profile,
        candidate.accelerators_per_pod,
        int(candidate.estimate.memory_bytes.high),
    )
    attempt = _attempt(observed, candidate, number, reserved)
    run = _run(situation, record, candidate, profile, number)
    claim = claim_manifest(observed.job)
    children = child_manifests(observed.job, record, attempt, run, profile, reserved, observed.images)
    return Plan(
        open_entry=_entry(situation, record),
        create=((claim,) if claim else ()) + tuple(children),
        recheck_seconds=CHILD_SEEN_SECONDS,
        decided=(str(record.reason), dict(record.rejected)),
    )


def evidence_of(spec: TrainingJobSpec, method: Method) -> Evidence:
    """Who measures the quality of a rung: our evaluation step, or the container that the user brought."""
    trainer = spec.trainer
    if trainer is None or (trainer.container is None and trainer.template is None):
        return Evidence.EVALUATED
    runs_own = method is Method.FROM_SCRATCH or trainer.fine_tune_with is FineTuneWith.TEMPLATE
    return Evidence.SELF_REPORTED if runs_own else Evidence.EVALUATED


def _attempt(observed: Observed, candidate: CandidateRecord, number: int, reserved: Requests) -> AttemptRecord:
    return AttemptRecord(
        number=number,
        method=candidate.method,
        base_model=candidate.base_model,
        profile=candidate.profile,
        accelerators=candidate.accelerators_per_pod * candidate.pods,
        pods=candidate.pods,
        cpu_cores=Decimal(reserved.cpu_cores),
        memory_bytes=reserved.memory_bytes,
        claim_name=claim_name(observed.job),
        output_path=output_path(observed.job),
        evidence=evidence_of(observed.job.spec, candidate.method),
    )


def _run(
    situation: Situation, record: DecisionRecord, candidate: CandidateRecord, profile: ComputeProfile, number: int
) -> Run:
    observed = situation.observed
    spec, resolved = observed.job.spec, observed.resolved
    base = _files(observed, candidate.base_model)
    plan = spec.from_scratch
    tokenizer = plan.tokenizer_from if plan and candidate.method is Method.FROM_SCRATCH else None
    rules = RunRules(
        hosts=resolved.hosts,
        networks=resolved.allowed_networks,
        license=derived_license(base.spec.license if base else None, spec.dataset.license),
        obligations=record.obligations,
        seconds_left=_seconds_left(situation),
    )
    return run_for(observed.job, candidate, base, _files(observed, tokenizer), profile, number, rules)


def _files(observed: Observed, reference: BaseModelReference | None) -> ModelFiles | None:
    if reference is None:
        return None
    found = observed.world.catalogue.get(reference, observed.job.metadata.namespace or "")
    return ModelFiles(reference, found.spec) if found else None


def _seconds_left(situation: Situation) -> int | None:
    limits = situation.observed.resolved.limits
    if limits is None or limits.run_seconds is None:
        return None
    return max(limits.run_seconds - situation.books.run_seconds, 1)


def _entry(situation: Situation, record: DecisionRecord) -> LedgerEntry:
    job, first = situation.observed.job, record.ladder[0]
    return LedgerEntry(
        uid=job.metadata.uid,
        name=job.metadata.name,
        opened=situation.observed.now.replace(microsecond=0),
        method=first.method,
        energy_watt_hours=first.estimate.energy_watt_hours.mid,
        carbon_grams=first.estimate.carbon_grams.mid,
    )
