"""Accounts as one HTML page that needs nothing else: plots drawn into it, and the table below them."""

import io
from collections.abc import Sequence
from datetime import datetime
from html import escape

from coppice.api.trainingreport import TrainingReport
from coppice.cli.errors import UsageError
from coppice.cli.reporttable import FIELDS, row

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222 }
svg { max-width: 100%; height: auto } .wide { overflow-x: auto } caption { text-align: left; font-weight: 600 }
table { border-collapse: collapse; font-size: 13px } th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd;
text-align: left; white-space: nowrap } td.figure { text-align: right; font-variant-numeric: tabular-nums }
"""
NUMBERS = {name for name in FIELDS if name.endswith(("Joules", "Grams", "Model", "Seconds")) and name != "baseModel"}


def page(reports: Sequence[TrainingReport], now: datetime) -> str:
    """The page. Raises UsageError where matplotlib, which draws the plots, is not installed."""
    plots = "\n".join(_plots(reports))
    head = "".join(f"<th>{escape(name)}</th>" for name in FIELDS)
    lines = "\n".join(f"<tr>{_cells(report)}</tr>" for report in reports)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Coppice: accounts of {len(reports)} jobs</title>
<style>{STYLE}</style></head><body>
<h1>Accounts of {len(reports)} jobs</h1>
<p>Written {escape(now.isoformat(timespec="minutes"))}. Facility energy of all attempts; carbon operational and
embodied. Measured: by a meter; Modelled: counted activity x a factor; Estimated: reserved time x expected power.</p>
{plots}
<div class="wide"><table><caption>Every figure</caption><thead><tr>{head}</tr></thead>
<tbody>
{lines}
</tbody></table></div>
</body></html>
"""


def _cells(report: TrainingReport) -> str:
    figures = row(report)
    return "".join(
        f'<td class="{"figure" if name in NUMBERS else "word"}">{escape(str(figures.get(name, "")))}</td>'
        for name in FIELDS
    )


def _plots(reports: Sequence[TrainingReport]) -> list[str]:
    names = [report.spec.subject for report in reports]
    rows = [row(report) for report in reports]

    def series(name: str, factor: float = 1.0) -> list[float]:
        return [float(item.get(name, 0)) * factor for item in rows]

    energy = {grade: series(f"{grade.lower()}Joules", 1 / 3600) for grade in ("Measured", "Modelled", "Estimated")}
    carbon = {"operational": series("operationalGrams"), "embodied": series("embodiedGrams")}
    avoided = {"avoided, low bound": series("avoidedLowGrams")}
    return [
        _bars("Energy by grade, Wh", names, energy),
        _bars("Carbon, gCO2e", names, carbon),
        _bars("Avoided carbon, gCO2e", names, avoided),
    ]


def _bars(title: str, names: Sequence[str], series: dict[str, list[float]]) -> str:
    """Stacked horizontal bars as SVG."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 (an extra of its own: nobody else needs it)

        mpl.use("svg")
        from matplotlib import pyplot as plt  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("the page's plots need matplotlib: pip install 'coppice[report]'") from error
    figure, axes = plt.subplots(figsize=(10, 1.2 + 0.35 * max(len(names), 1)), layout="constrained")
    places, left = range(len(names)), [0.0] * len(names)
    for label, values in series.items():
        axes.barh(places, values, left=left, label=label)
        left = [before + value for before, value in zip(left, values, strict=True)]
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_title(title, loc="left")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    plt.close(figure)
    return text.getvalue()[text.getvalue().index("<svg") :]
