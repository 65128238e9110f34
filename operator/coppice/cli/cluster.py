"""The cluster that a command asks, for as long as it asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kubernetes.aio.config import ConfigException

from coppice.adapters.clock import SystemClock
from coppice.adapters.cluster import ApiCluster
from coppice.adapters.connection import connect
from coppice.cli.errors import UsageError

FIELD_MANAGER = "coppice-cli"


@asynccontextmanager
async def cluster_of(kubeconfig: str | None) -> AsyncIterator[ApiCluster]:
    """The kubeconfig's cluster. Raises UsageError where there is no kubeconfig that names one."""
    try:
        connection = await connect(kubeconfig)
    except (ConfigException, FileNotFoundError) as error:
        raise UsageError(
            f"no cluster to ask ({error}): name a file with --kubeconfig, or read manifests (see --help)"
        ) from error
    try:
        yield ApiCluster(connection, SystemClock(), FIELD_MANAGER)
    finally:
        await connection.close()
