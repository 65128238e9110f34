"""What stands between a decision and its start: a justification, or somebody's yes; and what that yes covers.

    scratch.justificationAbove   the plan from scratch, by its own high estimate: spec.justification or an approval
    scratch.approvalAbove        the same: an approval
    approvalAbove                any plan, by the high estimates of its whole ladder and what the job has spent

It is asked before the first rung starts, also where scratch is the last one: a job is asked for once, not in the
night in which its other rungs have missed. Thresholds are those of now, so that a policy that is relaxed lets go.
An amount that is not known (a ComputeProfile without a price) counts as above every threshold.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from coppice.accounting.budget import FIELDS
from coppice.api.decision import CandidateRecord, DecisionRecord, Runnable, SpentRecord
from coppice.api.trainingapproval import TrainingApproval
from coppice.api.trainingpolicy import Amounts
from coppice.api.vocabulary import Method
from coppice.planning.policy import AMOUNTS
from coppice.planning.resolved import Resolved

SHOWN = 3
"""Approvals that do not hold, of which a message says why."""


@dataclass(frozen=True)
class High:
    """High estimates (90th percentile): watt-hours, gCO2e, and money where it is known."""

    energy_watt_hours: Decimal
    carbon_grams: Decimal
    cost: Decimal | None


@dataclass(frozen=True)
class Exceeded:
    """One threshold that a plan is above: the effect that names it, the plan's amount (None: not known), the most."""

    effect: str
    name: str
    high: Decimal | None
    most: Decimal

    def sentence(self, resolved: Resolved) -> str:
        """The numbers, and who set the threshold."""
        by = f"{self.most:f} {FIELDS[self.name]} of {self.effect} ({resolved.because(self.effect)})"
        if self.high is None:
            return f"its money is not known, as a ComputeProfile has no price, and counts as above the {by}"
        return f"it may use {_text(self.high)} {FIELDS[self.name]} (high estimate), above the {by}"


def plan_high(record: DecisionRecord) -> High:
    """What the job will have used when its probe and whole ladder, last rung included, took their high estimates."""
    probe = [record.probe] if record.probe else []
    return _high([*probe, *record.ladder], record.spent, _counted_again(record))


def scratch_high(record: DecisionRecord) -> High | None:
    """The same of its rung from scratch alone; None where the ladder has none."""
    rungs = [rung for rung in record.ladder if rung.method is Method.FROM_SCRATCH]
    return _high(rungs, SpentRecord()) if rungs else None


def justification_needed(record: DecisionRecord, resolved: Resolved) -> tuple[Exceeded, ...]:
    """Thresholds above which training from scratch must say why."""
    return _above(scratch_high(record), resolved.justification_above, "scratch.justificationAbove")


def approval_needed(record: DecisionRecord, resolved: Resolved) -> tuple[Exceeded, ...]:
    """Thresholds above which the plan needs a TrainingApproval."""
    return (
        *_above(plan_high(record), resolved.approval_above, "approvalAbove"),
        *_above(scratch_high(record), resolved.scratch_approval_above, "scratch.approvalAbove"),
    )


def demands(record: DecisionRecord) -> tuple[str, ...]:
    """What the plan needs before it starts under the policies it was decided under, in sentences, for whoever asks."""
    rules = record.resolved
    scratch = rules.get("scratch", {})
    resolved = Resolved(
        justification_above=_amounts(scratch.get("justificationAbove")),
        scratch_approval_above=_amounts(scratch.get("approvalAbove")),
        approval_above=_amounts(rules.get("approvalAbove")),
        sources={effect: tuple(names) for effect, names in rules.get("sources", {}).items()},
    )
    justify = [f"spec.justification: {one.sentence(resolved)}" for one in justification_needed(record, resolved)]
    approve = [f"a TrainingApproval: {one.sentence(resolved)}" for one in approval_needed(record, resolved)]
    return (*justify, *approve)


