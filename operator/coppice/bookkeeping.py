"""What a crash or an absence leaves in the ledgers: entries of jobs that are accounted, or that are gone.

A job deleted while no operator ran leaves nothing but its ledger entry; a kill between the last status write and the
prune leaves a settled entry. Neither is announced by any event, so the books are gone through at the start and at
every resync. Entries of workloads that nobody decided about are the accountant's.
"""

from coppice.accounting.settlement import vanished_settlement
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
            if entry.uid in lives and not entry.settled:
                await ledger.withdraw(namespace, entry.uid)  # accounted, and not settled before: nothing ran
                continue
            if not entry.settled:
                await ledger.settle(namespace, vanished_settlement(entry))
            await ledger.prune(namespace, entry.uid)
