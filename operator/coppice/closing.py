"""Closing the account of a workload: the report first, then the ledger by what stands in it.

A process that is killed between the two leaves a report, and whoever comes next settles by that one: the ledger and the
report agree whatever happens in between, also when the workload, its pods or its label are gone by then.
"""

from collections.abc import Mapping
from typing import Any

from coppice.accounting.settlement import vanished_settlement
from coppice.accounting.workload import workload_settlement
from coppice.api.labels import JOB_UID_LABEL
from coppice.api.trainingledger import LedgerEntry
from coppice.api.trainingreport import TrainingReport
from coppice.index import Index
from coppice.lifecycle.workload import ending_in
from coppice.ports import AlreadyExists, Cluster, Forbidden, Ledger, NotFound
from coppice.readable import Readable
from coppice.workloads.accounted import SeenWorkload
from coppice.workloads.names import second_report_name, workload_report_name


class Closing:
    """The last writes of an account; each may be repeated."""

    def __init__(self, cluster: Cluster, ledger: Ledger, index: Index) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._index = index

    async def close(self, workload: SeenWorkload, report: TrainingReport) -> TrainingReport:
        """Write the report, and settle by the one that stands, be it this or a former process's; the one that stands.

        Raises ClusterError.
        """
        try:
            report = await self._written(report)
        except (Forbidden, NotFound):
            # A namespace that is being deleted takes no report; the ledger has the totals.
            if workload.gone_at is None:
                raise
        await self._settle_by(workload.namespace, report)
        return report

    async def settle_unseen(self, namespace: str, entry: LedgerEntry) -> None:
        """Settle by the report that a former process left, else by what the ledger was told last."""
        report = await self._left(namespace, entry)
        if report is None:
            await self._ledger.settle(namespace, vanished_settlement(entry))
        else:
            await self._settle_by(namespace, report)

    async def take_back(self, namespace: str, entry: LedgerEntry) -> bool:
        """Drop an open entry uncounted; False where a report stands already, by which it is settled."""
        report = await self._left(namespace, entry)
        if report is None:
            await self._ledger.withdraw(namespace, entry.uid)
        else:
            await self._settle_by(namespace, report)
        return report is None

    async def _written(self, report: TrainingReport) -> TrainingReport:
        uid = report.spec.job_uid
        try:
            body = await self._cluster.create(report.wire())
        except AlreadyExists as taken:
            if _is_of(taken.existing, uid):
                return _standing(taken.existing) or report
            second = second_report_name(report.spec.job, uid)
            if second == report.metadata.name:
                raise
            return await self._written(report.under(second))
        self._index.put("TrainingReport", body)
        return report

    async def _settle_by(self, namespace: str, report: TrainingReport) -> None:
        await self._ledger.settle(namespace, workload_settlement(report, ending_in(report)))

    async def _left(self, namespace: str, entry: LedgerEntry) -> TrainingReport | None:
        for name in (workload_report_name(entry.name, entry.uid), second_report_name(entry.name, entry.uid)):
            body = await self._cluster.get("TrainingReport", namespace, name)
            if body is not None and _is_of(body, entry.uid):
                return _standing(body)
        return None


def _is_of(report: Mapping[str, Any], uid: str) -> bool:
    return bool((report["metadata"].get("labels") or {}).get(JOB_UID_LABEL) == uid)


def _standing(body: Mapping[str, Any]) -> TrainingReport | None:
    """A report as it stands; one that somebody made unreadable says nothing, and is named."""
    read = Readable("TrainingReport", TrainingReport.model_validate)
    report = read(body)
    read.tell()
    return report
