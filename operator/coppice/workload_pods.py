"""The pods of open workloads: as many workloads of a namespace in a LIST as its address has room for; no other pods.

A namespace that cannot be read now costs its own workloads a round and nobody else's.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from coppice.index.workloads import WorkloadLife
from coppice.lineage import learn_lineage
from coppice.ports import Cluster, ClusterError
from coppice.readable import Readable
from coppice.workloads.accounted import WORKLOAD_KINDS, WorkloadPod, is_pod_of, workload_pod

ADDRESS = 5000
"""Characters of an address for the names of workloads, each with an encoded comma: what stands between an API server
and its clients takes 8 KiB, and every LIST makes it go through all pods of the namespace."""

LONGEST_VALUE = 63
"""Characters of a label's value: no controller can label pods with a longer name, and no selector may ask for one."""

TURN = 100
"""Pods after which others have their turn: one workload may have thousands."""

Lives = Mapping[str, Sequence[WorkloadLife]]

log = logging.getLogger(__name__)


async def read_pods(cluster: Cluster, lives: Iterable[WorkloadLife], now: datetime) -> None:
    """Tell each life that may have news of its pods which there are."""
    wanted: dict[tuple[str, str], dict[str, list[WorkloadLife]]] = {}
    for life in lives:
        workload = life.workload
        if life.wants_pods and len(workload.name) <= LONGEST_VALUE:
            by_name = wanted.setdefault((workload.namespace, WORKLOAD_KINDS[workload.kind].pod_label), {})
            by_name.setdefault(workload.name, []).append(life)
    for (namespace, label), by_name in wanted.items():
        for names in _fitting(sorted(by_name)):
            try:
                await _read(cluster, namespace, label, {name: by_name[name] for name in names}, now)
            except ClusterError as error:
                log.warning("the pods of workloads in %s cannot be read now: %s", namespace, error)


async def _read(cluster: Cluster, namespace: str, label: str, lives: Lives, now: datetime) -> None:
    bodies, _ = await cluster.list("Pod", namespace, f"{label} in ({','.join(lives)})")
    pods: dict[str, list[WorkloadPod]] = {}
    read = Readable("Pod", workload_pod)
    for number, body in enumerate(bodies, 1):
        if number % TURN == 0:
            await asyncio.sleep(0)
        pod = read(body)
        if pod is not None:
            pods.setdefault(body["metadata"]["labels"][label], []).append(pod)
    read.tell()
    for name, same in lives.items():
        for life in same:
            try:
                await learn_lineage(cluster, life, pods.get(name, ()))
            except ClusterError as error:
                log.warning("the pods of %s in %s cannot be told now: %s", life.workload, namespace, error)
                continue
            theirs = [pod for pod in pods.get(name, ()) if is_pod_of(life.workload, pod, life.below)]
            # What can be read no more has not vanished: it stays what it was.
            theirs += [life.pods[uid] for uid in read.odd if uid in life.pods]
            life.listed(theirs, now)
            if life.workload.left_at is not None:
                life.left(life.workload, life.workload.left_at)


def _fitting(names: Iterable[str]) -> Iterator[list[str]]:
    """The names, as many at a time as an address takes."""
    some: list[str] = []
    room = ADDRESS
    for name in names:
        needed = len(name) + len("%2C")
        if needed > room:
            yield some
            some, room = [], ADDRESS
        some.append(name)
        room -= needed
    if some:
        yield some
