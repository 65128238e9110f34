"""A decision as a table: the ladder, what it is compared with, and why the others fell."""

from decimal import Decimal

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from coppice.api.base import decimal_text
from coppice.api.decision import CandidateRecord, DecisionRecord, ProbeRecord
from coppice.api.reasons import FitReason
from coppice.api.trainingjob import TrainingJob
from coppice.api.vocabulary import OptimizeFor
from coppice.cli.figures import figure, interval, percent
from coppice.cli.names import Names
from coppice.planning.approval import demands
from coppice.planning.decision import Refusal
from coppice.planning.replay import passed_over


def decision_table(job: TrainingJob, record: DecisionRecord) -> RenderableType:
    """The whole decision for people; the record's JSON holds every input."""
    where = f"{job.metadata.namespace}/{job.metadata.name}"
    parts: list[RenderableType] = [
        Panel(Text.assemble((f"{record.reason}: ", "bold green"), record.message), title=Text(f"TrainingJob {where}")),
        _ladder(record),
    ]
    if record.expected_saving_grams is not None:
        saving = interval(record.expected_saving_grams, "g")
        parts.append(Text(f"Expected saving: {saving} CO2e{_on_average(record)}"))
    others = _others(record)
    parts += [others] if others.row_count else []
    parts += [_rejections(record)] if record.rejected else []
    parts += _notes(record)
    return Group(*parts)


def _on_average(record: DecisionRecord) -> str:
    """Said where the middle of the saving says otherwise than its mean, by which the plan was chosen."""
    compared, saving, spent = record.counterfactual, record.expected_saving_grams, record.ladder_expected
    if record.optimize_for is not OptimizeFor.CARBON or compared is None or saving is None or spent is None:
        return ""
    mean = compared.estimate.expected - spent
    if (mean > 0) == (saving.mid > 0):
        return ""
    return f"; on average {figure(float(mean), 'g')}, as the rare dear runs from scratch weigh most"


def pue_of(record: DecisionRecord) -> str:
    """The power usage effectiveness where the first rung runs: its profile's, else the installation's."""
    return decimal_text(Decimal(record.first.estimate.inputs.get("pue", record.pue)))


def refusal_panel(job: TrainingJob, refusal: Refusal) -> RenderableType:
    """Why nothing would run."""
    text = Text.assemble((f"{refusal.reason}: ", "bold red"), refusal.message)
    panel = Panel(text, title=Text(f"TrainingJob {job.metadata.namespace}/{job.metadata.name}"))
    if refusal.record is None or not refusal.record.rejected:
        return panel
    return Group(panel, _rejections(refusal.record))


def _ladder(record: DecisionRecord) -> Table:
    profiles = ", ".join(dict.fromkeys(rung.profile for rung in record.ladder))
    title = f"Ladder: tried in this order, on {profiles}, until the objective is met"
    table = Table(title=title, title_justify="left")
    for name in ("", "what", "chance", "energy", "carbon", "run time"):
        table.add_column(name, overflow="fold")
    names = Names(record)
    if record.probe is not None:
        table.add_row("first", *_probe_row(record.probe, names))
        table.add_section()
    for number, rung in enumerate(record.ladder, start=1):
        table.add_row(str(number), *_row(rung, names))
    if record.counterfactual is not None:
        estimate = record.counterfactual.estimate
        table.add_section()
        basis = f"scratch, {record.counterfactual.basis.lower()}"
        energy, carbon = interval(estimate.energy_watt_hours, "Wh"), interval(estimate.carbon_grams, "g")
        table.add_row("vs", basis, "", *_lines(energy, carbon, interval(estimate.run_seconds, "s")), style="dim")
    return table


def _probe_row(probe: ProbeRecord, names: Names) -> tuple[str, ...]:
    estimate = probe.estimate
    return (
        "\n".join(("Probe", *map(names.of, probe.base_models))),
        f"{probe.examples + probe.held_out}\nexamples",
        *_lines(
            interval(estimate.energy_watt_hours, "Wh"),
            interval(estimate.carbon_grams, "g"),
            interval(estimate.run_seconds, "s"),
        ),
    )


def _row(candidate: CandidateRecord, names: Names) -> tuple[str, ...]:
    estimate = candidate.estimate
    base = f"\n{names.of(candidate.base_model)}" if candidate.base_model else ""
    return (
        f"{candidate.method}{base}",
        *_lines(
            f"{percent(float(candidate.chance.value))} {_learned(candidate)}",
            interval(estimate.energy_watt_hours, "Wh"),
            interval(estimate.carbon_grams, "g"),
            interval(estimate.run_seconds, "s"),
        ),
    )


def _lines(*cells: str) -> tuple[str, ...]:
    """Each with what stands in parentheses below it, so that the table fits a narrow terminal."""
    return tuple(cell.replace(" (", "\n(", 1) for cell in cells)


def _learned(candidate: CandidateRecord) -> str:
    count = candidate.chance.observations
    known = [f"n={count}"] if count else []
    known += ["probed"] if "probe" in candidate.chance.inputs else []
    if not known and candidate.chance.value != candidate.chance.prior:
        known = ["by other rungs"]
    return f"({', '.join(known) or 'prior'})"


def _others(record: DecisionRecord) -> Table:
    left_out = f" ({record.candidates_left_out} more are counted, not kept)" if record.candidates_left_out else ""
    title = f"Other candidates that fit, and why they stand on no ladder{left_out}"
    table = Table(title=title, title_justify="left", show_edge=False)
    for name in ("method", "base model", "chance", "energy", "carbon", "why not"):
        table.add_column(name, overflow="fold")
    names = Names(record)
    for item, why in passed_over(record):
        energy, carbon = interval(item.estimate.energy_watt_hours, "Wh"), interval(item.estimate.carbon_grams, "g")
        chance = percent(float(item.chance.value))
        table.add_row(str(item.method), names.of(item.base_model), chance, energy, carbon, why)
    return table


def _rejections(record: DecisionRecord) -> Table:
    title = f"Rejected: {sum(record.rejected.values())} of {record.considered} considered"
    table = Table(title=title, title_justify="left", show_edge=False)
    table.add_column("count", justify="right")
    table.add_column("reason")
    table.add_column("what it means, and the first case", overflow="fold")
    for reason, count in sorted(record.rejected.items(), key=lambda item: -item[1]):
        table.add_row(str(count), reason, f"{FitReason(reason).sentence} {record.rejections.get(reason, '')}".strip())
    return table


def _notes(record: DecisionRecord) -> list[RenderableType]:
    intensity = record.intensity
    lines = [
        f"Carbon at {intensity.grams_per_kilowatt_hour} g/kWh ({intensity.zone or 'no zone'}, {intensity.method}, "
        f"{intensity.signal}, {intensity.period}: {intensity.source}), PUE {pue_of(record)}. Estimates: middle "
        "(10th to 90th percentile).",
    ]
    lines += [f"Limitation: {text}" for text in record.limitations]
    lines += [f"Obligation: {text}" for text in record.obligations]
    lines += [f"Must be acknowledged: {text}" for text in record.unacknowledged]
    lines += [f"Needs {text}" for text in demands(record)]
    if record.policies:
        lines.append(f"Policies: {', '.join(record.policies)}")
    if record.forgone is not None:
        lines.append(f"Forgone: {record.forgone.method} of {Names(record).of(record.forgone.base_model)}")
    return [Text(line) for line in lines]
