"""Dashboards and rules ask for what the operator exports, say what they show, and lead to a page that helps."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coppice.adapters.budget_metrics import BudgetMetrics
from coppice.adapters.exporter import Exporter, Snapshot
from coppice.adapters.process_metrics import ProcessMetrics, registry_with
from coppice.adapters.process_state import ProcessState
from dashboards.board import Board, rendered
from dashboards.boards import BOARDS
from dashboards.rules import ALERTS, RECORDINGS

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
NAME = re.compile(r"\b(coppice_[a-z_]+|process_[a-z_]+|namespace(?:_trainingjob)?:coppice_[a-z_:]+)")
FROM_THE_PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}


def exported() -> set[str]:
    """Names of every series that /metrics can show, and of what the rules record."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    registry = registry_with(Exporter(lambda: Snapshot(now=now, leader=True)), BudgetMetrics(list))
    ProcessMetrics(registry, lambda: now)
    ProcessState(registry, lambda: True, lambda: 0, lambda: 0)
    names = {recording.name for recording in RECORDINGS} | FROM_THE_PROCESS
    for family in registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names |= {family.name + suffix for suffix in suffixes}
    return names


def expressions() -> Iterator[tuple[str, str]]:
    """Where each expression stands, and what it is."""
    for board in BOARDS:
        for panel in board.panels:
            for query in panel.queries:
                yield f"{board.uid}: {panel.title}", query.expression
        for variable in board.variables:
            yield f"{board.uid}: {variable.name}", variable.series
    for alert in ALERTS:
        yield alert.name, alert.expression
    for recording in RECORDINGS:
        yield recording.name, recording.expression


def test_every_series_asked_for_is_exported_or_recorded() -> None:
    known = exported()
    unknown = {place: names for place, text in expressions() if (names := set(NAME.findall(text)) - known)}
    assert unknown == {}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_every_panel_says_what_it_shows_and_in_which_unit(board: Board) -> None:
    panels = [panel for row in json.loads(rendered(board))["panels"] for panel in row.get("panels") or [row]]
    shown = [panel for panel in panels if panel["type"] != "row"]
    assert len(shown) == len(board.panels)
    for panel in shown:
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        assert all(target["expr"] for target in panel["targets"]), panel["title"]


def test_boards_have_addresses_of_their_own() -> None:
    assert len({board.uid for board in BOARDS}) == len(BOARDS)


def test_no_expression_knows_an_installation() -> None:
    constant = re.compile(r'(namespace|trainingjob|instance|pod)="[^$]')
    assert [place for place, text in expressions() if constant.search(text)] == []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_has_a_page_that_says_what_it_means_and_what_to_do(alert: object) -> None:
    page = (RUNBOOKS / f"{alert.name}.md").read_text(encoding="utf-8")  # type: ignore[attr-defined]
    for heading in (f"# {alert.name}", "## What it means", "## What to do"):  # type: ignore[attr-defined]
        assert heading in page
