"""Our own LISTs: the start gate, and the resync that repairs what a watch never told.

The gate fills the index before the first worker starts, so that no pass acts on half a picture (a child that was not
listed yet would be made again). The resync is needed because an event handler that fails is not called again and an
object that vanished between two watches is announced by nobody.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from coppice.handlers.intake import Intake
from coppice.index import Index, Key
from coppice.index.index import KINDS
from coppice.ports import Cluster, ClusterError, Forbidden, NotFound
from coppice.queue import WorkQueue

LONGEST_WAIT_SECONDS = 30.0

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]


async def list_all(cluster: Cluster, intake: Intake) -> None:
    """One complete LIST of every kind, and only then the passes that it calls for."""
    wake: list[Key] = []
    for kind in KINDS:
        objects, version = await cluster.list(kind)
        wake += intake.listing(kind, objects, version)
    intake.wake(wake)


async def pass_gate(
    fill: Callable[[], Awaitable[None]], tell: Callable[[str], None], sleep: Sleep = asyncio.sleep
) -> None:
    """Fill the index, trying until it succeeds; `tell` gets what is missing, in a sentence.

    A missing CRD or right is no reason to crash in a loop: whoever installs it finds the reason in the log and at
    the readiness probe, and nothing has to be restarted afterwards.
    """
    wait = 1.0
    while True:
        try:
            await fill()
        except ClusterError as error:
            tell(_advice(error))
            await sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
        else:
            return


def _advice(error: ClusterError) -> str:
    if isinstance(error, NotFound):
        return f"a kind is not served ({error}); install the CustomResourceDefinitions of the chart"
    if isinstance(error, Forbidden):
        return f"a right is missing ({error}); install the ClusterRole of the chart"
    return f"the API server does not answer as it should ({error})"


async def resync_for_ever(
    cluster: Cluster, intake: Intake, index: Index, queue: WorkQueue[Key], seconds: float, sleep: Sleep = asyncio.sleep
) -> None:
    """LIST, prune and wake everything unfinished, every so many seconds."""
    while True:
        await sleep(seconds)
        try:
            await list_all(cluster, intake)
        except ClusterError as error:
            log.warning("the resync is put off: %s", error)
            continue
        wake_unfinished(index, queue)


def wake_unfinished(index: Index, queue: WorkQueue[Key]) -> None:
    """Wake every key that may need a pass, and let the queue forget those that are no more."""
    keys = [*index.unfinished(), *index.model_keys()]
    queue.retain({*keys, *(key for key, _ in index.jobs())})
    queue.wake(*keys)
