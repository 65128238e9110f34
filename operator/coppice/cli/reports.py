"""Finished accounts, from the cluster or from directories of manifests."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from coppice.api.trainingreport import TrainingReport
from coppice.cli.cluster import cluster_of
from coppice.cli.documents import bodies
from coppice.cli.errors import UsageError

AGES = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


async def from_cluster(kubeconfig: str | None, namespace: str | None) -> list[TrainingReport]:
    """The reports of a namespace, or of all of them."""
    async with cluster_of(kubeconfig) as cluster:
        found, _ = await cluster.list("TrainingReport", namespace)
        return [TrainingReport.model_validate(body) for body in found]


def from_directories(paths: Sequence[Path], namespace: str | None) -> list[TrainingReport]:
    """The reports among manifests."""
    found = [body for path in paths for body in bodies(path) if body.get("kind") == "TrainingReport"]
    reports = [TrainingReport.model_validate(body) for body in found]
    return [report for report in reports if namespace in {None, report.metadata.namespace}]


def chosen(reports: Sequence[TrainingReport], job: str | None, since: datetime | None) -> list[TrainingReport]:
    """Those of a job (or with that name), completed since a moment, the oldest first."""
    kept = [report for report in reports if job in {None, report.spec.job, report.spec.subject, report.metadata.name}]
    recent = [report for report in kept if since is None or (completed(report) and completed(report) >= since)]  # type: ignore[operator]
    return sorted(recent, key=lambda report: (str(completed(report) or ""), report.metadata.name))


def completed(report: TrainingReport) -> datetime | None:
    """When the job finished."""
    return report.spec.completion_time or report.metadata.creation_timestamp


def moment(text: str, now: datetime) -> datetime:
    """A date, a time, or an age such as 7d. Raises UsageError for anything else."""
    age = re.fullmatch(r"(\d+)([mhdw])", text)
    if age:
        return now - timedelta(**{AGES[age[2]]: int(age[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--since {text}: say an age such as 7d or 12h, or a date such as 2026-05-01") from error
    return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)
