"""Accounts as rows: for people, for spreadsheets, and for programs."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.table import Table

from coppice.api.base import decimal_text
from coppice.api.trainingreport import TrainingReport
from coppice.cli.figures import figure
from coppice.cli.reports import completed

FIELDS = (
    "namespace", "job", "completed", "state", "method", "baseModel", "quality", "energyJoules", "measuredJoules",
    "modelledJoules", "estimatedJoules", "coverage", "operationalGrams", "embodiedGrams", "gramsPerModel",
    "avoidedLowGrams", "avoidedMidGrams", "avoidedHighGrams", "basis", "cost", "runSeconds", "report",
)  # fmt: skip
"""Columns of the CSV, units in their names."""


def row(report: TrainingReport) -> dict[str, Any]:
    """One report's figures by FIELDS; what is not known is absent."""
    spec, totals = report.spec, report.spec.totals
    last = spec.attempts[-1] if spec.attempts else None
    when = completed(report)
    figures: dict[str, Any] = {
        "namespace": report.metadata.namespace,
        "job": spec.subject,
        "completed": when.isoformat() if when else None,
        "state": spec.state,
        "method": last.method.value if last else None,
        "baseModel": last.base_model.name if last and last.base_model else None,
        "quality": _text(spec.result.quality if spec.result else None),
        "report": report.metadata.name,
    }
    if totals is not None:
        grades = {grade: sum(part.joules for part in totals.parts if part.grade == grade) for grade in _GRADES}
        figures |= {
            "energyJoules": _text(totals.energy_joules),
            **{name: _text(Decimal(grades[grade])) for grade, name in _GRADES.items()},
            "coverage": _text(totals.coverage),
            "operationalGrams": _text(totals.operational_grams),
            "embodiedGrams": _text(totals.embodied_grams),
            "gramsPerModel": _text(totals.sci.grams_per_model if totals.sci else None),
            "cost": _text(totals.cost),
            "runSeconds": totals.run_seconds,
        }
        if totals.avoided is not None:
            bounds = {f"avoided{name.title()}Grams": _text(getattr(totals.avoided, name)) for name in _BOUNDS}
            figures |= bounds | {"basis": totals.avoided.basis.value}
    return {name: figures[name] for name in FIELDS if figures.get(name) is not None}


def csv_text(reports: Sequence[TrainingReport]) -> str:
    """A line a report under a line of names."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row(report) for report in reports)
    return stream.getvalue()


def table(reports: Sequence[TrainingReport]) -> Table:
    """A line a report for people, and the sums; avoided counts Measured and Declared bases by their low bound."""
    whole = Table(title="Accounts of finished jobs", title_justify="left", show_footer=len(reports) > 1)
    totals = [report.spec.totals for report in reports if report.spec.totals]
    energy = sum(float(item.energy_joules) for item in totals) / 3600
    carbon = sum(float(item.operational_grams + item.embodied_grams) for item in totals)
    saved = sum(float(item.avoided.low) for item in totals if item.avoided and item.avoided.basis != "Assumed")
    footers = ("", f"{len(reports)} jobs", "", "", figure(energy, "Wh"), figure(carbon, "g"), figure(saved, "g"), "")
    names = ("namespace", "job", "ended", "method", "energy", "carbon", "avoided, low", "basis")
    for name, footer in zip(names, footers, strict=True):
        whole.add_column(name, footer=footer, overflow="fold", no_wrap=name == "job")
    for report in reports:
        whole.add_row(*_cells(report))
    return whole


def _cells(report: TrainingReport) -> tuple[str, ...]:
    figures, totals = row(report), report.spec.totals
    how = " of ".join(str(figures[name]) for name in ("method", "baseModel") if name in figures)
    start = (str(figures["namespace"]), str(figures["job"]), str(figures["state"]), how or "-")
    if totals is None:
        return (*start, "-", "-", "-", "-")
    energy = figure(float(totals.energy_joules) / 3600, "Wh")
    carbon = figure(float(totals.operational_grams + totals.embodied_grams), "g")
    avoided = totals.avoided
    return (
        *start,
        energy,
        carbon,
        figure(float(avoided.low), "g") if avoided else "-",
        avoided.basis if avoided else "-",
    )


_GRADES = {"Measured": "measuredJoules", "Modelled": "modelledJoules", "Estimated": "estimatedJoules"}
_BOUNDS = ("low", "mid", "high")


def _text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)
