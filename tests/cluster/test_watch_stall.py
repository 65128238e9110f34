"""A watch whose connection went dead without a word, as behind a load balancer: it is opened again, or noticed.

A proxy between the operator's doors and the real API server goes on taking new connections and silently stops passing
on the old ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import kopf
import pytest

from builders import make_job
from coppice.adapters.clock import SystemClock
from coppice.adapters.cluster import ApiCluster
from coppice.adapters.connection import Connection, connect
from coppice.adapters.kinds import KINDS as PLACES
from coppice.handlers.doors import log_in, open_doors
from coppice.handlers.intake import Intake
from coppice.handlers.listing import list_all
from coppice.handlers.settings import settings_for
from coppice.handlers.watches import Watches
from coppice.index import Index, Key
from coppice.index.index import KINDS
from coppice.queue import WorkQueue
from devcluster.controlplane import ControlPlane

pytestmark = pytest.mark.usefixtures("kinds")


class Proxy:
    """Passes bytes between clients and the API server until it is told to freeze what is open."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: list[asyncio.Event] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            self.thaw()
            server.close()

    def freeze(self) -> int:
        """Pass nothing more on connections that are open now; says how many."""
        for flowing in self._open:
            flowing.clear()
        return len(self._open)

    def thaw(self) -> None:
        for flowing in self._open:
            flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flowing = asyncio.Event()
        flowing.set()
        self._open.append(flowing)
        upstream, downstream = await asyncio.open_connection("127.0.0.1", self._target)
        with suppress(OSError):
            await asyncio.gather(_pass(reader, downstream, flowing), _pass(upstream, writer, flowing))


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter, flowing: asyncio.Event) -> None:
    while data := await source.read(65536):
        await flowing.wait()
        sink.write(data)
        await sink.drain()
    sink.close()


class Doors:
    """The doors of an operator, opened through the proxy; its own LISTs go straight to the API server."""

    def __init__(self, direct: Connection, proxied: Connection, inactivity_seconds: float) -> None:
        async def nothing(_: Key) -> float | None:
            return None

        self.index = Index(SystemClock())
        self.watches = Watches(asyncio.get_running_loop().time, patience_seconds=1.0)
        self.intake = Intake(self.index, WorkQueue(nothing), self.watches)
        self.cluster = ApiCluster(direct, SystemClock(), "test")
        self._proxied = proxied
        self._inactivity = inactivity_seconds

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        places = {kind: PLACES[kind] for kind in KINDS}
        registry = kopf.OperatorRegistry()
        log_in(registry, self._proxied.credentials)
        open_doors(registry, places, self.intake)
        settings = settings_for(places.values())
        settings.watching.inactivity_timeout = self._inactivity
        stop = asyncio.Event()
        running = asyncio.create_task(
            kopf.operator(registry=registry, settings=settings, clusterwide=True, standalone=True, stop_flag=stop)
        )
        try:
            yield
        finally:
            stop.set()
            await running

    async def sees(self, name: str, namespace: str, seconds: float = 30.0) -> bool:
        """Whether the watch brings a job in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.index.job(Key("TrainingJob", namespace, name)) is None:  # noqa: ASYNC110 - the index tells nobody
                    await asyncio.sleep(0.1)
                return True
        return False


def job_in(namespace: str, name: str) -> dict[str, Any]:
    return {**make_job(name, namespace).body(), "metadata": {"name": name, "namespace": namespace}}


@pytest.fixture
async def direct(control_plane: ControlPlane) -> AsyncIterator[Connection]:
    opened = await connect(str(control_plane.kubeconfig))
    yield opened
    await opened.close()


@pytest.fixture
async def proxy(control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[tuple[Proxy, Connection]]:
    """A proxy, and a connection that goes through it."""
    proxy = Proxy(control_plane.endpoints.api_port)
    async with proxy.listening() as port:
        kubeconfig = tmp_path / "proxied.kubeconfig"
        text = control_plane.kubeconfig.read_text()
        kubeconfig.write_text(text.replace(f":{control_plane.endpoints.api_port}", f":{port}"))
        opened = await connect(str(kubeconfig))
        yield proxy, opened
        await opened.close()


async def test_a_stream_that_went_dead_is_opened_again(
    direct: Connection, proxy: tuple[Proxy, Connection], namespace: str
) -> None:
    doors = Doors(direct, proxy[1], inactivity_seconds=3.0)
    async with doors.opened():
        await doors.cluster.create(job_in(namespace, "before"))
        assert await doors.sees("before", namespace)
        assert proxy[0].freeze() > 0
        await doors.cluster.create(job_in(namespace, "after"))
        assert await doors.sees("after", namespace)


async def test_a_dead_stream_that_the_framework_does_not_notice_fails_the_liveness(
    direct: Connection, proxy: tuple[Proxy, Connection], namespace: str
) -> None:
    doors = Doors(direct, proxy[1], inactivity_seconds=3600.0)
    async with doors.opened():
        await doors.cluster.create(job_in(namespace, "before"))
        assert await doors.sees("before", namespace)
        await list_all(doors.cluster, doors.intake)
        assert proxy[0].freeze() > 0
        await doors.cluster.create(job_in(namespace, "after"))
        assert not await doors.sees("after", namespace, seconds=3.0)
        await list_all(doors.cluster, doors.intake)
        await asyncio.sleep(1.5)
        assert "TrainingJob" in doors.watches.stalled()
        assert await doors.sees("after", namespace), "our own LIST repairs what the watch did not tell"
        proxy[0].thaw()
        await doors.cluster.create(job_in(namespace, "later"))
        assert await doors.sees("later", namespace)
        assert "TrainingJob" not in doors.watches.stalled()