def not_covered(approved: DecisionRecord, record: DecisionRecord) -> str | None:
    """Why the yes to one decision is none to a later one of the same job; None where it is.

    One that only drops rungs is covered, as long as what the job has spent and may spend stays within the approved.
    """
    known = {_rung(rung) for rung in approved.ladder}
    more = [_rung(rung) for rung in record.ladder if _rung(rung) not in known]
    if more:
        return f"the plan has a new rung: {more[0]}"
    before, now = plan_high(approved), plan_high(record)
    for name, unit in FIELDS.items():
        most, high = getattr(before, name), getattr(now, name)
        if most is not None and high is None:
            return f"the plan's money is not known any more, and {_text(most)} {unit} was approved"
        if most is not None and high is not None and high > most:
            return f"the plan may use {_text(high)} {unit}, more than the {_text(most)} approved"
    return None


def approval_of(
    record: DecisionRecord,
    approvals: Iterable[TrainingApproval],
    earlier: Sequence[DecisionRecord],
    now: datetime,
    used: Collection[str] = (),
) -> TrainingApproval | tuple[str, ...]:
    """An approval that lets the decision start, or sentences about those that do not.

    `approvals` are those that name the job; `earlier` are its decisions that were approved or run before; `used` names
    the approvals under which an attempt of the job started. A yes covers the ladder to its last rung, so one that was
    used in time does not expire between two rungs.
    """
    known = {one.digest: one for one in (*earlier, record)}
    faults = []
    for approval in sorted(approvals, key=lambda one: one.metadata.name):
        clock = None if approval.metadata.name in used else now
        fault = _fault(approval, record, known.get(approval.spec.decision_digest), clock)
        if fault is None:
            return approval
        faults.append(f"TrainingApproval {approval.metadata.name} {fault}")
    more = [f"and {len(faults) - SHOWN} more TrainingApprovals"] if len(faults) > SHOWN else []
    return (*faults[:SHOWN], *more)


def _fault(
    approval: TrainingApproval, record: DecisionRecord, approved: DecisionRecord | None, now: datetime | None
) -> str | None:
    """Why an approval does not hold, by the clock unless `now` is None; None where it does."""
    spec = approval.spec
    if spec.job_uid != record.job_uid:
        return f"is for another TrainingJob of this name (uid {spec.job_uid})"
    if now is not None and spec.expires is not None and spec.expires <= now:
        return f"expired at {spec.expires:%Y-%m-%dT%H:%MZ}"
    if approved is None:
        return f"is for another decision ({spec.decision_digest[:19]}…)"
    why = not_covered(approved, record)
    return why and f"does not cover this decision: {why}"


def _counted_again(record: DecisionRecord) -> Decimal:
    """The prices of data and licences as often as rungs and what was spent hold them beyond the first time."""
    held = len(record.ladder) + (record.spent.cost is not None)
    return max(held - 1, 0) * (record.data_price or Decimal(0)) + (record.license_again or Decimal(0))


def _high(rungs: Iterable[Runnable], spent: SpentRecord, twice: Decimal = Decimal(0)) -> High:
    estimates = [rung.estimate for rung in rungs]
    costs = [one.cost.high for one in estimates if one.cost is not None]
    return High(
        energy_watt_hours=sum((one.energy_watt_hours.high for one in estimates), spent.energy_watt_hours),
        carbon_grams=sum((one.carbon_grams.high for one in estimates), spent.carbon_grams),
        cost=sum(costs, spent.cost or Decimal(0)) - twice if len(costs) == len(estimates) else None,
    )


def _amounts(wire: Mapping[str, Any] | None) -> Amounts | None:
    return Amounts.model_validate(wire) if wire else None


def _above(high: High | None, thresholds: Amounts | None, effect: str) -> tuple[Exceeded, ...]:
    if high is None or thresholds is None:
        return ()
    pairs = [(name, getattr(high, name), getattr(thresholds, name)) for name in AMOUNTS]
    return tuple(
        Exceeded(f"{effect}.{AMOUNTS[name]}", name, amount, Decimal(most))
        for name, amount, most in pairs
        if most is not None and (amount is None or amount > most)
    )


def _rung(rung: CandidateRecord) -> str:
    return f"{rung.method} of {rung.base_model.kind} {rung.base_model.name}" if rung.base_model else str(rung.method)


def _text(amount: Decimal) -> str:
    return f"{float(amount):.4g}"
