"""The report as text: tables in Markdown for the docs, the same for the terminal."""

from collections.abc import Iterable, Sequence

from coppice.planning.power import FITTED_POWER
from coppice.planning.utilisation import FITTED
from evaluation.estimates import TARGET, Line, Report
from evaluation.runs import Run
from evaluation.small import Trial, lines
from evaluation.statistics import Coverage


def markdown(report: Report, small: Sequence[Trial]) -> str:
    """The generated section of docs/estimates.md."""
    parts = [
        "Hours, given everything but the hours; each family is predicted from the others:",
        _table(report.hours),
        _verdict(report),
        "Power of accelerators as a share of the board's limit, given the hours, a family predicted from the others:",
        _table(report.power),
        *_small(small),
        _constants(report),
        "Every row of the hours, share of the dense peak over all billed hours:",
        _rows("left out", report.hour_rows),
        "Runs that were never fitted, because their hours, tokens or method are uncertain (see the notes in the data):",
        _rows("expected", report.check_rows),
        "Every row of the power, share of the limit (of TPU v3: chip and system over the chip's limit):",
        _rows("left out", report.power_rows),
    ]
    return "\n\n".join(parts) + "\n"


def _small(found: Sequence[Trial]) -> list[str]:
    """The small jobs, where the record of this project's own runs is there."""
    if not found:
        return []
    machines = ", ".join(sorted({trial.row.machine for trial in found}))
    head = [
        "| method | runs | median error | 90th percentile | expected / taken | 80 % intervals that held | one rate |",
        "| --- " * 7 + "|",
    ]
    rows = [
        f"| {line.method} | {line.model.count} | {_percent(line.model.median)} | {_percent(line.model.ninetieth)} "
        f"| {line.bias:.2f} | {_held(line.held)} | {_percent(line.constant.median)} |"
        for line in lines(found)
    ]
    words = (
        f"Small jobs, run by this project on {machines} with the built-in trainer (`python -m trials`): processor "
        "seconds, estimated before the run, when nobody knows at which epoch it will stop:"
    )
    return [words, "\n".join([*head, *rows])]


def _table(lines: Iterable[Line]) -> str:
    head = [
        "| | rows | median error | 90th percentile | 80 % intervals that held (95 % interval) |",
        "| --- " * 5 + "|",
    ]
    return "\n".join([*head, *(_line(line) for line in lines)])


def _line(line: Line) -> str:
    found = line.errors
    held = _held(line.coverage) if line.coverage else ""
    return f"| {line.name} | {found.count} | {_percent(found.median)} | {_percent(found.ninetieth)} | {held} |"


def _held(found: Coverage) -> str:
    share = found.inside / found.count
    return f"{found.inside} of {found.count}, {_percent(share)} ({_percent(found.low)} to {_percent(found.high)})"


def _verdict(report: Report) -> str:
    large = next(line for line in report.hours if "from 1 B" in line.name)
    reached = "met" if large.errors.median <= TARGET else f"missed by {_percent(large.errors.median - TARGET)}"
    return (
        f"The aim for large runs is a median error of {_percent(TARGET)}: {reached}. The sigma of hours at which 80 % "
        f"of left-out rows lie within their interval is {report.hour_sigma:.2f}, of power {report.power_sigma:.2f}."
    )


def _constants(report: Report) -> str:
    one, other = report.hour_constants, report.power_constants
    return (
        f"Constants that come out (in the code): sustained {one.sustained:.3f} ({FITTED.sustained}), traffic "
        f"{one.traffic_bytes:.0f} bytes ({FITTED.traffic_bytes:.0f}), network {one.network:.3f} ({FITTED.network}), "
        f"goodput {one.goodput:.4f} ({FITTED.goodput}); top {other.top:.3f} ({FITTED_POWER.top}), rise "
        f"{other.rise:.3f} ({FITTED_POWER.rise}), half {other.half:.3g} ({FITTED_POWER.half:.3g})."
    )


def _rows(second: str, rows: Iterable[tuple[Run, float, float]]) -> str:
    lines = [f"| run | published | {second} |", "| --- | --- | --- |"]
    lines += [f"| {run.id} | {_percent(found)} | {_percent(expected)} |" for run, found, expected in rows]
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
