"""Writing what was seen: conditions, attempts and the strings of the columns.

Succeeded is the three-valued summary and its reason is the State column; Failed mirrors it; Finished is True in both
cases, so that one wait suffices.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from coppice.api import conditions as c
from coppice.api.base import rounded, storable
from coppice.api.decision import CandidateRecord, DecisionRecord, ProbeRecord
from coppice.api.meta import Condition
from coppice.api.reasons import AccountReason, AttemptOutcome, Reason, StateReason, SuspendReason
from coppice.api.trainingjob_status import (
    AttemptStatus,
    CounterfactualStatus,
    DecisionStatus,
    ProbeStatus,
    RungStatus,
)
from coppice.lifecycle.account import Books
from coppice.lifecycle.attempts import Attempt, child_reference

Status = Literal["True", "False", "Unknown"]
MIRRORED: dict[Status, Status] = {"True": "False", "False": "True", "Unknown": "Unknown"}
Setting = tuple[str, Status, Reason, str]


@dataclass(frozen=True)
class Stand:
    """How the job stands, from which all conditions follow."""

    state: StateReason
    message: str
    succeeded: Status = "Unknown"
    running: bool = False
    suspended: SuspendReason = SuspendReason.NOT_SUSPENDED
    suspended_message: str = ""
    accounted: AccountReason = AccountReason.OPEN
    accounted_message: str = ""

    @property
    def finished(self) -> bool:
        """Whether the job is over."""
        return self.succeeded != "Unknown"


def conditions_of(
    before: tuple[Condition, ...], stand: Stand, decision: DecisionStatus | None, *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Every condition of a job; at first sight those that are not known yet say Unknown."""
    after = before
    for type_, status, reason, message in _settings(stand, decision):
        after = c.with_condition(after, type_, status, reason, message, generation=generation, now=now)
    return after


def _settings(stand: Stand, decision: DecisionStatus | None) -> Iterable[Setting]:
    failed = MIRRORED[stand.succeeded]
    waits = stand.suspended is not SuspendReason.NOT_SUSPENDED
    closed = stand.accounted in {AccountReason.SETTLED, AccountReason.SETTLED_WITH_GAPS, AccountReason.NOTHING_RAN}
    yield _decided(stand, decision)
    yield c.RUNNING, "True" if stand.running else "False", stand.state, stand.message
    yield (
        c.SUSPENDED,
        "True" if waits else "False",
        stand.suspended,
        stand.suspended_message or stand.suspended.sentence,
    )
    yield c.SUCCEEDED, stand.succeeded, stand.state, stand.message
    yield c.FAILED, failed, stand.state, stand.message
    yield c.FINISHED, "True" if stand.finished else "False", stand.state, stand.message
    yield (
        c.ACCOUNTED,
        "True" if closed else "False",
        stand.accounted,
        stand.accounted_message or stand.accounted.sentence,
    )


def _decided(stand: Stand, decision: DecisionStatus | None) -> Setting:
    if decision is not None:
        return c.DECIDED, "True", StateReason.DECIDED, f"{decision.reason}: {decision.message}"
    if stand.finished:
        return c.DECIDED, "False", stand.state, stand.message
    return c.DECIDED, "Unknown", stand.state, stand.message


def attempt_status(
    attempt: Attempt, outcome: AttemptOutcome, message: str, books: Books, now: datetime
) -> AttemptStatus:
    """The attempt as status shows it; one that ended before stays as it was written."""
    if attempt.ended_before and attempt.before is not None:
        return attempt.before
    record, result = attempt.record, attempt.result
    ended = outcome is not AttemptOutcome.RUNNING
    account = books.accounts.get(record.number) if ended else None
    pods = attempt.pod_statuses()
    return AttemptStatus(
        number=record.number,
        kind=record.kind,
        method=record.method,
        base_model=record.base_model,
        child=child_reference(attempt),
        profile=record.profile,
        approval=record.approval,
        accelerators=record.accelerators,
        cpu_cores=record.cpu_cores,
        memory_bytes=record.memory_bytes,
        outcome=outcome,
        message=message,
        start_time=min((pod.start_time for pod in pods), default=None),
        end_time=max((pod.end_time for pod in pods if pod.end_time), default=now) if ended else None,
        run_seconds=attempt.run_seconds(now) if ended else 0,
        pods=pods,
        quality=result.quality if result else None,
        standard_error=result.standard_error if result else None,
        evidence=record.evidence if result and result.quality is not None else None,
        cpu_seconds=cpu_seconds(attempt) if ended else None,
        steps=result.steps if result else None,
        epochs=storable(result.epochs) if result else None,
        tokens_seen=result.tokens_seen if result else None,
        counted_teraflop=storable(result.counted_teraflop) if result else None,
        peak_memory_bytes=result.peak_memory_bytes if result else None,
        probed=list(attempt.probed),
        energy_joules=rounded(float(account.energy_joules)) if account else None,
        carbon_grams=rounded(float(account.carbon_grams)) if account else None,
    )


def cpu_seconds(attempt: Attempt) -> Decimal | None:
    """CPU seconds of every pod that said so, earlier pods of a resumed attempt included; None when none did."""
    result = attempt.result
    if result is None:
        return None
    parts = [part.cpu_seconds for part in (result, *result.earlier) if part.cpu_seconds is not None]
    return storable(sum(parts, Decimal(0))) if parts else None


def decision_status(record: DecisionRecord) -> DecisionStatus:
    """The record in brief; base model and method are those of the first rung."""
    first = record.ladder[0]
    return DecisionStatus(
        digest=record.digest,
        method=first.method,
        base_model=first.base_model,
        reason=record.reason,
        message=record.message,
        optimize_for=record.optimize_for,
        ladder=[rung_status(rung) for rung in record.ladder],
        probe=_probe_status(record.probe) if record.probe else None,
        rejected=record.rejected,
        considered=record.considered,
        counterfactual=_counterfactual(record),
        expected_saving_grams=record.expected_saving_grams,
        limitations=[text[:256] for text in record.limitations[:16]],
        forgone=rung_status(record.forgone) if record.forgone else None,
        decided_at=record.decided_at,
    )


def rung_status(candidate: CandidateRecord) -> RungStatus:
    """One rung in brief."""
    estimate = candidate.estimate
    return RungStatus(
        method=candidate.method,
        base_model=candidate.base_model,
        profile=candidate.profile,
        chance=candidate.chance.value,
        energy_watt_hours=estimate.energy_watt_hours,
        carbon_grams=estimate.carbon_grams,
        run_seconds=estimate.run_seconds,
    )


def _probe_status(probe: ProbeRecord) -> ProbeStatus:
    return ProbeStatus(
        base_models=list(probe.base_models),
        examples=probe.examples,
        energy_watt_hours=probe.estimate.energy_watt_hours,
        carbon_grams=probe.estimate.carbon_grams,
        run_seconds=probe.estimate.run_seconds,
        value=probe.value,
    )


def _counterfactual(record: DecisionRecord) -> CounterfactualStatus | None:
    if record.counterfactual is None:
        return None
    estimate = record.counterfactual.estimate
    return CounterfactualStatus(
        basis=record.counterfactual.basis,
        energy_watt_hours=estimate.energy_watt_hours,
        carbon_grams=estimate.carbon_grams,
        run_seconds=estimate.run_seconds,
    )
