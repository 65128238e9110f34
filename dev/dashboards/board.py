"""A dashboard as a value, and its JSON by Grafana's own builders."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import StackingMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "coppice"
COLUMNS = 24


@dataclass(frozen=True)
class Query:
    """A PromQL expression and what its series are called."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel. `unit` is an identifier of Grafana's; `kind` one of KINDS; `width` in columns of 24."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    width: int = 12
    height: int = 8
    stacked: bool = False


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Variable:
    """A choice at the top of the board: the values of a label, of series that earlier choices select."""

    name: str
    label: str
    series: str
    several: bool = True


@dataclass(frozen=True)
class Board:
    """One dashboard; `uid` is its file's name and its address."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    since: str = "now-7d"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Every panel."""
        return tuple(panel for row in self.rows for panel in row.panels)


def rendered(board: Board) -> str:
    """The dashboard's JSON, as Grafana's sidecar loads it."""
    builder = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .time(board.since, "now")
        .refresh("1m")
        .timezone("browser")
        .readonly()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .link(
            dashboard.DashboardLink("Coppice").type(models.DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(True)
        )
    )
    for variable in board.variables:
        builder = builder.with_variable(_variable(variable))
    for row in board.rows:
        builder = builder.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            builder = builder.with_panel(_panel(panel))
    whole: dict[str, Any] = json.loads(json.dumps(builder.build(), cls=JSONEncoder))
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _variable(variable: Variable) -> dashboard.QueryVariable:
    query = f"label_values({variable.series}, {variable.name})"
    built = dashboard.QueryVariable(variable.name).label(variable.label).datasource(DATASOURCE)
    built = built.query({"query": query, "refId": variable.name}).refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    built = built.sort(models.VariableSort.ALPHABETICAL_ASC)
    if not variable.several:
        return built
    everything = models.VariableOption(text="All", value="$__all", selected=True)
    return built.multi(True).include_all(True).current(everything)


def _panel(panel: Panel) -> Any:
    built = KINDS[panel.kind](panel).title(panel.title).description(panel.description).unit(panel.unit)
    built = built.datasource(DATASOURCE).span(panel.width).height(panel.height)
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expression).legend_format(query.legend or "__auto")
        target = target.ref_id(chr(ord("A") + number))
        if panel.kind == "table":
            target = target.format(PromQueryFormat.TABLE)
        built = built.with_target(target if panel.kind == "timeseries" else target.instant())
    return built


def _timeseries(panel: Panel) -> Any:
    built = timeseries.Panel()
    if not panel.stacked:
        return built
    return built.fill_opacity(40).stacking(common.StackingConfig().mode(StackingMode.NORMAL))


def _table(panel: Panel) -> Any:
    """One row for each set of labels, with a column for each query."""
    del panel
    merged = models.DataTransformerConfig(id_val="merge", options={})
    return table.Panel().with_transformation(merged)


def _stat(panel: Panel) -> Any:
    del panel
    return stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _bars(panel: Panel) -> Any:
    del panel
    return bargauge.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


KINDS: dict[str, Callable[[Panel], Any]] = {
    "timeseries": _timeseries,
    "stat": _stat,
    "bargauge": _bars,
    "table": _table,
}


def row(title: str, *panels: Panel) -> Row:
    """A row of panels."""
    return Row(title, panels)


def one(expression: str, legend: str = "") -> tuple[Query, ...]:
    """A single query."""
    return (Query(expression, legend),)


def several(*pairs: tuple[str, str]) -> tuple[Query, ...]:
    """Queries by expression and legend."""
    return tuple(Query(expression, legend) for expression, legend in pairs)
