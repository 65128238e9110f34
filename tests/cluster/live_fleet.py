"""Hardware that is metered while jobs run on it: what dcgm-exporter and Kepler print is made from the real pods.

Every device draws an even power, so that the truth is watts times seconds whatever happens to those who look. Which pod
is on which device, and since when, is asked of the API server twice a second, so that no scrape waits for an answer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import urllib3

from cluster.api import Api, ApiError, Body
from cluster.pods import reserved_for
from coppice.api.labels import JOB_NAME_LABEL

CPU_WATTS, REST_WATTS = 4.0, 1.42
"""Of a pod's processor, above what the node's package draws at rest, which is the host's idle watts of the profile."""

CALLED_ACTIVE = 0.5
"""Of what pods draw, on a node that works for half of the time and draws little at rest."""

LOOK_SECONDS = 0.5
A_DAY_SECONDS = 86_400.0
"""For so long drivers have been loaded when a story begins."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Board:
    """An accelerator: its watts, whether its power is printed beside its counter, its MIG instance."""

    uuid: str
    watts: float
    power: bool = False
    profile: str = ""


@dataclass(frozen=True)
class Seen:
    """A pod that has a node."""

    uid: str
    namespace: str
    name: str
    job: str
    start: float
    end: float | None


class Fleet:
    """The devices of a namespace's jobs, by job; a job without one has only a processor."""

    def __init__(self, api: Api, namespace: str, boards: Mapping[str, Board]) -> None:
        self._api, self._namespace = api, namespace
        self.boards = boards
        self._loaded = dict.fromkeys(boards.values(), time.time() - A_DAY_SECONDS)
        self._pods: dict[str, Seen] = {}
        self._began = time.time()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="fleet", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def reload_driver(self, jobs: Iterable[str]) -> None:
        """The counters of these jobs' devices begin again."""
        self._loaded |= {self.boards[job]: time.time() for job in jobs}

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                found = [seen for pod in self._api.list("Pod", self._namespace) if (seen := _seen(pod))]
                gone = (replace(pod, end=pod.end or time.time()) for pod in self._pods.values())
                self._pods = {**{pod.uid: pod for pod in gone}, **{pod.uid: pod for pod in found}}
            except (ApiError, urllib3.exceptions.HTTPError) as error:
                log.warning("the fleet goes on after: %s", error)

    def dcgm(self, jobs: Iterable[str]) -> Callable[[], str]:
        """What dcgm-exporter prints of the devices of these jobs."""
        boards = sorted({self.boards[job] for job in jobs}, key=lambda board: board.uuid)

        def page() -> str:
            pods = [pod for pod in self._pods.values() if pod.end is None]
            return "".join(line for board in boards for line in self._lines(board, pods))

        return page

    def kepler(self) -> str:
        """What Kepler prints of every pod and of their node: part of the energy is called active, and zones overlap."""
        pods, now = list(self._pods.values()), time.time()
        lines = [
            f"# TYPE kepler_{name}_joules_total counter\n" for name in ("pod_cpu", "node_cpu_active", "node_cpu_idle")
        ]
        drawn = {pod.uid: CPU_WATTS * ((pod.end or now) - pod.start) for pod in pods}
        active = CALLED_ACTIVE * sum(drawn.values())
        idle = REST_WATTS * (now - self._began) + sum(drawn.values()) - active
        for zone, factor in (("package", 1.0), ("core", 0.7), ("psys", 1.4)):
            where = f'zone="{zone}",node_name="node-1"'
            for pod in pods:
                state = "running" if pod.end is None else "terminated"
                who = f'pod_id="{pod.uid}",pod_name="{pod.name}",pod_namespace="{pod.namespace}",state="{state}"'
                joules = CALLED_ACTIVE * drawn[pod.uid] * factor
                lines.append(f"kepler_pod_cpu_joules_total{{{who},{where}}} {joules!r}\n")
            for name, joules in (("active", active), ("idle", idle)):
                lines.append(f"kepler_node_cpu_{name}_joules_total{{{where}}} {joules * factor!r}\n")
        return "".join(lines)

    def _lines(self, board: Board, pods: Iterable[Seen]) -> list[str]:
        device = f'gpu="0",UUID="{board.uuid}",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="node-1"'
        if board.profile:
            device += f',GPU_I_PROFILE="{board.profile}",GPU_I_ID="1"'
        here = [pod for pod in pods if self.boards.get(pod.job) == board]
        holders = [f',namespace="{pod.namespace}",pod="{pod.name}",container="trainer"' for pod in here] or [""]
        millijoules = 1000 * board.watts * (time.time() - self._loaded[board])
        lines = [f"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{{device}{who}}} {millijoules!r}\n" for who in holders]
        if board.power:
            lines += [f"DCGM_FI_DEV_POWER_USAGE{{{device}{who}}} {board.watts!r}\n" for who in holders]
        return lines


def _seen(pod: Body) -> Seen | None:
    scheduled = reserved_for(pod)
    if scheduled is None:
        return None
    states = [one["state"] for one in pod["status"].get("containerStatuses") or ()]
    ended = [state["terminated"]["finishedAt"] for state in states if "terminated" in state]
    metadata = pod["metadata"]
    job = (metadata.get("labels") or {}).get(JOB_NAME_LABEL, "")
    end = _seconds(ended[0]) if ended else None
    return Seen(metadata["uid"], metadata["namespace"], metadata["name"], job, _seconds(scheduled), end)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
