"""Strings ready for columns: JSONPath does no arithmetic, so kilowatt-hours and kilograms are written out."""

from decimal import Decimal

from coppice.api.base import decimal_text, rounded
from coppice.api.reasons import AttemptOutcome, StateReason
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingjob_status import SummaryStatus, TotalsStatus, TrainingJobStatus

JOULES_PER_KILOWATT_HOUR = 3.6e6


def summary_of(spec: TrainingJobSpec, status: TrainingJobStatus, state: StateReason) -> SummaryStatus:
    """The columns of `kubectl get trainingjobs`."""
    current = status.attempts[-1] if status.attempts else None
    base = status.decision.base_model if status.decision else None
    if current is not None:
        base = current.base_model
    running = current is not None and current.outcome == AttemptOutcome.RUNNING
    joules = sum((item.energy_joules or Decimal(0) for item in status.attempts), Decimal(0))
    grams = sum((item.carbon_grams or Decimal(0) for item in status.attempts), Decimal(0))
    return SummaryStatus(
        state=state,
        base=base.name if base else "",
        accelerators=current.accelerators if current and running else 0,
        attempts=f"{len(status.attempts)}/{spec.max_attempts}" if status.attempts else "",
        energy_kilowatt_hours=_text(float(joules) / JOULES_PER_KILOWATT_HOUR) if joules else "",
        carbon_kilograms=_text(float(grams) / 1000) if grams else "",
        saved=saved_text(status.totals),
    )


def saved_text(totals: TotalsStatus | None) -> str:
    """Share of the counterfactual's carbon that was avoided, with its basis: `82 % (measured)`."""
    if totals is None or totals.avoided is None:
        return ""
    counterfactual = totals.avoided.mid + totals.operational_grams + totals.embodied_grams
    if counterfactual <= 0:
        return ""
    return f"{round(100 * totals.avoided.mid / counterfactual)} % ({totals.avoided.basis.lower()})"


def _text(value: float) -> str:
    return decimal_text(rounded(value, 3))
