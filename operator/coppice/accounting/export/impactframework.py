"""The account as a manifest of the Green Software Foundation's Impact Framework, for `if-run` to compute again.

    https://if.greensoftware.foundation (read 2026-11-22): builtin plugins Multiply, Sum and Sci

One row holds the whole job, with the energy-weighted intensity, so that carbon-operational comes out as settled; a
second child has a row for each slot, and its aggregate is the same sum by another way.
"""

from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from coppice.accounting.units import JOULES_PER_KILOWATT_HOUR
from coppice.api.trainingjob_status import TotalsStatus
from coppice.api.trainingreport import EnergySlot, TrainingReport

PLUGINS = {
    "operational": {
        "method": "Multiply",
        "path": "builtin",
        "config": {"input-parameters": ["energy", "grid/carbon-intensity"], "output-parameter": "carbon-operational"},
        "parameter-metadata": {
            "outputs": {
                "carbon-operational": {
                    "unit": "gCO2eq",
                    "description": "operational carbon",
                    "aggregation-method": {"time": "sum", "component": "sum"},
                }
            }
        },
    },
    "carbon": {
        "method": "Sum",
        "path": "builtin",
        "config": {"input-parameters": ["carbon-operational", "carbon-embodied"], "output-parameter": "carbon"},
    },
    "sci": {"method": "Sci", "path": "builtin", "config": {"functional-unit": "models"}},
}


def manifest(report: TrainingReport) -> dict[str, Any]:
    """The manifest: energy in kWh, intensity in g/kWh, one model as the functional unit where the objective was met.

    Raises ValueError for a report without totals, or whose job ran for no time.
    """
    spec, totals = report.spec, report.spec.totals
    if totals is None or not totals.energy_joules:
        raise ValueError(f"TrainingReport {report.metadata.name} holds no energy: there is nothing to compute")
    start = min((item.start_time for item in spec.attempts if item.start_time), default=None) or spec.created_time
    met = totals.sci is not None and totals.sci.grams_per_model is not None
    job = {"pipeline": {"compute": ["operational", "carbon", *(["sci"] if met else [])]}}
    children: dict[str, Any] = {"job": job | {"inputs": [_whole(totals, start, met=met)]}}
    if spec.slots:
        slots = [_slot(slot, seconds) for slot, seconds in _with_seconds(spec.slots)]
        children["slots"] = {"pipeline": {"compute": ["operational"]}, "inputs": slots}
    return {
        "name": f"{report.metadata.namespace}/{spec.job}",
        "description": (
            f"Training of {spec.job}: all attempts, facility energy with PUE applied once; {totals.intensity_source}"
        ),
        "initialize": {"plugins": PLUGINS},
        "aggregation": {"metrics": ["carbon-operational"], "type": "time"},
        "tree": {"children": children},
    }


def _whole(totals: TotalsStatus, start: datetime | None, *, met: bool) -> dict[str, Any]:
    kilowatt_hours = totals.energy_joules / JOULES_PER_KILOWATT_HOUR
    row: dict[str, Any] = {
        "timestamp": start.isoformat() if start else "1970-01-01T00:00:00Z",
        "duration": max(totals.run_seconds, 1),
        "energy": float(kilowatt_hours),
        "grid/carbon-intensity": float(totals.operational_grams / kilowatt_hours),
        "carbon-embodied": float(totals.embodied_grams),
    }
    return row | ({"models": 1} if met else {})


def _with_seconds(slots: list[EnergySlot]) -> list[tuple[EnergySlot, int]]:
    """Each slot with its length: to the next one's start; the last as long as the shortest before it."""
    lengths = [max(int((after.start - slot.start).total_seconds()), 1) for slot, after in pairwise(slots)]
    return list(zip(slots, [*lengths, min(lengths, default=1)], strict=True))


def _slot(slot: EnergySlot, seconds: int) -> dict[str, Any]:
    return {
        "timestamp": slot.start.isoformat(),
        "duration": seconds,
        "energy": float(Decimal(slot.joules) / JOULES_PER_KILOWATT_HOUR),
        "grid/carbon-intensity": float(slot.grams_per_kilowatt_hour),
    }
