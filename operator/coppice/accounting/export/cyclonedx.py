"""The model as a component of a CycloneDX 1.6 machine-learning bill of materials, with what making it took.

    https://cyclonedx.org/docs/1.6/json (read 2026-11-22): modelCard.considerations.environmentalConsiderations

The schema wants a provider for every energy consumption; who delivers the cluster's electricity is not known here, so
its source is `unknown` and the description says which intensity was used.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from coppice.accounting.export.modelcard import method_of
from coppice.accounting.units import JOULES_PER_KILOWATT_HOUR
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingjob_status import TotalsStatus
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Method

GRAMS_PER_TONNE = Decimal(10**6)


def bill(report: TrainingReport, now: datetime, software_version: str) -> dict[str, Any]:
    """The bill of materials as JSON. Raises ValueError for a report without totals."""
    totals = report.spec.totals
    if totals is None:
        raise ValueError(f"TrainingReport {report.metadata.name} holds no totals: nothing was run")
    tool = {"type": "application", "name": "coppice", "version": software_version}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": now.isoformat(timespec="seconds"),
            "tools": {"components": [tool]},
            "component": _component(report, totals),
        },
        "components": _bases(report),
        "dependencies": [{"ref": _reference(report), "dependsOn": [base["bom-ref"] for base in _bases(report)]}],
    }


def _component(report: TrainingReport, totals: TotalsStatus) -> dict[str, Any]:
    spec = report.spec
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": _reference(report),
        "name": spec.job,
        "group": report.metadata.namespace or "default",
        "version": spec.job_uid,
        "modelCard": {
            "modelParameters": _parameters(spec.request) if spec.request else {},
            "quantitativeAnalysis": {"performanceMetrics": _metrics(report)},
            "considerations": {"environmentalConsiderations": {"energyConsumptions": [_consumption(report, totals)]}},
        },
    }
    result = spec.result
    if result is not None and result.license:
        component["licenses"] = [{"expression": result.license}]
    if result is not None and result.model_digest:
        component["hashes"] = [{"alg": "SHA-256", "content": result.model_digest.removeprefix("sha256:")}]
    return component


def _parameters(request: TrainingJobSpec) -> dict[str, Any]:
    return {"task": request.task, "datasets": [{"type": "dataset", "name": request.dataset.uri}]}


def _metrics(report: TrainingReport) -> list[dict[str, str]]:
    result, request = report.spec.result, report.spec.request
    if result is None or result.quality is None or request is None:
        return []
    return [{"type": request.objective.metric.value, "value": f"{result.quality.normalize():f}"}]


def _consumption(report: TrainingReport, totals: TotalsStatus) -> dict[str, Any]:
    kilowatt_hours = float(totals.energy_joules / JOULES_PER_KILOWATT_HOUR)
    grams = totals.operational_grams + totals.embodied_grams
    energy = {"value": kilowatt_hours, "unit": "kWh"}
    carbon = totals.intensity_source or "no known intensity"
    return {
        "activity": _activity(report),
        "energyProviders": [
            {
                "description": f"Electricity of the cluster; carbon by {carbon}",
                "organization": {"name": "unknown"},
                "energySource": "unknown",
                "energyProvided": energy,
            }
        ],
        "activityEnergyCost": energy,
        "co2CostEquivalent": {"value": float(grams / GRAMS_PER_TONNE), "unit": "tCO2eq"},
        "properties": [
            {"name": "coppice:operationalGrams", "value": f"{totals.operational_grams.normalize():f}"},
            {"name": "coppice:embodiedGrams", "value": f"{totals.embodied_grams.normalize():f}"},
            {"name": "coppice:coverage", "value": f"{totals.coverage.normalize():f}"},
        ],
    }


def _activity(report: TrainingReport) -> str:
    """Of a workload that nobody decided about it is not known what it did."""
    if report.spec.workload is not None:
        return "other"
    return "training" if method_of(report) is Method.FROM_SCRATCH else "fine-tuning"


def _bases(report: TrainingReport) -> list[dict[str, Any]]:
    """The base models that attempts used, each once."""
    names = dict.fromkeys(
        f"{item.base_model.kind.value}/{item.base_model.name}" for item in report.spec.attempts if item.base_model
    )
    return [{"type": "machine-learning-model", "bom-ref": name, "name": name.partition("/")[2]} for name in names]


def _reference(report: TrainingReport) -> str:
    return f"{report.metadata.namespace}/{report.spec.job}@{report.spec.job_uid}"
