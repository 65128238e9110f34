"""The composition root: every part made once and joined, in the order in which a process comes to life.

    listen ── wait for the Lease ── fill the index (the gate) ── work ── stop: finish passes, release the Lease

Before the gate nothing is decided; without the Lease nothing is decided or accounted. A process that loses the Lease
ends at once, without goodbye: another one may be working already.
"""

import asyncio
import logging
import os
import signal
import socket
import uuid
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, TypeVar

import kopf

from coppice.accountant import Accountant
from coppice.accounting.zone import zones_of
from coppice.adapters.clock import SystemClock
from coppice.adapters.cluster import ApiCluster
from coppice.adapters.connection import Connection, connect
from coppice.adapters.intensity.settings import Sources
from coppice.adapters.kinds import KINDS as PLACES
from coppice.adapters.lease import Lease, LeaseLost
from coppice.adapters.ledger import ApiLedger
from coppice.adapters.meters.pods import MeteredPod
from coppice.adapters.web import Web
from coppice.app.exposition import Exposition
from coppice.app.garbage import look_seldom
from coppice.app.live_accounts import keep_accounts
from coppice.app.metered_pods import metered_pods, reserved_times, workload_pods
from coppice.app.options import Options
from coppice.app.parts import intensity_of, meters_of, nodes_of, settings_of, sources_of
from coppice.bookkeeping import close_left_behind
from coppice.handlers.doors import log_in, open_doors
from coppice.handlers.endpoints import health_app, metrics_app, serve
from coppice.handlers.health import Health, Phase
from coppice.handlers.intake import Intake
from coppice.handlers.listing import list_all, pass_gate, resync_for_ever, wake_unfinished
from coppice.handlers.settings import settings_for
from coppice.handlers.sweeper import Sweeper
from coppice.handlers.watches import Watches
from coppice.index import Index, Key
from coppice.index.index import KINDS
from coppice.ports import ClusterError, Conflict
from coppice.queue import Outcome, WorkQueue
from coppice.reconcile import Reconciler

LEASE_NAME = "coppice-operator"
STOP_SECONDS = 5.0
"""Time for passes under way to end after SIGTERM; what is cut off then is found and completed by the next process."""

METER_SECONDS, METER_BYTES = 30.0, 128 * 2**20
"""Patience with a Prometheus, and the most of an hour's samples: a few hundred accelerators at 15 s."""

FIRST_INTENSITY_SECONDS = 15.0
"""Most that the start waits for live carbon intensities, so that the first decisions see them."""

EXIT_LEASE_LOST = 3

EXPECTED = (ClusterError,)
"""Errors that say all there is to say; others come with a traceback."""

log = logging.getLogger(__name__)
T = TypeVar("T")


async def operate(options: Options) -> None:
    """Run until SIGTERM or SIGINT. Raises what makes going on pointless."""
    async with AsyncExitStack() as stack:
        connection = await connect(options.kubeconfig)
        stack.push_async_callback(connection.close)
        chain = sources_of(options)
        web = await stack.enter_async_context(Web(chain.timeout_seconds))
        samples = await stack.enter_async_context(Web(METER_SECONDS, METER_BYTES))
        operator = Operator(options, connection, chain, (web, samples), options.identity or socket.gethostname())
        await operator.listen(stack)
        await operator.run()


