"""Strings ready for the columns of `kubectl get`: JSONPath does no arithmetic, so it is done here."""

from decimal import Decimal

from coppice.accounting.units import GRAMS_PER_KILOGRAM, JOULES_PER_KILOWATT_HOUR, MICROGRAM
from coppice.api.base import decimal_text, rounded
from coppice.api.trainingjob_status import TotalsStatus

DIGITS = 2
ROUNDING = 5 * MICROGRAM
"""Most that a sum of a few figures in whole micrograms is off."""


def kilowatt_hours_text(energy_joules: Decimal) -> str:
    """Joules as kilowatt-hours to two significant digits: `0.0015`."""
    return decimal_text(rounded(float(energy_joules / JOULES_PER_KILOWATT_HOUR), DIGITS))


def kilograms_text(grams: Decimal) -> str:
    """Grams as kilograms to two significant digits: `0.00083`."""
    return decimal_text(rounded(float(grams / GRAMS_PER_KILOGRAM), DIGITS))


def saved_text(totals: TotalsStatus | None) -> str:
    """Share of the counterfactual's carbon avoided, with its basis: `82 % (declared)`; empty where unknown.

    The counterfactual is what was avoided plus what was spent. Where the last rung trained from scratch after all,
    that is its own cost, and the share is what the rungs before it added, below 0. Where every rung with a base model
    missed and nothing was trained from scratch, nothing is left to take a share of.
    """
    if totals is None or totals.avoided is None:
        return ""
    counterfactual = totals.avoided.mid + carbon_grams(totals)
    if counterfactual <= ROUNDING:
        return ""
    return f"{round(totals.avoided.mid / counterfactual * 100)} % ({totals.avoided.basis.lower()})"


def carbon_grams(totals: TotalsStatus) -> Decimal:
    """Operational plus embodied carbon in gCO2e."""
    return totals.operational_grams + totals.embodied_grams
