"""Starting a rung: the ledger entry, the claim and the child that carries the frozen decision."""

from coppice.api.decision import DecisionRecord
from coppice.api.reasons import EventReason
from coppice.api.trainer_spec import FineTuneWith
from coppice.api.trainingapproval import TrainingApproval
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingledger import LedgerEntry
from coppice.api.vocabulary import Evidence, Method
from coppice.lifecycle.observed import Event, Plan
from coppice.lifecycle.situation import Situation
from coppice.lifecycle.waits import approval_in_force, reservation
from coppice.workloads.manifests import attempt_manifests, attempt_record

CHILD_SEEN_SECONDS = 1.0
"""When to look at a new child even if nothing was announced of it."""


def start(situation: Situation, record: DecisionRecord) -> Plan:
    """Run what a decision runs first, its probe or its first rung, as the job's next attempt."""
    observed = situation.observed
    job, candidate = observed.job, record.first
    number = max((item.record.number for item in situation.attempts), default=0) + 1
    profile = next(item for item in observed.world.profiles if item.metadata.name == candidate.profile)
    evidence = evidence_of(job.spec, candidate.method)
    license_expression = situation.license_of(candidate.base_model)
    approval = approval_in_force(situation, record)
    named = approval.metadata.name if approval else None
    attempt = attempt_record(job, candidate, number, profile, evidence)
    manifests = attempt_manifests(
        job,
        record,
        candidate,
        attempt.model_copy(update={"license": license_expression, "approval": named}),
        resolved=observed.resolved,
        world=observed.world,
        images=observed.images,
        seconds_left=_seconds_left(situation),
        license_expression=license_expression,
        obligations=situation.obligations_of(candidate.base_model),
    )
    return Plan(
        open_entry=_entry(situation, record),
        budget=observed.resolved.budgets,
        create=manifests,
        events=_approved(approval),
        recheck_seconds=CHILD_SEEN_SECONDS,
        decided=(str(record.reason), dict(record.rejected)),
    )


def startable(situation: Situation, record: DecisionRecord) -> bool:
    """Whether the profile and the base models of what runs first are still registered."""
    first = record.first
    profiles = {item.metadata.name for item in situation.observed.world.profiles}
    models = record.probe.base_models if record.probe else (first.base_model,) if first.base_model else ()
    return first.profile in profiles and all(situation.base_model(model) is not None for model in models)


def evidence_of(spec: TrainingJobSpec, method: Method) -> Evidence:
    """Who measures the quality of a rung: our evaluation step, or the container that the user brought."""
    trainer = spec.trainer
    if trainer is None or (trainer.container is None and trainer.template is None):
        return Evidence.EVALUATED
    runs_own = method is Method.FROM_SCRATCH or trainer.fine_tune_with is FineTuneWith.TEMPLATE
    return Evidence.SELF_REPORTED if runs_own else Evidence.EVALUATED


def _seconds_left(situation: Situation) -> int | None:
    limits = situation.limits
    if limits is None or limits.run_seconds is None:
        return None
    return max(limits.run_seconds - situation.books.run_seconds, 1)


def _entry(situation: Situation, record: DecisionRecord) -> LedgerEntry:
    job, first = situation.observed.job, record.first
    return LedgerEntry(
        uid=job.metadata.uid,
        name=job.metadata.name,
        opened=situation.observed.now.replace(microsecond=0),
        method=first.method,
        energy_watt_hours=first.estimate.energy_watt_hours.mid,
        operational_grams=first.estimate.operational_grams.mid,
        embodied_grams=first.estimate.embodied_grams.mid,
        accelerators=first.accelerators_per_pod * first.pods,
        reserved=reservation(situation, record),
    )


def _approved(approval: TrainingApproval | None) -> tuple[Event, ...]:
    """Which approval let the plan start; who made it is in the API server's audit log alone."""
    if approval is None:
        return ()
    said = f": {approval.spec.message}" if approval.spec.message else ""
    return (Event(EventReason.APPROVED, f"TrainingApproval {approval.metadata.name}{said}"[:1024], "Start"),)
