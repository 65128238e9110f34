"""Accounts of running jobs, kept fresh beside the loop for those who scrape.

A running job's energy reaches its status only at transitions, to spare the API server. Pricing a job takes about a
millisecond, which a scrape over a thousand running jobs must not spend while everything else waits; so they are
priced one by one, with a turn of the event loop between them, and for at most a small share of the time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from coppice.accounting.account import Account
from coppice.api.conditions import RUNNING, holds
from coppice.api.trainingjob import TrainingJob
from coppice.index import Index
from coppice.lifecycle import Observed, situation_of

ROUND_SECONDS = 15.0
SHARE = 0.05
"""Most of the time that pricing may take."""

log = logging.getLogger(__name__)


def unsettled(index: Index) -> Iterator[TrainingJob]:
    """Jobs that run, or have run and show no totals yet."""
    for _, job in index.jobs():
        status = job.body.get("status") or {}
        unpriced = bool(status.get("attempts")) and not status.get("totals")
        model = job.model if unpriced or holds(job.body, RUNNING) else None
        if model is not None:
            yield model


async def accounts_of(index: Index, observe: Callable[[TrainingJob], Observed]) -> dict[str, Account]:
    """Accounts up to now by job uid, giving way to others after each."""
    accounts: dict[str, Account] = {}
    for job in unsettled(index):
        try:
            accounts[job.metadata.uid] = situation_of(observe(job)).books.total
        except Exception:
            log.exception("the account of %s/%s cannot be shown", job.metadata.namespace, job.metadata.name)
        await asyncio.sleep(0)
    return accounts


async def keep_accounts(
    index: Index,
    observe: Callable[[TrainingJob], Observed],
    show: Callable[[dict[str, Account]], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Price every unsettled job, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        show(await accounts_of(index, observe))
        await sleep(max(ROUND_SECONDS, (loop.time() - began) / SHARE))