class Operator:
    """One process's life."""

    def __init__(
        self, options: Options, connection: Connection, chain: Sources, webs: tuple[Web, Web], name: str
    ) -> None:
        loop = asyncio.get_running_loop()
        clock = SystemClock()
        identity = f"{name}_{uuid.uuid4().hex[:12]}"  # a container that restarts in its pod is another candidate
        cluster = self._cluster = ApiCluster(connection, clock, name)
        self._options = options
        self._credentials = connection.credentials
        self._stop = asyncio.Event()
        self._index = Index(clock)
        self._ledger = ApiLedger(cluster, options.namespace, self._room)
        self._intensity = intensity = intensity_of(options, chain, webs[0], clock)
        self._meters = meters_of(options, webs[1], clock)
        self._nodes = nodes_of(options, chain, cluster)
        self._exposition = Exposition(self._index, self._ledger, intensity, clock, self._compared_zones)
        self._watches = Watches(loop.time)
        self._lease = Lease(cluster, clock, namespace=options.namespace, name=LEASE_NAME, identity=identity)
        self._health = Health(self._watches, lambda: self._lease.holder)
        settings = settings_of(options)
        reconciler = self._reconciler = Reconciler(
            cluster,
            self._ledger,
            self._index,
            intensity,
            clock,
            settings,
            self._exposition.process,
            self._meters,
            self._nodes,
        )
        self._queue: WorkQueue[Key] = WorkQueue(reconciler.reconcile, workers=options.workers, told=self._told)
        self._intake = Intake(self._index, self._queue, self._watches, self._exposition.process.event_seen)
        self._sweeper = Sweeper(cluster, self._index, clock, options.report_retention)
        self._accountant = (
            Accountant(
                cluster,
                self._ledger,
                self._index,
                intensity,
                clock,
                settings,
                self._meters,
                self._nodes,
                options.resync_seconds,
            )
            if options.account_workloads
            else None
        )
        self._exposition.show_queue(self._queue)
        self._exposition.show_budgets(settings.default_policy)
        if self._accountant:
            self._exposition.show_workloads(self._accountant.open.shown)

    async def listen(self, stack: AsyncExitStack) -> None:
        """Serve the probes and the metrics, and take signals."""
        for app, port in (
            (health_app(self._health), self._options.health_port),
            (metrics_app(self._exposition.render, self._exposition.content_type), self._options.metrics_port),
        ):
            runner = await serve(app, port)
            stack.push_async_callback(runner.cleanup)
        self._take_signals()

    def _take_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)

    async def _take_signals_back(self, kopf_is_ready: asyncio.Event) -> None:
        """Kopf takes the signals at its start and then waits 5 s for its own wait for the flag; the flag is faster."""
        await kopf_is_ready.wait()
        self._take_signals()

    async def run(self) -> None:
        """Wait for the Lease, work, and give it back."""
        if self._options.leader_election:
            self._health.phase = Phase.STANDBY
            if not await self._unless_stopped(self._lease.acquire()):
                await self._lease.release()
                return
        keeper = asyncio.create_task(self._keep_lease(), name="lease")
        try:
            await self._lead()
        finally:
            self._health.phase = Phase.STOPPING
            self._exposition.leads = False
            keeper.cancel()
            await self._lease.release()

    async def _lead(self) -> None:
        self._health.phase = Phase.FILLING
        if not await self._unless_stopped(pass_gate(self._fill, self._obstacle)):
            return
        look_seldom()
        self._health.phase = Phase.LEADING
        self._exposition.leads = True
        wake_unfinished(self._index, self._queue)
        await self._work()

    async def _work(self) -> None:
        """Doors, workers, resync and sweeper, until one fails or the process is to stop.

        The tasks are made before Kopf starts, because Kopf at its end cancels every task made after its start.
        """
        workers = asyncio.create_task(self._queue.run(), name="workers")
        chores = [asyncio.create_task(work, name=name) for name, work in self._chores()]
        ready = asyncio.Event()
        signals = asyncio.create_task(self._take_signals_back(ready), name="signals")
        doors = asyncio.create_task(self._open_doors(ready), name="doors")
        try:
            done, _ = await asyncio.wait([workers, doors, *chores], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._stop.set()
            for task in (*chores, signals):
                task.cancel()
            self._queue.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await asyncio.gather(workers, doors, return_exceptions=True)
                    await self._ledger.drain()

    def _chores(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        seconds = self._options.resync_seconds
        resync = resync_for_ever(self._cluster, self._intake, self._index, self._queue, seconds)
        accounts = keep_accounts(self._index, self._reconciler.observe, self._exposition.show_accounts)
        meters = (
            [("meters", self._meters.keep(self._metered_pods, partial(reserved_times, self._index)))]
            if self._meters
            else []
        )
        workloads = [("workloads", self._accountant.keep())] if self._accountant else []
        nodes = [("nodes", self._nodes.keep(seconds))] if self._nodes else []
        return [
            *meters,
            *nodes,
            *workloads,
            ("books", self._keep_books()),
            ("resync", resync),
            ("sweeper", self._sweeper.run()),
            ("accounts", accounts),
            ("intensity", self._intensity.keep(self._zones)),
        ]

    def _metered_pods(self) -> list[MeteredPod]:
        others = workload_pods(self._accountant.open.pods()) if self._accountant else []
        return [*metered_pods(self._index), *others]

    async def _keep_books(self) -> None:
        """Close what a crash or an absence left in the ledgers, at the start and with every resync."""
        while True:
            try:
                await close_left_behind(self._ledger, self._index)
            except ClusterError as error:
                log.warning("closing the books is put off: %s", error)
            await asyncio.sleep(self._options.resync_seconds)

    async def _open_doors(self, ready: asyncio.Event) -> None:
        places = {kind: PLACES[kind] for kind in KINDS}
        registry = kopf.OperatorRegistry()
        log_in(registry, self._credentials)
        open_doors(registry, places, self._intake)
        await kopf.operator(
            registry=registry,
            settings=settings_for(places.values()),
            clusterwide=True,
            standalone=True,
            stop_flag=self._stop,
            ready_flag=ready,
        )

    async def _fill(self) -> None:
        await self._ledger.load()
        await list_all(self._cluster, self._intake)
        if self._nodes:
            await self._nodes.read()
        with suppress(TimeoutError):  # a slow source must not hold the start; the chain goes on asking
            async with asyncio.timeout(FIRST_INTENSITY_SECONDS):
                await self._intensity.round(self._zones())

    def _compared_zones(self) -> frozenset[str]:
        profiles = self._index.profiles
        return zones_of(profiles, self._options.zone, self._nodes.whereabouts(profiles) if self._nodes else None)

    def _zones(self) -> frozenset[str]:
        """Zones to ask live sources for: those that decisions compare, and those in which pods run."""
        names = self._index.nodes() | (self._accountant.open.nodes() if self._accountant else set())
        ran_on = {self._nodes.zone(name) for name in names} if self._nodes else set()
        return self._compared_zones() | (ran_on - {""})

    def _obstacle(self, sentence: str) -> None:
        self._health.obstacle = sentence
        log.warning("the start waits: %s", sentence)

    async def _keep_lease(self) -> None:
        if not self._options.leader_election:
            return
        try:
            await self._lease.keep()
        except LeaseLost as lost:
            log.critical("%s; this process ends now", lost)
            logging.shutdown()
            os._exit(EXIT_LEASE_LOST)

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do the work; False if the process was told to stop before it was done."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            task.result()
            return True
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False

    def _room(self, namespace: str, jobs: Sequence[str]) -> None:
        """A budget has room for jobs that it had none for."""
        self._queue.wake(*(Key("TrainingJob", namespace, job) for job in jobs))

    def _told(self, outcome: Outcome[Key]) -> None:
        self._exposition.process.passed(outcome.seconds)
        if outcome.error is not None:
            self._exposition.process.failed(outcome.error)
            log_failure(outcome)


def log_failure(outcome: Outcome[Key]) -> None:
    """A failed pass: conflicts are everyday, an unexpected error comes with its traceback."""
    error = outcome.error
    if error is None:
        return
    expected = isinstance(error, EXPECTED)
    level = logging.DEBUG if isinstance(error, Conflict) and outcome.failures < 5 else logging.WARNING
    log.log(
        level,
        "%s: %s; tried again in %.1f s (failure %d in a row)",
        outcome.key, error, outcome.retry_seconds or 0.0, outcome.failures,
        exc_info=None if expected else error,
    )  # fmt: skip
