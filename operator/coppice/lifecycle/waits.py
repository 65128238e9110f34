"""What a decided job still waits for before it may start: acknowledgement, justification, approval, budget.

All of it is looked at anew in every pass and nothing is remembered, so whoever adds the missing thing, or takes the
rule away, lets the job go. The reason is the first that holds; the message says everything that is missing, so that
nobody comes back from one errand to be sent on the next.
"""

from dataclasses import dataclass

from coppice.accounting.budget import FIELDS, BudgetExhausted, Shortfall
from coppice.accounting.calendar import month_end, month_of
from coppice.api.decision import DecisionRecord, decode_record
from coppice.api.reasons import SuspendReason
from coppice.api.trainingapproval import TrainingApproval
from coppice.api.trainingledger import Reservation
from coppice.lifecycle.situation import Situation
from coppice.planning.approval import (
    Exceeded,
    approval_needed,
    approval_of,
    justification_needed,
    plan_high,
)
from coppice.planning.policy import AMOUNTS
from coppice.planning.tokenizer import tokenizer_missing

BASE_MODEL_RECHECK_SECONDS = 60.0
"""When to look for a base model again at the latest, if nothing was heard of its claim."""
BUDGET_RECHECK_SECONDS = 300.0
"""When to ask for room again at the latest, if nothing was heard of any being freed."""


@dataclass(frozen=True)
class Wait:
    """Why a job does not start, what would let it, and when to look again without news (None: never)."""

    reason: SuspendReason
    message: str
    recheck_seconds: float | None = None


def base_model_missing(situation: Situation, record: DecisionRecord) -> Wait | None:
    """What a decision to train from scratch waits for, which is made anew when it comes: it may be tried instead."""
    observed = situation.observed
    missing = tokenizer_missing(observed.job, record.first, observed.world.catalogue)
    return Wait(SuspendReason.AWAITING_BASE_MODEL, missing, BASE_MODEL_RECHECK_SECONDS) if missing else None


def wait_of(situation: Situation, record: DecisionRecord) -> Wait | None:
    """What the start of a decision waits for; None: nothing."""
    missing = unacknowledged(situation, record)
    waits = _approvals_missing(situation, record)
    if missing:
        waits.append(Wait(SuspendReason.AWAITING_ACKNOWLEDGEMENT, f"add to spec.acknowledge: {'; '.join(missing)}"))
    if not waits:
        return _budget_missing(situation, record)
    return Wait(waits[0].reason, "; and ".join(wait.message for wait in waits))


def unacknowledged(situation: Situation, record: DecisionRecord) -> tuple[str, ...]:
    """What the policy wants acknowledged and the job has not; nothing once no policy wants it any more."""
    if not situation.observed.resolved.require_acknowledgement:
        return ()
    return tuple(text for text in record.unacknowledged if text not in situation.observed.job.spec.acknowledge)


def priced_since(situation: Situation, record: DecisionRecord) -> bool:
    """Whether a budget in money held a plan for want of prices that are there now: only a new decision knows them."""
    budgets = situation.observed.resolved.budgets
    if budgets is None or budgets.cost is None or plan_high(record).cost is not None:
        return False
    profiles = {one.metadata.name: one.spec for one in situation.observed.world.profiles}
    return all(
        (spec := profiles.get(name)) is not None
        and (spec.price_per_hour is not None or spec.energy_price_per_kilowatt_hour is not None)
        for name in _unpriced(record)
    )


def approval_in_force(situation: Situation, record: DecisionRecord) -> TrainingApproval | None:
    """The approval that lets a decision start where it needs one, for the record of who was asked."""
    resolved = situation.observed.resolved
    if not approval_needed(record, resolved) and not justification_needed(record, resolved):
        return None
    found = _approval(situation, record)
    return found if isinstance(found, TrainingApproval) else None


def reservation(situation: Situation, record: DecisionRecord) -> Reservation | None:
    """What the job is to hold of this month's budget: its whole ladder at its high estimates; None without budgets."""
    if situation.observed.resolved.budgets is None:
        return None
    high = plan_high(record)
    month = month_of(situation.observed.now)
    return Reservation(
        month=month,
        energy_watt_hours=high.energy_watt_hours,
        carbon_grams=high.carbon_grams,
        cost=high.cost or 0,
    )


