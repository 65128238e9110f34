"""Avoided carbon: the counterfactual minus everything spent; negative where substitution cost more.

    objective met by a base model    counterfactual - everything spent, probes and failures included
    met by the last rung, scratch    - what the rungs before it cost: the counterfactual was run, not avoided
    objective missed, or failed      - what was spent on substitution

The counterfactual is the control's account where one met the target (Measured), else the decision's estimate with
its own basis. Both arms are priced with the same intensity: a control's energy and an estimate's operational carbon are
restated with the job's.
"""

from decimal import Decimal
from typing import Literal

from coppice.accounting.account import Account
from coppice.accounting.control import met_target
from coppice.accounting.operational import operational_grams
from coppice.accounting.units import MICROGRAM
from coppice.api.base import Interval
from coppice.api.decision import CounterfactualRecord, EstimateRecord
from coppice.api.trainingjob_status import AvoidedStatus, TotalsStatus
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Basis

ONE = Decimal(1)
INTENSITY_INPUT = "gramsPerKilowattHour"
"""Name under which an estimate keeps the intensity it was made with."""

ROUNDING = Decimal("0.000001")
"""Relative difference of two intensities that only their rounding makes."""

EqualQuality = Literal["Yes", "No", "Unknown"]


def avoided(
    counterfactual: CounterfactualRecord | None,
    control: TrainingReport | None,
    *,
    spent: Account,
    on_substitution: Account | None,
    met: bool | None,
    from_scratch: bool = False,
) -> AvoidedStatus | None:
    """What the job avoided, in gCO2e; None where nothing was substituted or nothing is there to compare with.

    `spent` is the account of every attempt and `on_substitution` that of the attempts with a base model (None: there
    were none). `met` is False for a failed job too. `from_scratch` says that the scratch rung decided the job.
    """
    if on_substitution is None:
        return None
    basis = compared_basis(counterfactual, control)
    baseline = baseline_grams(counterfactual, control, spent)
    if basis is None or baseline is None:
        return None
    paired = control is not None and met_target(control)
    replaced = met is not False and not from_scratch
    low, mid, high = _difference(baseline, spent, paired=paired) if replaced else _lost(on_substitution)
    return AvoidedStatus(
        low=low.quantize(MICROGRAM),
        mid=mid.quantize(MICROGRAM),
        high=high.quantize(MICROGRAM),
        basis=basis,
        equal_quality=_equal_quality(control, met),
        control=control.metadata.name if control else "",
        control_quality=control.spec.result.quality if control and control.spec.result else None,
    )


def compared_basis(counterfactual: CounterfactualRecord | None, control: TrainingReport | None) -> Basis | None:
    """Where the counterfactual comes from: Measured where a control met the target."""
    if control is not None and met_target(control):
        return Basis.MEASURED
    return counterfactual.basis if counterfactual else None


def baseline_grams(
    counterfactual: CounterfactualRecord | None, control: TrainingReport | None, spent: Account
) -> Interval | None:
    """Carbon of the counterfactual in gCO2e, operational plus embodied."""
    totals = control.spec.totals if control is not None and met_target(control) else None
    if totals is not None:
        return _restated(totals, spent)
    return _estimate_restated(counterfactual.estimate, spent) if counterfactual else None


def _estimate_restated(estimate: EstimateRecord, spent: Account) -> Interval:
    """The estimate's carbon at the intensity that the job itself met, where it says which one it was made with."""
    made_with, met = Decimal(estimate.inputs.get(INTENSITY_INPUT, 0)), spent.grams_per_kilowatt_hour
    change = met / made_with - 1 if met is not None and made_with else Decimal(0)
    if abs(change) < ROUNDING:
        return estimate.carbon_grams
    carbon, operational = estimate.carbon_grams, estimate.operational_grams
    return Interval(
        low=carbon.low + operational.low * change,
        mid=carbon.mid + operational.mid * change,
        high=carbon.high + operational.high * change,
    )


def _restated(control: TotalsStatus, spent: Account) -> Interval:
    """The control's carbon at the job's intensity and with the job's range of embodied factors."""
    intensity = spent.grams_per_kilowatt_hour
    energy = control.energy_joules
    operational = control.operational_grams if intensity is None else operational_grams(energy, intensity)
    embodied, own = control.embodied_grams, spent.embodied_grams
    least, most = (own.low / own.mid, own.high / own.mid) if own.mid else (ONE, ONE)
    return Interval(low=operational + embodied * least, mid=operational + embodied, high=operational + embodied * most)


def _difference(baseline: Interval, spent: Account, *, paired: bool) -> tuple[Decimal, ...]:
    """Low, mid and high. Paired: both arms ran on the same kind of hardware and share its embodied factors."""
    own, operational = spent.embodied_grams, spent.operational_grams
    low, mid, high = operational + own.low, operational + own.mid, operational + own.high
    if paired:
        return tuple(sorted((baseline.low - low, baseline.mid - mid, baseline.high - high)))
    return baseline.low - high, baseline.mid - mid, baseline.high - low


def _lost(on_substitution: Account) -> tuple[Decimal, ...]:
    operational, embodied = on_substitution.operational_grams, on_substitution.embodied_grams
    return -(operational + embodied.high), -(operational + embodied.mid), -(operational + embodied.low)


def _equal_quality(control: TrainingReport | None, met: bool | None) -> EqualQuality:
    """Whether both reached the target; Unknown where nothing ran from scratch or there is no target."""
    if met is False or (control is not None and not met_target(control)):
        return "No"
    return "Yes" if control is not None and met is True else "Unknown"
