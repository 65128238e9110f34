"""What came out, as tables: what was decided, what it cost beside what was expected, the job beside its control."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table

from coppice.api.base import Interval
from coppice.api.trainingjob_status import AvoidedStatus
from coppice.api.vocabulary import Basis
from demo.figures import AttemptFigures, Figures
from demo.prometheus import Question, Sample
from demo.text import UNKNOWN, Number, avoided, interval, number, quality, ratio


def decisions(rows: Sequence[Figures]) -> RenderableType:
    """What was decided for each job and why, what ran, and how it ended."""
    table = _table("What was decided, and what came of it", "job", "decided before anything ran", "what ran", "ended")
    for row in rows:
        why = f"{row.decided}\n{row.first.reason if row.first else ''}".rstrip()
        table.add_row(row.name, why, "\n".join(ran(row)) or "nothing", ended(row))
    return table


def costs(rows: Sequence[Figures]) -> RenderableType:
    """What every attempt took, and below it what was expected before it started (10th to 90th percentile)."""
    title = "What it cost (below: expected before the start)"
    table = _table(title, "job and attempt", "run time s", "CPU s", "energy Wh", "carbon gCO2e", right=True)
    for row in rows:
        for attempt in row.attempts:
            table.add_row(f"{row.name}\n{attempt.plan}", *_costs_of(attempt))
    return table


def savings(rows: Sequence[Figures]) -> RenderableType:
    """Carbon avoided by jobs that may substitute: the counterfactual minus everything spent, with its basis."""
    table = _table(
        "Carbon avoided against training from scratch", "job", "spent gCO2e", "avoided gCO2e", "compared with"
    )
    for row in rows:
        if row.avoided is not None:
            table.add_row(row.name, number(row.carbon_grams), avoided(row.avoided), compared_with(row.avoided))
    return table


def compared_with(saved: AvoidedStatus) -> str:
    """The basis of a saving, and what it is: a control that ran, or a plan that did not."""
    if saved.basis is Basis.MEASURED:
        return f"{saved.basis}: the control's report {saved.control}"
    beside = f"; the control {saved.control} missed the target" if saved.control else ""
    return f"{saved.basis}: the job's own plan from scratch, not run{beside}"


def comparison(control: Figures, job: Figures) -> RenderableType:
    """The job beside its control; a control that missed the target is shown as missed."""
    table = _table("The job beside its control", "", control.name, job.name, "ratio", right=True)
    table.add_row("what ran", *("\n".join(attempt.plan for attempt in row.attempts) for row in (control, job)), "")
    rows = (
        ("CPU seconds", control.cpu_seconds, job.cpu_seconds),
        ("run time s", control.run_seconds, job.run_seconds),
        ("energy Wh", control.energy_watt_hours, job.energy_watt_hours),
        ("carbon gCO2e", control.carbon_grams, job.carbon_grams),
    )
    for label, one, other in rows:
        table.add_row(label, number(one), number(other), ratio(one, other))
    found = (control, job)
    table.add_row(f"{job.metric} on the test part", *(quality(row.quality, row.standard_error) for row in found), "")
    table.add_row(f"target {job.target}", *(verdict(row) for row in found), "")
    return table


def rejections(row: Figures) -> str:
    """Why base models were not used: `of 22 looked at, DigestMissing 20, TaskMismatch 2`."""
    if row.first is None or not row.first.rejected:
        return f"{row.name}: none rejected"
    counted = sorted(row.first.rejected.items(), key=lambda item: (-item[1], item[0]))
    return f"{row.name}: of {row.first.considered} looked at, " + ", ".join(f"{word} {n}" for word, n in counted)


def answer(question: Question, samples: Sequence[Sample]) -> str:
    """A question to Prometheus, the expression that asks it, and its answer."""
    lines = [question.words, f"  {question.expression}"]
    lines += [f"    {_labels(sample)} {number(sample.value)}" for sample in samples]
    return "\n".join(lines if samples else [*lines, "    no answer yet"])


def ran(row: Figures) -> list[str]:
    """Each attempt with its outcome and quality."""
    return [
        f"{attempt.plan}: {attempt.outcome} {quality(attempt.quality, attempt.standard_error)}"
        for attempt in row.attempts
    ]


def verdict(row: Figures) -> str:
    """Whether the target was reached."""
    return {True: "met", False: "missed", None: "not judged"}[row.met]


def ended(row: Figures) -> str:
    """State, target, and the model that was registered."""
    target = f" (target {row.target})" if row.target is not None else ""
    return f"{row.state}{target}" + (f"\nregistered {row.registered.name}" if row.registered else "")


def _costs_of(attempt: AttemptFigures) -> tuple[str, ...]:
    expected = attempt.expected
    return (
        _beside(attempt.run_seconds, expected.run_seconds if expected else None),
        number(attempt.cpu_seconds),
        _beside(attempt.energy_watt_hours, expected.energy_watt_hours if expected else None),
        _beside(attempt.carbon_grams, expected.carbon_grams if expected else None),
    )


def _beside(value: Number | None, expected: Interval | None) -> str:
    return f"{number(value)}\n{interval(expected) if expected else UNKNOWN}"


def _labels(sample: Sample) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items())) + "}"


def _table(title: str, first: str, *others: str, right: bool = False) -> Table:
    table = Table(title=title, title_justify="left", show_lines=True)
    table.add_column(first, overflow="fold")
    for heading in others:
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    return table
