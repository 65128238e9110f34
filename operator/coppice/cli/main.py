"""`coppice`, also as `kubectl coppice`: plan before you train, explain what was decided, retry what failed."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import yaml
from rich.console import Console

from coppice.api.decision import DecisionRecord, SpentRecord
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.cli.approve import approve
from coppice.cli.documents import jobs, strictly
from coppice.cli.errors import UsageError
from coppice.cli.explain import explanation
from coppice.cli.history import decision_of, find_job, retried
from coppice.cli.plan import decision_table, refusal_panel
from coppice.cli.world import Catalogue, Installation, from_cluster, from_directories
from coppice.planning.decision import Refusal, decide
from coppice.ports import ClusterError

Answer = TypeVar("Answer")
PROGRAM = "kubectl coppice" if Path(sys.argv[0]).name.startswith("kubectl") else "coppice"

app = typer.Typer(
    name=PROGRAM,
    help="Train less: see what a base model would save before anything is trained, and what it saved after.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Kubeconfig = Annotated[str | None, typer.Option(help="kubeconfig file; unset: KUBECONFIG, then ~/.kube/config.")]
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace of the job.")]


class Output(StrEnum):
    """How a decision is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="table for people; json or yaml: the whole record.")
]


@app.command()
def plan(
    file: Annotated[Path, typer.Option("--file", "-f", help="Manifest with TrainingJobs; - reads standard input.")],
    catalogue: Annotated[
        list[Path] | None,
        typer.Option(
            help="Directory or file of manifests (base models, profiles, policies, reports): no cluster is asked."
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
    namespace: Namespace = None,
    zone: Annotated[str | None, typer.Option(help="Zone of the carbon intensity, for profiles that name none.")] = None,
    pue: Annotated[str | None, typer.Option(help="Power usage effectiveness, for profiles that state none.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Spec of the default TrainingPolicy, for namespaces that none selects.")
    ] = None,
    operator_namespace: Annotated[str, typer.Option(help="Where Coppice is installed.")] = "coppice-system",
    kubeconfig: Kubeconfig = None,
) -> None:
    """Print the decision the operator would make for a job. Nothing is written.

    Base models, profiles, policies and reports come from the cluster, or with --catalogue from manifests alone.
    """
    wanted = jobs(file, namespace)
    given = _installation(zone, pue, policy)
    if catalogue:
        world = from_directories(catalogue, given or Installation())
    else:
        world = _ask(from_cluster(kubeconfig, operator_namespace, given))
    for missing in world.missing:
        Console(stderr=True).print(f"[yellow]not read:[/] {missing}")
    for job in wanted:
        _show(job, _decided(job, world), output)


@app.command()
def explain(
    job: Annotated[str, typer.Argument(help="Name of the TrainingJob.")],
    output: OutputOption = Output.TABLE,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Explain what was decided for a job, what ran, and what came out."""
    body, reports = _ask(find_job(kubeconfig, namespace, job))
    record = decision_of(body, reports)
    if output is not Output.TABLE:
        if record is None:
            raise UsageError(f"TrainingJob {job} has no decision yet; see kubectl describe trainingjob {job}")
        _dump(record.wire(), output)
        return
    Console().print(explanation(body, record, reports))


@app.command()
def retry(
    job: Annotated[str, typer.Argument(help="Name of a finished TrainingJob.")],
    name: Annotated[str | None, typer.Option(help="Name of the new job. Unset: the old one's with a number.")] = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Create a new job from a finished one's spec; the old one, its report and its account stay."""
    created = _ask(retried(kubeconfig, namespace, job, name))
    metadata = created["metadata"]
    Console().print(f"trainingjob/{metadata['name']} created in {metadata['namespace']}, decided afresh")


app.command()(approve)


def _decided(job: TrainingJob, world: Catalogue) -> DecisionRecord | Refusal:
    now = datetime.now(UTC)
    return decide(job, world.resolved(job), world.world(job), spent=SpentRecord(), tried=(), now=now)


def _show(job: TrainingJob, decision: DecisionRecord | Refusal, output: Output) -> None:
    if isinstance(decision, Refusal):
        if output is Output.TABLE:
            Console().print(refusal_panel(job, decision))
        else:
            _dump({"refused": decision.reason, "message": decision.message}, output)
    elif output is Output.TABLE:
        Console().print(decision_table(job, decision))
    else:
        _dump(decision.wire(), output)


def _dump(value: object, output: Output) -> None:
    if output is Output.JSON:
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        print(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), end="")


def _installation(zone: str | None, pue: str | None, policy: Path | None) -> Installation | None:
    if zone is None and pue is None and policy is None:
        return None
    base = Installation()
    return Installation(
        zone=zone if zone is not None else base.zone,
        pue=Decimal(pue) if pue is not None else base.pue,
        default_policy=_policy(policy) if policy else base.default_policy,
    )


def _policy(path: Path) -> TrainingPolicySpec:
    return strictly(TrainingPolicySpec, yaml.safe_load(path.read_text()) or {}, str(path))


def _ask(question: Coroutine[Any, Any, Answer]) -> Answer:
    return asyncio.run(question)


def main() -> None:
    """Run the command line; what a user can mend is a sentence and exit code 2, never a traceback."""
    try:
        app()
    except (UsageError, ClusterError) as error:
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False)
        raise SystemExit(2) from error


__all__ = ["app", "main"]
