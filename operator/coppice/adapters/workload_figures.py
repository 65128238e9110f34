"""What metrics show of a workload that nobody decided about: the same figures as of a TrainingJob, where they apply.

They stand in the same series, so that every sum and every panel has them. The label `trainingjob` is kind and name,
such as job/nightly: a slash stands in no TrainingJob's name, so the two never meet in one series.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from coppice.adapters.job_figures import JobFigures
from coppice.api.trainingjob_status import TotalsStatus
from coppice.api.trainingreport import TrainingReport
from coppice.open_accounts import OpenAccount


def workload_figures(
    accounts: Iterable[OpenAccount], reports: Iterable[TrainingReport], since: datetime
) -> list[JobFigures]:
    """One for each name, for two lives of it would be two values of one series: what is open, else what ended last."""
    closed = sorted(_closed_figures(reports, since), key=lambda figures: figures.finished_at or since)
    reported = {figures.uid for figures in closed}
    open_ = [_open_figures(account) for account in accounts if account.workload.uid not in reported]
    return list({(figures.namespace, figures.name): figures for figures in (*closed, *open_)}.values())


def _open_figures(account: OpenAccount) -> JobFigures:
    """The figures of a workload whose account is open, as of the last round."""
    workload = account.workload
    return _figures(
        workload.namespace, str(workload), workload.uid, account.totals, profile=", ".join(account.profiles)
    )


def _closed_figures(reports: Iterable[TrainingReport], since: datetime) -> Iterator[JobFigures]:
    """The figures of workloads whose account was closed and that ended after a moment."""
    for report in reports:
        spec = report.spec
        if spec.workload is not None and spec.completion_time is not None and spec.completion_time >= since:
            namespace = report.metadata.namespace or ""
            yield _figures(namespace, spec.subject, spec.job_uid, spec.totals, finished_at=spec.completion_time)


def _figures(
    namespace: str,
    name: str,
    uid: str,
    totals: TotalsStatus | None,
    *,
    profile: str = "",
    finished_at: datetime | None = None,
) -> JobFigures:
    parts = totals.parts if totals else ()
    return JobFigures(
        namespace=namespace,
        name=name,
        uid=uid,
        info={"profile": profile},
        energy=tuple((part.component.value, part.grade.value, float(part.joules)) for part in parts),
        operational_grams=float(totals.operational_grams) if totals else None,
        embodied_grams=float(totals.embodied_grams) if totals else None,
        coverage=float(totals.coverage) if totals else None,
        cost=None if totals is None or totals.cost is None else float(totals.cost),
        accounted=finished_at is not None,
        finished_at=finished_at,
    )
