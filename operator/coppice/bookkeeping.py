"""What a crash or an absence leaves in the ledgers: entries of jobs that are accounted, or that are gone.

A job deleted while no operator ran leaves nothing but its ledger entry; a kill between the last status write and the
prune leaves a settled entry. Neither is announced by any event, so the books are gone through at the start and at
every resync. Entries of workloads that nobody decided about are the accountant's.
"""

from coppice.accounting.budget import Sum, sum_of
from coppice.accounting.settlement import vanished_settlement
from coppice.api.trainingledger import LedgerEntry
from coppice.index import Index
from coppice.ports import Ledger


async def close_left_behind(ledger: Ledger, index: Index) -> None:
    """Prune entries of accounted jobs, and settle those of jobs that are gone. The index must be complete."""
    lives = {seen.uid: seen.settled for _, seen in index.jobs()}
    departed = {job.metadata.uid for key in index.unfinished() for job in index.departed(key)}
    for namespace, entries in dict(ledger.entries()).items():
        for entry in entries:
            if entry.kind or entry.uid in departed or lives.get(entry.uid) is False:
                continue
            accounted = entry.uid in lives and not entry.settled  # and not settled before: nothing ran
            if accounted or _given_back(entry):
                await ledger.withdraw(namespace, entry.uid)
                continue
            if not entry.settled:
                await ledger.settle(namespace, vanished_settlement(entry))
            await ledger.prune(namespace, entry.uid)


def _given_back(entry: LedgerEntry) -> bool:
    """Whether a job that was told to wait gave all of its reservation back: it had used nothing."""
    return not entry.settled and entry.reserved is not None and sum_of(entry.reserved) == Sum()
