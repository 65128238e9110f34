"""The footprint as a Hugging Face model card's metadata holds it: `co2_eq_emissions`.

    https://huggingface.co/docs/hub/model-cards-co2 (read 2026-11-22): emissions in grams of CO2, source,
    training_type, geographical_location, hardware_used

The card has one number; what it leaves out (embodied share, interval, grade) is said in `source`.
"""

from decimal import Decimal
from typing import Any

from coppice.accounting.record import decode_account_record
from coppice.accounting.use import AttemptUse
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Method


def emissions(report: TrainingReport) -> dict[str, Any]:
    """The `co2_eq_emissions` block. Raises ValueError for a report without totals: then nothing is known."""
    totals = report.spec.totals
    if totals is None:
        raise ValueError(f"TrainingReport {report.metadata.name} holds no totals: nothing was run")
    grades = ", ".join(sorted({part.grade.value for part in totals.parts}))
    total = totals.operational_grams + totals.embodied_grams
    told = (
        f"Coppice, TrainingReport {report.metadata.namespace}/{report.metadata.name}: operational "
        f"{totals.operational_grams.normalize():f} g and embodied {totals.embodied_grams.normalize():f} g of all "
        f"attempts; energy {grades}; intensity {totals.intensity_source or 'unknown'}"
    )
    block: dict[str, Any] = {"emissions": float(total), "source": told}
    if report.spec.workload is None:  # what a workload did that nobody decided about is not known
        block["training_type"] = training_type(report)
    return {"co2_eq_emissions": block | {"hardware_used": hardware_used(report)}}


def training_type(report: TrainingReport) -> str:
    """`pre-training` or `fine-tuning`, of the attempt whose model was kept."""
    return "pre-training" if method_of(report) is Method.FROM_SCRATCH else "fine-tuning"


def method_of(report: TrainingReport) -> Method | None:
    """How the kept model was made; None where no attempt gave one."""
    result = report.spec.result
    return next((item.method for item in report.spec.attempts if result and item.number == result.attempt), None)


def _used(use: AttemptUse) -> str:
    accelerators = sum(pod.accelerators for pod in use.pods)
    cores = sum((pod.cpu_request for pod in use.pods), Decimal(0))
    what = f"{accelerators} accelerators" if accelerators else f"{cores.normalize():f} CPU cores"
    return f"{what} of {len(use.pods)} pods ({use.profile.metadata.name})"


def hardware_used(report: TrainingReport) -> str:
    """Accelerators and profile of each attempt, in words; of a workload those of each of its profiles."""
    if report.spec.workload is not None:
        return "; ".join(_used(use) for use in decode_account_record(report.spec.account_record).uses())
    used = [
        f"{attempt.accelerators} accelerators ({attempt.profile})"
        if attempt.accelerators
        else f"{attempt.cpu_cores.normalize():f} CPU cores ({attempt.profile})"
        for attempt in report.spec.attempts
    ]
    return "; ".join(dict.fromkeys(used))
