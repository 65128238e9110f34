"""`python -m dashboards.pictures`: draw every dashboard with what a running Prometheus answers, for the docs.

Grafana itself is not needed and not used: matplotlib lays the panels out as Grafana would and draws the answers of the
same queries. Colours and fonts are not Grafana's; queries, units, titles and figures are.
"""

from __future__ import annotations

import argparse
import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from rich.console import Console

from dashboards.board import COLUMNS, Board, Panel
from dashboards.boards import BOARDS
from devcluster.cluster import Cluster
from devcluster.paths import REPOSITORY_ROOT

TARGET = REPOSITORY_ROOT / "docs" / "dashboards"
RANGES = {"$__rate_interval": "2m", "$__range": "1h"}
UNITS = {"kwatth": "kWh", "massg": "g", "joule": "J", "watt": "W", "s": "s", "bytes": "B", "ops": "/s"}
INCHES_PER_COLUMN, INCHES_PER_ROW = 0.62, 0.34
POINTS = 240


@dataclass(frozen=True)
class Asked:
    """Which Prometheus is asked, what is put in for the choices of a board, and how far back time series reach."""

    url: str
    choices: Mapping[str, str]
    seconds: int


@dataclass(frozen=True)
class Series:
    """One answer: what it is called, and its values by time."""

    name: str
    moments: tuple[float, ...]
    values: tuple[float, ...]


def main() -> None:
    """Draw all boards into docs/dashboards."""
    parser = argparse.ArgumentParser(prog="dashboards.pictures", description=__doc__)
    parser.add_argument("--prometheus", help="address of a Prometheus; unset: the development cluster's")
    parser.add_argument("--namespace", default="coppice-demo", help="namespace to show (default: %(default)s)")
    parser.add_argument("--job", default="newswire-topics", help="job to show on its board (default: %(default)s)")
    parser.add_argument("--minutes", type=int, default=20, help="how far back time series reach (default: %(default)s)")
    arguments = parser.parse_args()
    url = arguments.prometheus or _of_the_cluster()
    mpl.use("agg")
    TARGET.mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        choices = RANGES | {"$namespace": arguments.namespace, "$trainingjob": arguments.job}
        Console().print(_draw(board, Asked(url, choices, arguments.minutes * 60)))


def _of_the_cluster() -> str:
    found = Cluster.load()
    if found is None or found.prometheus_url is None:
        raise SystemExit("there is no development cluster with a Prometheus; run `make demo`, or give --prometheus")
    return found.prometheus_url


def _draw(board: Board, asked: Asked) -> Path:
    places = _layout(board)
    depth = max(top + panel.height for panel, _, top in places) + 2
    width, height = COLUMNS * INCHES_PER_COLUMN, depth * INCHES_PER_ROW
    figure = plt.figure(figsize=(width, height))
    figure.suptitle(board.title, x=0.01, y=1 - 0.3 / height, ha="left", fontsize=14, fontweight="bold")
    for panel, left, top in places:
        margin = 0.09 if panel.kind == "bargauge" else 0.035
        box = (left / COLUMNS + margin, 1 - (top + 2 + panel.height - 1.4) / depth)
        size = (panel.width / COLUMNS - margin - 0.015, (panel.height - 2.8) / depth)
        axes = figure.add_axes((*box, *size))
        axes.set_title(panel.title, loc="left", fontsize=9, fontweight="bold")
        DRAW[panel.kind](axes, panel, _answers(panel, asked))
    path = TARGET / f"{board.uid}.png"
    figure.savefig(path, dpi=80)
    plt.close(figure)
    return path


def _layout(board: Board) -> list[tuple[Panel, int, int]]:
    """Each panel with its left and top edge: rows are filled from the left, as Grafana does."""
    places, top = [], 0
    for row in board.rows:
        left = tallest = 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                left, top, tallest = 0, top + tallest, 0
            places.append((panel, left, top))
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest
    return places


def _answers(panel: Panel, asked: Asked) -> list[Series]:
    found: list[Series] = []
    for query in panel.queries:
        expression = reduce(lambda text, choice: text.replace(*choice), asked.choices.items(), query.expression)
        for item in _ask(asked.url, expression, asked.seconds if panel.kind == "timeseries" else 0):
            pairs = item["values"] if "values" in item else [item["value"]]
            moments, values = zip(*((float(at), float(value)) for at, value in pairs), strict=True)
            name = _name(query.legend, item["metric"])
            if panel.kind == "table" and query.legend:
                name = f"{_name('', item['metric'])}, {name}"
            found.append(Series(name, moments, values))
    return found


def _ask(url: str, expression: str, seconds: int) -> list[dict[str, Any]]:
    now = time.time()
    wanted: dict[str, Any] = {"query": expression}
    if seconds:
        wanted |= {"start": now - seconds, "end": now, "step": max(seconds // POINTS, 1)}
    address = f"{url}/api/v1/query{'_range' if seconds else ''}?{urllib.parse.urlencode(wanted)}"
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - the cluster's own
        result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return result


def _name(legend: str, labels: Mapping[str, str]) -> str:
    if legend:
        named = reduce(lambda text, label: text.replace("{{" + label[0] + "}}", label[1]), labels.items(), legend)
        return re.sub(r"{{.*?}}", "none", named)
    return ", ".join(value for key, value in labels.items() if not key.startswith("__"))


def _timeseries(axes: Axes, panel: Panel, series: Sequence[Series]) -> None:
    for each in series:
        moments = [datetime.fromtimestamp(moment, tz=UTC) for moment in each.moments]
        axes.plot(moments, each.values, label=each.name[:60], linewidth=1.2)  # type: ignore[arg-type]
    axes.set_ylabel(UNITS.get(panel.unit, ""), fontsize=7)
    axes.tick_params(labelsize=6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    if series:
        axes.legend(fontsize=6, frameon=False, loc="upper left")


def _stat(axes: Axes, panel: Panel, series: Sequence[Series]) -> None:
    axes.axis("off")
    size = 16 if len(series) <= 1 else max(11 - len(series), 5)
    lines = [f"{each.name} {_figure(each.values[-1], panel.unit)}".strip() for each in series] or ["no data"]
    axes.text(0, 0.5, "\n".join(lines), fontsize=size, va="center", color="#1b6e3c")


def _bars(axes: Axes, panel: Panel, series: Sequence[Series]) -> None:
    names = [each.name[:50] or "none" for each in series]
    places = range(len(series))
    axes.barh(places, [each.values[-1] for each in series], color="#2c7fb8")
    for place, each in zip(places, series, strict=True):
        axes.text(each.values[-1], place, f" {_figure(each.values[-1], panel.unit)}", va="center", fontsize=6)
    axes.set_yticks(places, names, fontsize=6)
    axes.invert_yaxis()
    axes.tick_params(labelsize=6)
    axes.spines[["top", "right"]].set_visible(False)


def _table(axes: Axes, panel: Panel, series: Sequence[Series]) -> None:
    axes.axis("off")
    rows = [f"{each.name}   {_figure(each.values[-1], panel.unit)}" for each in series] or ["no data"]
    axes.text(0, 1, "\n".join(rows[:16]), fontsize=6.5, va="top", family="monospace")


def _figure(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{100 * value:.0f} %"
    return f"{value:,.4g} {UNITS.get(unit, '')}".strip()


DRAW = {"timeseries": _timeseries, "stat": _stat, "bargauge": _bars, "table": _table}

if __name__ == "__main__":
    main()