def _approvals_missing(situation: Situation, record: DecisionRecord) -> list[Wait]:
    resolved, job = situation.observed.resolved, situation.observed.job
    unsaid = () if job.spec.justification.strip() else justification_needed(record, resolved)
    needed = approval_needed(record, resolved)
    if not unsaid and not needed:
        return []
    approval = _approval(situation, record)
    if isinstance(approval, TrainingApproval):
        return []
    sentences = []
    if unsaid:
        sentences.append(f"say in spec.justification why to train from scratch: {_because(unsaid, situation)}")
    if needed:
        sentences.append(f"the plan needs a TrainingApproval: {_because(needed, situation)}")
    who = "whoever may approve runs" if needed else "or whoever may approve runs"
    decision = f"decision {record.digest} of uid {job.metadata.uid}"
    sentences.append(f"{who}: coppice approve {job.metadata.name} -n {job.metadata.namespace} ({decision})")
    return [Wait(SuspendReason.AWAITING_APPROVAL, "; ".join((*sentences, *approval)))]


def _because(exceeded: tuple[Exceeded, ...], situation: Situation) -> str:
    return ", ".join(one.sentence(situation.observed.resolved) for one in exceeded)


def _approval(situation: Situation, record: DecisionRecord) -> TrainingApproval | tuple[str, ...]:
    texts = dict.fromkeys(item.child.decision for item in situation.attempts if item.child and item.child.decision)
    earlier = [decode_record(text) for text in texts]
    used = {item.record.approval for item in situation.attempts if item.record.approval}
    return approval_of(record, situation.observed.approvals, earlier, situation.observed.now, used)


def _budget_missing(situation: Situation, record: DecisionRecord) -> Wait | None:
    observed = situation.observed
    budgets, exhausted = observed.resolved.budgets, observed.exhausted
    if budgets is not None and budgets.cost is not None and plan_high(record).cost is None:
        by = observed.resolved.because("monthlyBudget.cost")
        names = ", ".join(_unpriced(record))
        text = f"monthlyBudget.cost ({by}) bounds money, and ComputeProfile {names} has no price: set its pricePerHour"
        return Wait(SuspendReason.BUDGET_EXHAUSTED, text)
    if exhausted is None:
        return None
    end = month_end(exhausted.month)
    until_turn = (end - observed.now).total_seconds()
    lacking = "; ".join(_lacking(one, exhausted, situation) for one in exhausted.shortfalls)
    hopeless = any(one.wanted > one.budget for one in exhausted.shortfalls)
    way = (
        "it fits no month: shrink the job or ask the policy's owner for more"
        if hopeless
        else f"it starts when others have left enough, at the latest when the month ends ({end:%Y-%m-%dT%H:%MZ})"
    )
    recheck = min(max(until_turn, 1.0), BUDGET_RECHECK_SECONDS)
    return Wait(SuspendReason.BUDGET_EXHAUSTED, f"{lacking}; {way}", recheck)


def _unpriced(record: DecisionRecord) -> list[str]:
    """The profiles on which a decision's money is not known."""
    return sorted({one.profile for one in (record.first, *record.ladder) if one.estimate.cost is None})


def _lacking(one: Shortfall, exhausted: BudgetExhausted, situation: Situation) -> str:
    left = max(one.budget - one.used - one.reserved, one.budget * 0)
    used, reserved, wanted, budget, rest = (
        f"{float(value):.6g}" for value in (one.used, one.reserved, one.wanted, one.budget, left)
    )
    effect = f"monthlyBudget.{AMOUNTS[one.name]}"
    by = situation.observed.resolved.because(effect)
    return (
        f"{effect} of {exhausted.month} is {budget} {FIELDS[one.name]} ({by}): {used} used, {reserved} reserved by "
        f"open jobs, {rest} left, and this job may use {wanted} (high estimate)"
    )
