"""`coppice approve JOB`: show the decision that a job waits with, and say yes to exactly that one.

The approval names the job's uid and the decision's digest as they stand when it is shown, so what is approved is what
was seen, also when something changes in between.
"""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
import yaml
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from coppice.adapters.cluster import ApiCluster
from coppice.api import conditions as c
from coppice.api.base import API_VERSION
from coppice.api.decision import DecisionRecord, SpentRecord, decode_record
from coppice.api.reasons import SuspendReason
from coppice.api.trainingapproval import TrainingApproval
from coppice.api.trainingjob import TrainingJob
from coppice.cli.cluster import cluster_of
from coppice.cli.errors import UsageError
from coppice.cli.figures import figure
from coppice.cli.names import Names
from coppice.cli.namespaces import current_namespace
from coppice.cli.screen import screen
from coppice.planning.approval import High, plan_high
from coppice.ports import AlreadyExists

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
Body = dict[str, Any]


def approve(
    job: Annotated[str, typer.Argument(help="Name of the TrainingJob that waits for an approval.")],
    message: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    expires: Annotated[
        str | None, typer.Option(help="How long it lets the job start: 30m, 24h, 7d. Unset: it does not lapse.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the manifest and create nothing.")] = False,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace of the job.")] = None,
    kubeconfig: Annotated[
        str | None, typer.Option(help="kubeconfig file; unset: KUBECONFIG, then ~/.kube/config.")
    ] = None,
) -> None:
    """Let the decision start that a job waits with. Needs the right to create TrainingApprovals."""
    until = datetime.now(UTC).replace(microsecond=0) + duration(expires) if expires else None
    where = namespace or current_namespace(kubeconfig)
    asyncio.run(_approve(kubeconfig, where, job, message=message, until=until, dry_run=dry_run))


async def _approve(
    kubeconfig: str | None, namespace: str, name: str, *, message: str, until: datetime | None, dry_run: bool
) -> None:
    async with cluster_of(kubeconfig) as cluster:
        body = await cluster.get("TrainingJob", namespace, name)
        if body is None:
            raise UsageError(f"there is no TrainingJob {name} in namespace {namespace}")
        job = TrainingJob.model_validate(body)
        record = awaited(job)
        manifest = approval_manifest(job, record, message=message, expires=until)
        if dry_run:
            print(yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True), end="")
            return
        screen().print(brief(job, record))
        created = await _create(cluster, manifest)
        screen().print(f"trainingapproval/{created} lets TrainingJob {namespace}/{name} start")


async def _create(cluster: ApiCluster, manifest: Body) -> str:
    """Create it under a free name; one that says the same already is success."""
    name = manifest["metadata"]["name"]
    for number in range(2, 20):
        try:
            return str((await cluster.create(manifest))["metadata"]["name"])
        except AlreadyExists as taken:
            if _same(taken.existing["spec"], manifest["spec"]):
                return str(manifest["metadata"]["name"])
        manifest["metadata"]["name"] = f"{name}-{number}"
    raise UsageError(f"there are too many TrainingApprovals called {name}: delete those that have expired")


def _same(one: Any, other: Any) -> bool:
    return all(one.get(field) == other.get(field) for field in ("job", "jobUid", "decisionDigest", "expires"))


def awaited(job: TrainingJob) -> DecisionRecord:
    """The decision that a job waits with. Raises UsageError, saying how it stands, where it waits for no approval."""
    status, name = job.status, job.metadata.name
    suspended = c.find(status.conditions if status else (), c.SUSPENDED)
    if status is None or suspended is None:
        raise UsageError(f"TrainingJob {name} has no decision yet: try again in a moment")
    if suspended.reason != SuspendReason.AWAITING_APPROVAL or not status.decision_record:
        state = c.find(status.conditions, c.SUCCEEDED)
        how = suspended if suspended.status == "True" or state is None else state
        raise UsageError(f"TrainingJob {name} waits for no approval: {how.reason}: {how.message}")
    return decode_record(status.decision_record)


def approval_manifest(job: TrainingJob, record: DecisionRecord, *, message: str, expires: datetime | None) -> Body:
    """The TrainingApproval of this decision of this life of the job."""
    spec: Body = {"job": job.metadata.name, "jobUid": job.metadata.uid, "decisionDigest": record.digest}
    spec |= {"expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ")} if expires else {}
    spec |= {"message": message} if message else {}
    name = f"{job.metadata.name}-{record.digest.removeprefix('sha256:')[:8]}"
    metadata = {"name": name, "namespace": job.metadata.namespace}
    body = {"apiVersion": API_VERSION, "kind": "TrainingApproval", "metadata": metadata, "spec": spec}
    TrainingApproval.model_validate(body)
    return body


def brief(job: TrainingJob, record: DecisionRecord) -> RenderableType:
    """The rungs with what each may use, all of them together, and why somebody has to say yes."""
    title = f"TrainingJob {job.metadata.namespace}/{job.metadata.name}: may use (high estimates, 90th percentile)"
    table = Table(title=title, title_justify="left")
    for name in ("", "method", "base model", "energy", "carbon", "money"):
        table.add_column(name, no_wrap=True)
    bare = record.model_copy(update={"probe": None, "ladder": (), "spent": SpentRecord()})
    names = Names(record)
    if record.probe is not None:
        models = ", ".join(map(names.of, record.probe.base_models))
        alone = plan_high(bare.model_copy(update={"probe": record.probe}))
        table.add_row("0", "probe of a sample", models, *_amounts(alone))
    for number, rung in enumerate(record.ladder, start=1):
        alone = plan_high(bare.model_copy(update={"ladder": (rung,)}))
        table.add_row(str(number), str(rung.method), names.of(rung.base_model), *_amounts(alone))
    table.add_section()
    table.add_row("", "all, with what was spent", "", *_amounts(plan_high(record)))
    suspended = c.find(job.status.conditions if job.status else (), c.SUSPENDED)
    lines = [
        Text(f"Decision: {record.reason}, {record.digest}"),
        Text(f"Waits: {suspended.message if suspended else ''}"),
    ]
    lines += [Text(f"Limitation: {text}") for text in record.limitations]
    lines += [Text(f"Justification: {job.spec.justification}")] if job.spec.justification else []
    return Group(table, *lines)


def _amounts(high: High) -> tuple[str, str, str]:
    money = "not known" if high.cost is None else f"{float(high.cost):.4g}"
    return figure(float(high.energy_watt_hours), "Wh"), f"{figure(float(high.carbon_grams), 'g')} CO2e", money


def duration(text: str) -> timedelta:
    """`30m`, `24h` or `7d`. Raises UsageError for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text)
    if found is None:
        raise UsageError(f"--expires {text}: say how long, such as 30m, 24h or 7d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
