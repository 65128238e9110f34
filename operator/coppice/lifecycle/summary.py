"""Strings ready for columns: JSONPath does no arithmetic, so kilowatt-hours and kilograms are written out."""

from decimal import Decimal

from coppice.accounting.summary import kilograms_text, kilowatt_hours_text, saved_text
from coppice.api.reasons import AttemptOutcome, StateReason
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingjob_status import SummaryStatus, TrainingJobStatus
from coppice.api.vocabulary import AttemptKind


def summary_of(spec: TrainingJobSpec, status: TrainingJobStatus, state: StateReason) -> SummaryStatus:
    """The columns of `kubectl get trainingjobs`."""
    current = status.attempts[-1] if status.attempts else None
    base = status.decision.base_model if status.decision else None
    if current is not None:
        base = current.base_model
    running = current is not None and current.outcome == AttemptOutcome.RUNNING
    trained = sum(item.kind is AttemptKind.TRAIN for item in status.attempts)
    joules = sum((item.energy_joules or Decimal(0) for item in status.attempts), Decimal(0))
    grams = sum((item.carbon_grams or Decimal(0) for item in status.attempts), Decimal(0))
    return SummaryStatus(
        state=state,
        base=base.name if base else "",
        accelerators=current.accelerators if current and running else 0,
        attempts=f"{trained}/{spec.max_attempts}" if status.attempts else "",
        energy_kilowatt_hours=kilowatt_hours_text(joules) if joules else "",
        carbon_kilograms=kilograms_text(grams) if grams else "",
        saved=saved_text(status.totals),
    )
