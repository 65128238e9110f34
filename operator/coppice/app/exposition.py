"""What /metrics shows: this process's counters always, the accounts only while it leads.

Two processes that export the same ledger would double every sum that a dashboard makes. Figures of a job are read
again only when its body has changed, so a scrape over thousands of finished jobs stays short.
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from coppice.accounting.account import Account
from coppice.adapters.budget_metrics import BudgetMetrics, namespace_budgets
from coppice.adapters.exporter import RETIRE_AFTER, Exporter, Snapshot
from coppice.adapters.job_figures import JobFigures, figures_of
from coppice.adapters.ledger import ApiLedger
from coppice.adapters.process_metrics import ProcessMetrics, registry_with
from coppice.adapters.process_state import ProcessState
from coppice.adapters.workload_figures import workload_figures
from coppice.api.decision import Intensity
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.index import Index, Key
from coppice.index.jobs import SeenJob
from coppice.open_accounts import OpenAccount
from coppice.ports import Clock, IntensityProvider
from coppice.queue import WorkQueue


class Exposition:
    """A registry of its own, so that nothing a library registers by itself shows up."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(
        self,
        index: Index,
        ledger: ApiLedger,
        intensity: IntensityProvider,
        clock: Clock,
        zones: Callable[[], frozenset[str]],
    ) -> None:
        self._index = index
        self._ledger = ledger
        self._intensity = intensity
        self._clock = clock
        self._zones = zones
        self._figures: dict[Key, tuple[SeenJob, JobFigures]] = {}
        self._workloads: Callable[[], Iterable[OpenAccount]] = tuple
        self.leads = False
        self.accounts: Mapping[str, Account] = {}
        self._registry = registry_with(Exporter(self._snapshot))
        self.process = ProcessMetrics(self._registry, clock.now)

    def show_queue(self, queue: WorkQueue[Key]) -> None:
        """Show what waits and what is worked on, and whether this process leads."""
        ProcessState(self._registry, lambda: self.leads, lambda: queue.waiting, lambda: queue.working)

    def show_budgets(self, default_policy: TrainingPolicySpec) -> None:
        """Show how namespaces stand against their budgets."""
        self._registry.register(
            BudgetMetrics(
                lambda: (
                    namespace_budgets(self._index, self._ledger.specs(), default_policy, self._clock.now())
                    if self.leads
                    else []
                )
            )
        )

    def show_accounts(self, accounts: Mapping[str, Account]) -> None:
        """Accounts of running jobs up to now, by job uid."""
        self.accounts = accounts

    def show_workloads(self, accounts: Callable[[], Iterable[OpenAccount]]) -> None:
        """Show open accounts of workloads that nobody decided about; closed ones stand in their reports."""
        self._workloads = accounts

    def render(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self._registry)

    def _snapshot(self) -> Snapshot:
        if not self.leads:
            return Snapshot(self._clock.now())
        return Snapshot(
            now=self._clock.now(),
            leader=True,
            jobs=self._jobs(),
            ledgers=self._ledger.specs(),
            intensities=tuple(self._intensities()),
            accounts=self.accounts,
        )

    def _jobs(self) -> list[JobFigures]:
        before, self._figures = self._figures, {}
        for key, job in self._index.jobs():
            known = before.get(key)
            self._figures[key] = known if known and known[0] is job else (job, figures_of(job.body))
        since = self._clock.now() - RETIRE_AFTER
        jobs = (figures for _, figures in self._figures.values())
        return [*jobs, *workload_figures(self._workloads(), self._index.reports(), since)]

    def _intensities(self) -> Iterable[Intensity]:
        zones = self._zones()
        return map(self._intensity.grid.prices(self._clock.now(), zones), sorted(zones))
