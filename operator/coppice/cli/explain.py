"""A job explained: why this plan, what ran, what came out, what it cost and what it saved."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from coppice.api.decision import DecisionRecord
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import AttemptStatus, TotalsStatus
from coppice.cli.figures import figure
from coppice.cli.learned import learned
from coppice.cli.names import Names
from coppice.cli.plan import decision_table


def explanation(body: dict[str, Any], record: DecisionRecord | None, related: list[dict[str, Any]]) -> RenderableType:
    """Everything about one job, in the order in which it happened."""
    job = TrainingJob.model_validate(body)
    parts: list[RenderableType] = [Text("Nothing is decided yet.")]
    if record is not None:
        parts = [decision_table(job, record), *learned(record)]
    status = job.status
    if status is None:
        return Group(*parts)
    if status.attempts:
        parts += [_attempts(status.attempts, record), *(Text(_ending(item)) for item in status.attempts)]
    parts += [Text(f"{item.type}: {item.status} ({item.reason}) {item.message}") for item in status.conditions]
    if status.totals is not None:
        parts.append(_totals(status.totals, record))
    reports = [item["metadata"]["name"] for item in related if item["kind"] == "TrainingReport"]
    parts += [Text(f"Report: kubectl get trainingreport {name} -o yaml") for name in reports]
    return Group(*parts)


def _attempts(attempts: list[AttemptStatus], record: DecisionRecord | None) -> Table:
    table = Table(title="Attempts", title_justify="left")
    for name in ("", "method", "base model", "outcome", "quality", "run time", "energy", "carbon"):
        table.add_column(name, overflow="fold", no_wrap=name in {"", "method", "outcome", "quality"})
    names = Names(record, [item.base_model for item in attempts])
    for item in attempts:
        energy = figure(float(item.energy_joules) / 3600, "Wh") if item.energy_joules is not None else "-"
        carbon = figure(float(item.carbon_grams), "g") if item.carbon_grams is not None else "-"
        quality = str(item.quality) if item.quality is not None else "-"
        seconds = figure(item.run_seconds, "s")
        base = names.of(item.base_model)
        table.add_row(str(item.number), item.method, base, item.outcome, quality, seconds, energy, carbon)
    return table


def _ending(item: AttemptStatus) -> str:
    """What happened in an attempt, and who says so."""
    said = f" ({item.evidence})" if item.quality is not None and item.evidence else ""
    return f"Attempt {item.number}: {item.message or item.outcome}{said}"


def _totals(totals: TotalsStatus, record: DecisionRecord | None) -> Table:
    table = Table(title="Account", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("figure", overflow="fold")
    table.add_row("energy", figure(float(totals.energy_joules) / 3600, "Wh"))
    for part in totals.parts:
        table.add_row(f"  {part.component}, {part.grade.lower()}", figure(float(part.joules) / 3600, "Wh"))
    table.add_row("operational carbon", f"{figure(float(totals.operational_grams), 'g')} CO2e")
    table.add_row("embodied carbon", f"{figure(float(totals.embodied_grams), 'g')} CO2e")
    table.add_row("intensity", f"{totals.intensity_grams_per_kilowatt_hour} g/kWh, {totals.intensity_source}")
    if record is not None:
        expected = sum(float(rung.estimate.energy_watt_hours.mid) for rung in record.ladder[:1])
        table.add_row("expected of the first rung", figure(expected, "Wh"))
    if totals.avoided is not None:
        avoided = totals.avoided
        spread = " to ".join(figure(float(value), "g") for value in (avoided.low, avoided.high))
        control = f", control {avoided.control}" if avoided.control else ""
        table.add_row(
            "avoided",
            f"{figure(float(avoided.mid), 'g')} CO2e ({spread}), basis {avoided.basis}{control}, "
            f"equal quality: {avoided.equal_quality}",
        )
    if totals.sci is not None and totals.sci.grams_per_model is not None:
        table.add_row(
            "SCI", f"{figure(float(totals.sci.grams_per_model), 'g')} CO2e per model that meets its objective"
        )
    return table
