"""What came out, as tables: the decisions, what they cost beside what was estimated, the job beside its control."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table

from demo.figures import Figures, plan
from demo.prometheus import Question, Sample
from demo.text import UNKNOWN, avoided, interval, number, quality, ratio


def decisions(rows: Sequence[Figures]) -> RenderableType:
    """What was decided for each job, why, and how it ended."""
    table = Table(
        "job", "decided", "why", "what ran", "quality", "target", "ended", title="Decided, and what came of it"
    )
    for row in rows:
        table.add_row(
            row.name,
            row.decided,
            row.decision.reason if row.decision else UNKNOWN,
            "\n".join(ran(row)) or "nothing",
            quality(row.quality, row.standard_error),
            quality(row.target),
            ended(row),
        )
    return table


def costs(rows: Sequence[Figures]) -> RenderableType:
    """What each job took, beside what was expected before it started (10th to 90th percentile of its first rung)."""
    headings = ("job", "CPU s", "run s", "expected", "energy Wh", "expected", "carbon g", "expected", "avoided gCO2e")
    table = Table(title="Cost, beside the estimate made before the start")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "job" else "right")
    for row in rows:
        table.add_row(
            row.name,
            number(row.cpu_seconds),
            number(row.run_seconds),
            interval(row.estimated_seconds),
            number(row.energy_watt_hours),
            interval(row.estimated_watt_hours),
            number(row.carbon_grams),
            interval(row.estimated_grams),
            avoided(row.avoided),
        )
    return table


def comparison(control: Figures, job: Figures) -> RenderableType:
    """The job beside its control; a control that missed the target is shown as missed."""
    table = Table(
        "", f"from scratch ({control.name})", f"{job.decided} ({job.name})", "ratio", title="The job beside its control"
    )
    rows = (
        ("CPU seconds", control.cpu_seconds, job.cpu_seconds),
        ("run time, s", control.run_seconds, job.run_seconds),
        ("energy, Wh", control.energy_watt_hours, job.energy_watt_hours),
        ("carbon, gCO2e", control.carbon_grams, job.carbon_grams),
    )
    for label, one, other in rows:
        table.add_row(label, number(one), number(other), ratio(one, other))
    found = (control, job)
    table.add_row("quality on the test part", *(quality(row.quality, row.standard_error) for row in found), "")
    table.add_row(f"target {quality(job.target)}", *(verdict(row) for row in found), "")
    return table


def rejections(row: Figures) -> str:
    """Why base models were not used: `of 22 looked at: DigestMissing 20, TaskMismatch 2`."""
    if row.decision is None or not row.decision.rejected:
        return f"{row.name}: none rejected"
    counted = sorted(row.decision.rejected.items(), key=lambda item: (-item[1], item[0]))
    return f"{row.name}: of {row.decision.considered} looked at, " + ", ".join(f"{word} {n}" for word, n in counted)


def answers(question: Question, samples: Sequence[Sample]) -> RenderableType:
    """A question to Prometheus and its answer, as it gave it."""
    table = Table(title=question.words, caption=question.expression, title_justify="left", caption_justify="left")
    labels = sorted({label for sample in samples for label in sample.labels})
    for label in labels:
        table.add_column(label, overflow="fold")
    table.add_column("value", justify="right")
    for sample in samples:
        table.add_row(*(sample.labels.get(label, "") for label in labels), number(sample.value))
    if not samples:
        table.add_row("no answer yet")
    return table


def ran(row: Figures) -> list[str]:
    """Each attempt with its outcome and quality."""
    return [
        f"{plan(str(attempt.method), attempt.base_model)}: {attempt.outcome} {quality(attempt.quality)}"
        for attempt in row.attempts
    ]


def verdict(row: Figures) -> str:
    """Whether the target was reached."""
    return {True: "met", False: "missed", None: "not judged"}[row.met]


def ended(row: Figures) -> str:
    """State, and the model that was registered."""
    return row.state + (f"\nregistered {row.registered.name}" if row.registered else "")
