"""`python -m bench`: the operator against a real API server without nodes, all on this machine.

`python -m bench planning` measures decisions alone, over registries of growing size, without any cluster.

It prints what one run measured: memory at rest, a burst of jobs until each has its child, CPU per job, a quiet spell,
and a restart after SIGKILL with every job unfinished. On two shared cores the control plane takes most of the
machine, so compare runs of one machine and not machines.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.planning import show
from bench.process import OperatorProcess
from bench.world import NAMESPACE, base_model, job, profile
from coppice.adapters.clock import SystemClock
from coppice.adapters.cluster import ApiCluster
from coppice.adapters.connection import connect
from devcluster.controlplane import ControlPlane
from devcluster.paths import REPOSITORY_ROOT

PARALLEL_CREATES = 20
QUIET_SECONDS = 20
Rows = list[tuple[str, str]]


async def burst(cluster: ApiCluster, operator: OperatorProcess, jobs: int) -> Rows:
    """Create so many jobs and wait until each has its child."""
    cpu, begun = operator.cpu_seconds, time.monotonic()
    gate = asyncio.Semaphore(PARALLEL_CREATES)

    async def create(number: int) -> None:
        async with gate:
            await cluster.create(job(number))

    await asyncio.gather(*(create(number) for number in range(jobs)))
    created = time.monotonic() - begun
    while len((await cluster.list("Job", NAMESPACE))[0]) < jobs:  # noqa: ASYNC110 - it is the API server that changes
        await asyncio.sleep(0.5)
    decided = time.monotonic() - begun
    await asyncio.sleep(10)
    used = operator.cpu_seconds - cpu
    return [
        (f"{jobs} jobs created in", f"{created:.1f} s"),
        ("each decided, with its child, after", f"{decided:.1f} s ({jobs / decided:.0f} jobs/s)"),
        ("operator CPU per job until its first status", f"{1000 * used / jobs:.1f} ms"),
        ("operator memory, peak", f"{operator.peak_memory_mebibytes:.0f} MiB"),
    ]


async def quiet(operator: OperatorProcess, jobs: int) -> Rows:
    """Nothing happens."""
    cpu = operator.cpu_seconds
    await asyncio.sleep(QUIET_SECONDS)
    return [(f"operator CPU in {QUIET_SECONDS} quiet s with {jobs} jobs", f"{operator.cpu_seconds - cpu:.2f} s")]


async def measure(plane: ControlPlane, state: Path, jobs: int) -> Rows:
    """All figures."""
    connection = await connect(str(plane.kubeconfig))
    cluster = ApiCluster(connection, SystemClock(), "bench")
    rows: Rows = []
    with OperatorProcess(plane, state / "operator.log") as operator:
        rows.append(("operator ready after", f"{operator.wait_ready():.1f} s"))
        await asyncio.sleep(3)
        rows.append(("operator memory at rest", f"{operator.memory_mebibytes:.0f} MiB"))
        rows += await burst(cluster, operator, jobs)
        rows += await quiet(operator, jobs)
        operator.kill()
    with OperatorProcess(plane, state / "operator.log") as operator:
        rows.append((f"ready again after SIGKILL, {jobs} unfinished", f"{operator.wait_ready():.1f} s"))
        await asyncio.sleep(5)
        rows.append(("operator CPU for that", f"{operator.cpu_seconds:.1f} s"))
    await connection.close()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("operator", "planning"), default="operator")
    parser.add_argument("--jobs", type=int, help="TrainingJobs: in the burst 300, to plan 1,000, unless given")
    parser.add_argument("--models", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="sizes of registries")
    given = parser.parse_args()
    if given.what == "planning":
        show(given.models, given.jobs or 1000, Console())
        return
    jobs = given.jobs or 300
    with tempfile.TemporaryDirectory() as directory, ControlPlane(Path(directory)) as plane:
        plane.kubectl("apply", "--server-side", "-f", str(REPOSITORY_ROOT / "crds"))
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        plane.kubectl("create", "namespace", NAMESPACE)
        asyncio.run(prepare(plane))
        rows = asyncio.run(measure(plane, Path(directory), jobs))
    table = Table("figure", "value", title="The operator, one run on this machine")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


async def prepare(plane: ControlPlane) -> None:
    """Profile and base model."""
    connection = await connect(str(plane.kubeconfig))
    cluster = ApiCluster(connection, SystemClock(), "bench")
    for manifest in (profile(), base_model()):
        await cluster.create(manifest)
    await connection.close()


if __name__ == "__main__":
    main()
