"""The end of a job: result, registered model, account, ledger and report, and then the one status that says so.

The order of the writes is the order of Plan: a model is registered, the ledger settled and the report written before
status says Accounted. Each of them is named by the job's uid, so doing it again after a crash changes nothing.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from coppice.accounting.control import find_control
from coppice.accounting.report import report
from coppice.accounting.savings import avoided
from coppice.accounting.settlement import settlement
from coppice.accounting.totals import totals
from coppice.api import conditions as c
from coppice.api.basemodel import BaseModelObject
from coppice.api.decision import DecisionRecord
from coppice.api.meta import BaseModelReference
from coppice.api.reasons import AccountReason, AttemptOutcome, EventReason, StateReason
from coppice.api.result import TrainedModel
from coppice.api.run import MODEL_DIRECTORY
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import AttemptStatus, ResultStatus, TotalsStatus
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import BaseModelKind, Direction, Method
from coppice.lifecycle.account import unread
from coppice.lifecycle.attempts import Attempt
from coppice.lifecycle.observed import Event, Plan
from coppice.lifecycle.remaining import remaining
from coppice.lifecycle.situation import Situation, transition_events
from coppice.lifecycle.status import Stand, decision_status
from coppice.lifecycle.verdict import direction_of
from coppice.planning.lineage import registered_model
from coppice.workloads.metadata import job_labels
from coppice.workloads.names import report_name
from coppice.workloads.storage import output_uri

SETTLE_PERIOD = timedelta(minutes=15)
DELETED_GRACE = timedelta(seconds=60)


def finish(
    situation: Situation, state: StateReason, message: str, *, succeeded: bool, record: DecisionRecord | None = None
) -> Plan:
    """End the job; the account closes when every pod has ended and meters have said their last word on it."""
    if not situation.attempts:
        return _nothing_ran(situation, state, message, succeeded=succeeded, record=record)
    return _close(situation, Stand(state, message[:1024], succeeded="True" if succeeded else "False"))


def close_finished(situation: Situation) -> Plan:
    """Close the account of a job that finished before; how it ended stays as it was written."""
    succeeded = c.find(situation.observed.status.conditions, c.SUCCEEDED)
    assert succeeded is not None
    return _close(situation, Stand(StateReason(succeeded.reason), succeeded.message, succeeded=succeeded.status))


def settle_deleted(situation: Situation) -> Plan:
    """Settle a job that is gone: from the last state seen; only ledger and report are left to write."""
    observed = situation.observed
    if c.is_true(observed.status.conditions, c.ACCOUNTED):
        return Plan(prune=True)
    if not situation.attempts:
        return Plan(withdraw=True)
    gone_for = observed.now - _gone_since(situation)
    if any(item.live_pods for item in situation.attempts) and gone_for < DELETED_GRACE:
        return Plan(recheck_seconds=5.0)
    if unread(observed, situation.attempts) and gone_for < SETTLE_PERIOD:
        return Plan(recheck_seconds=10.0)
    before = c.find(observed.status.conditions, c.SUCCEEDED)
    stand = Stand(StateReason.DELETED, StateReason.DELETED.sentence, succeeded="False")
    if before is not None and before.status != "Unknown":
        stand = Stand(StateReason(before.reason), before.message, succeeded=before.status)
    job, account_report = _accounted(situation, stand)
    return Plan(settlement=settlement(job, situation.books.months), report=account_report, prune=True)


def _gone_since(situation: Situation) -> datetime:
    """When the job went, as far as that shows: a deletion in the background stamps no time, but takes the children."""
    observed = situation.observed
    gone = [item.child.gone_at for item in situation.attempts if item.child and item.child.gone_at]
    return min((observed.job.metadata.deletion_timestamp or observed.now, *gone))


def best_attempt(situation: Situation) -> AttemptStatus | None:
    """The attempt with the best quality; without any quality the last one that ended well."""
    statuses = situation.attempt_statuses()
    measured = [item for item in statuses if item.quality is not None]
    if not measured:
        well = [item for item in statuses if item.outcome in {AttemptOutcome.UNJUDGED, AttemptOutcome.MET}]
        return well[-1] if well else None
    sign = 1 if direction_of(situation.observed.job.spec.objective) is Direction.MAXIMIZE else -1
    return max(measured, key=lambda item: (sign * (item.quality or 0), -item.number))


def _nothing_ran(
    situation: Situation, state: StateReason, message: str, *, succeeded: bool, record: DecisionRecord | None
) -> Plan:
    stand = Stand(
        state, message[:1024], succeeded="True" if succeeded else "False", accounted=AccountReason.NOTHING_RAN
    )
    decision = decision_status(record) if record and record.ladder else None
    status = situation.status(stand, decision, completion_time=_whole(situation.observed.now))
    events = transition_events(situation.observed.status, status) if status else ()
    return Plan(status=status, withdraw=True, events=events)


def _close(situation: Situation, stand: Stand) -> Plan:
    observed = situation.observed
    ended = completion_time(situation)
    open_ = any(item.live_pods for item in situation.attempts) or unread(observed, situation.attempts)
    if open_ and observed.now - ended < SETTLE_PERIOD:
        settling = Stand(stand.state, stand.message, succeeded=stand.succeeded, accounted=AccountReason.SETTLING)
        status = situation.status(settling, completion_time=ended, result=result_of_job(situation, stand))
        events = transition_events(observed.status, status) if status else ()
        return Plan(status=status, events=events, recheck_seconds=10.0)
    job, account_report = _accounted(situation, stand)
    assert job.status is not None
    try:
        model = _registered(situation, job)
    except ValueError as error:
        obstacle = replace(observed, register_obstacle=str(error).splitlines()[0])
        return _close(replace(situation, observed=obstacle), stand)
    events = (*transition_events(observed.status, job.status), *_registration_events(situation, stand, model))
    return Plan(
        register=model,
        settlement=settlement(job, situation.books.months),
        report=account_report,
        status=job.status,
        prune=True,
        events=events,
    )


def _registration_events(situation: Situation, stand: Stand, model: BaseModelObject | None) -> tuple[Event, ...]:
    if model is not None:
        return (Event(EventReason.MODEL_REGISTERED, f"BaseModel {model.metadata.name} was made", "Register"),)
    if situation.observed.job.spec.register_as is None or stand.succeeded != "True":
        return ()
    why = situation.observed.register_obstacle or "the attempt left no list of model files"
    return (Event(EventReason.MODEL_NOT_REGISTERED, f"no BaseModel was made: {why}", "Register", warning=True),)


def _accounted(situation: Situation, stand: Stand) -> tuple[TrainingJob, TrainingReport]:
    """The job with its final status, and its report."""
    observed, books = situation.observed, situation.books
    result = result_of_job(situation, stand)
    gaps = books.total.gaps or books.unpriced
    closed = AccountReason.SETTLED_WITH_GAPS if gaps else AccountReason.SETTLED
    stand = replace(stand, accounted=closed, accounted_message=f"{closed.sentence} {remaining(situation)}".strip())
    status = situation.status_with(
        stand,
        totals=totals_of(situation, stand, result),
        result=result,
        completion_time=completion_time(situation),
    )
    job = observed.job.model_copy(update={"status": status})
    written = report(job, situation.first_record, books.uses, name=report_name(job.metadata.name, job.metadata.uid))
    return job, written.model_copy(update={"metadata": written.metadata.model_copy(update={"labels": job_labels(job)})})


def totals_of(situation: Situation, stand: Stand, result: ResultStatus | None) -> TotalsStatus:
    """The account of every attempt, with SCI where a model came out and avoided carbon where it can be compared."""
    observed, books = situation.observed, situation.books
    record = situation.first_record
    attempt = _attempt(situation, result.attempt) if result else None
    model = attempt.result.model if attempt and attempt.result else None
    saved = avoided(
        record.counterfactual if record else None,
        find_control(observed.world.reports, observed.job.spec, observed.job.metadata.namespace),
        spent=books.total,
        on_substitution=books.on_substitution,
        met=None if stand.state is StateReason.COMPLETED else stand.state is StateReason.OBJECTIVE_MET,
        from_scratch=attempt is not None and attempt.record.method is Method.FROM_SCRATCH,
    )
    useful = stand.state in {StateReason.OBJECTIVE_MET, StateReason.COMPLETED}
    return totals(
        books.total,
        run_seconds=books.run_seconds,
        cost=books.cost,
        models=1 if useful else 0,
        parameters=model.parameters if model else None,
        avoided=saved,
    )


def _attempt(situation: Situation, number: int) -> Attempt:
    return next(item for item in situation.attempts if item.record.number == number)


def completion_time(situation: Situation) -> datetime:
    """When the last attempt ended: the same in every pass, so that a repeated one writes the same."""
    before = situation.observed.status.completion_time
    ends = [item.end_time for item in situation.attempt_statuses() if item.end_time]
    return before or _whole(max(ends, default=situation.observed.now))


def result_of_job(situation: Situation, stand: Stand) -> ResultStatus | None:
    """The best attempt, also when it missed."""
    best = best_attempt(situation)
    if best is None:
        return situation.observed.status.result
    attempt = _attempt(situation, best.number)
    found = attempt.result
    model = found.model if found else None
    return ResultStatus(
        attempt=best.number,
        quality=best.quality,
        met=_met(situation, stand),
        evidence=attempt.record.evidence,
        output=f"{output_uri(situation.observed.job, attempt.record)}/{MODEL_DIRECTORY}",
        model_digest=model.digest if model else None,
        registered=_reference(situation, stand),
        license=attempt.record.license or situation.license_of(attempt.record.base_model),
    )


def _met(situation: Situation, stand: Stand) -> bool | None:
    if situation.observed.job.spec.objective.target is None:
        return None
    return stand.state is StateReason.OBJECTIVE_MET


def _reference(situation: Situation, stand: Stand) -> BaseModelReference | None:
    register = situation.observed.job.spec.register_as
    best = best_attempt(situation)
    if register is None or stand.succeeded != "True" or best is None:
        return None
    if situation.observed.register_obstacle is not None or _files(situation, best) is None:
        return None
    return BaseModelReference(kind=BaseModelKind.NAMESPACED, name=register.name)


def _files(situation: Situation, best: AttemptStatus) -> TrainedModel | None:
    attempt = _attempt(situation, best.number)
    model = attempt.result.model if attempt.result else None
    return model if model and model.files else None


def _registered(situation: Situation, job: TrainingJob) -> BaseModelObject | None:
    result = job.status.result if job.status else None
    if result is None or result.registered is None:
        return None
    attempt = _attempt(situation, result.attempt)
    assert attempt.result is not None
    known = situation.base_model(attempt.record.base_model)
    if attempt.record.base_model is not None and known is None:
        raise ValueError(f"{attempt.record.base_model.kind} {attempt.record.base_model.name} was deleted meanwhile")
    owed = situation.obligations_of(attempt.record.base_model)
    made = registered_model(job, attempt.record, attempt.result, known, owed)
    return made.model_copy(update={"metadata": made.metadata.model_copy(update={"labels": job_labels(job)})})


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
