"""`coppice report` and `coppice recompute`: what jobs took, and the same numbers once more from the report alone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table
from rich.text import Text

from coppice.accounting.export.cyclonedx import bill
from coppice.accounting.export.impactframework import manifest
from coppice.accounting.export.modelcard import emissions
from coppice.accounting.report import recompute as computed_again
from coppice.accounting.totals import energy_parts
from coppice.accounting.units import MICROGRAM
from coppice.api.base import decimal_text
from coppice.api.trainingreport import TrainingReport
from coppice.cli.errors import UsageError
from coppice.cli.namespaces import current_namespace
from coppice.cli.options import Kubeconfig, ask
from coppice.cli.reportpage import page
from coppice.cli.reports import chosen, from_cluster, from_directories, moment
from coppice.cli.reporttable import csv_text, row, table
from coppice.cli.screen import screen

DIFFERENT = 1
"""Exit code where the stored and the computed account differ."""


class Form(StrEnum):
    """How accounts are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    HTML = "html"
    MODEL_CARD = "model-card"
    IMPACT_FRAMEWORK = "impact-framework"
    CYCLONEDX = "cyclonedx"


EXPORTS: dict[Form, Callable[[TrainingReport], str]] = {
    Form.MODEL_CARD: lambda report: _yaml(emissions(report)),
    Form.IMPACT_FRAMEWORK: lambda report: _yaml(manifest(report)),
    Form.CYCLONEDX: lambda report: json.dumps(bill(report, datetime.now(UTC), version("coppice")), indent=2),
}
"""Forms of other tools, of one job each."""

Directories = Annotated[
    list[Path] | None, typer.Option("--reports", help="Directory or file of TrainingReports: no cluster is asked.")
]


def report(
    job: Annotated[str | None, typer.Argument(help="TrainingJob, or name of a report; unset: all.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace; unset: the current.")] = None,
    everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Every namespace.")] = False,
    since: Annotated[str | None, typer.Option(help="Only jobs that ended since: 7d, 12h, or a date.")] = None,
    output: Annotated[
        Form,
        typer.Option(
            "--output", "-o",
            help="table, json, csv; html: one page with plots; of one job: model-card (Hugging Face metadata), "
            "impact-framework (a manifest for if-run), cyclonedx (ML bill of materials).",
        ),
    ] = Form.TABLE,
    reports: Directories = None,
    kubeconfig: Kubeconfig = None,
) -> None:  # fmt: skip
    """Print what finished jobs took: energy, carbon, money, and what was avoided. Nothing is written."""
    now = datetime.now(UTC)
    found = _found(reports, kubeconfig, namespace, everywhere=everywhere)
    wanted = chosen(found, job, moment(since, now) if since else None)
    if job is not None and not wanted:
        raise UsageError(f"there is no report of a job {job}; kubectl get trainingreports -A lists all")
    if output in EXPORTS:
        print(_exported(wanted, output))
    elif output is Form.TABLE:
        screen().print(table(wanted))
    elif output is Form.JSON:
        print(json.dumps([row(item) for item in wanted], indent=2, ensure_ascii=False))
    else:
        print(csv_text(wanted) if output is Form.CSV else page(wanted, now), end="")


def recompute(
    name: Annotated[str, typer.Argument(help="Name of a TrainingReport, or of its job.")],
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace; unset: the current.")] = None,
    reports: Directories = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Compute a report's account once more from its recorded inputs, and compare: exit code 1 where they differ."""
    found = chosen(_found(reports, kubeconfig, namespace, everywhere=False), name, None)
    if not found:
        raise UsageError(f"there is no TrainingReport {name}; kubectl get trainingreports -A lists all")
    different = False
    for item in found:
        shown, equal = comparison(item)
        screen().print(shown)
        different = different or not equal
    if different:
        raise typer.Exit(DIFFERENT)


def comparison(stored: TrainingReport) -> tuple[Table, bool]:
    """Stored and computed figures side by side, and whether all are equal as they are rounded for storing.

    Raises UsageError for a report that holds no totals or no inputs.
    """
    totals = stored.spec.totals
    if totals is None:
        raise UsageError(f"TrainingReport {stored.metadata.name} holds no totals: nothing was run")
    try:
        account = computed_again(stored)
    except ValueError as error:
        raise UsageError(f"TrainingReport {stored.metadata.name} cannot be computed again: {error}") from error
    pairs = {
        "energy, J": (totals.energy_joules, sum(part.joules for part in energy_parts(account))),
        "operational, g": (totals.operational_grams, account.operational_grams.quantize(MICROGRAM)),
        "embodied, g": (totals.embodied_grams, account.embodied_grams.mid.quantize(MICROGRAM)),
    }
    whole = Table(title=f"TrainingReport {stored.metadata.namespace}/{stored.metadata.name}", title_justify="left")
    for heading in ("figure", "stored", "computed again", ""):
        whole.add_column(heading, justify="right" if heading in {"stored", "computed again"} else "left")
    for heading, (before, again) in pairs.items():
        equal = "equal" if before == again else Text("differs", "red")
        whole.add_row(heading, decimal_text(before), decimal_text(again), equal)  # type: ignore[arg-type]
    return whole, all(before == again for before, again in pairs.values())


def _exported(wanted: list[TrainingReport], form: Form) -> str:
    if len(wanted) != 1:
        names = ", ".join(item.metadata.name for item in wanted[:5]) or "none"
        raise UsageError(f"-o {form} is of one job: name one of these reports: {names}")
    try:
        return EXPORTS[form](wanted[0])
    except ValueError as error:
        raise UsageError(str(error)) from error


def _found(
    directories: list[Path] | None, kubeconfig: str | None, namespace: str | None, *, everywhere: bool
) -> list[TrainingReport]:
    if directories:
        return from_directories(directories, namespace)
    where = None if everywhere else namespace or current_namespace(kubeconfig)
    return ask(from_cluster(kubeconfig, where))


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True).rstrip()
