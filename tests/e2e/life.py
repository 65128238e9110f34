"""One life of a TrainingJob on the cluster, looked at through kubectl as its user would.

Waiting is left to `kubectl wait`, which watches, so that a dozen waits cost next to nothing on a small machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from builders import JobBuilder
from coppice.api.conditions import find
from coppice.api.labels import JOB_UID_LABEL
from coppice.api.result import Result, parse_result
from coppice.api.run import TRAINER_CONTAINER
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import TrainingJobStatus
from coppice.api.trainingledger import TrainingLedger
from coppice.api.trainingreport import TrainingReport
from demo.installation import SYSTEM_NAMESPACE
from devcluster.cluster import Cluster
from e2e.ground import create

PATIENCE_SECONDS = 900
POLL_SECONDS = 2.0

Body = dict[str, Any]
Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Life:
    """One job by namespace and name."""

    cluster: Cluster
    namespace: str
    name: str

    @classmethod
    def begin(cls, cluster: Cluster, job: JobBuilder) -> Life:
        """A user creates the job."""
        body = job.body()
        metadata = {key: body["metadata"][key] for key in ("name", "namespace")}
        create(cluster, {**body, "metadata": metadata})
        return cls(cluster, metadata["namespace"], metadata["name"])

    @property
    def job(self) -> TrainingJob:
        return TrainingJob.model_validate_json(self.kubectl("get", "trainingjob", self.name, "-o", "json"))

    @property
    def status(self) -> TrainingJobStatus:
        return self.job.status or TrainingJobStatus()

    @property
    def state(self) -> str:
        """Reason of Succeeded, which is the State column."""
        found = find(self.status.conditions, "Succeeded")
        return found.reason if found else ""

    @property
    def message(self) -> str:
        """What the Succeeded condition says."""
        found = find(self.status.conditions, "Succeeded")
        return found.message if found else ""

    def children(self) -> list[Body]:
        """Its batch Jobs by name, which ends in the attempt's number."""
        return sorted(self._mine("jobs"), key=lambda child: str(child["metadata"]["name"]))

    def pods(self) -> list[Body]:
        """Its pods, oldest first."""
        return sorted(self._mine("pods"), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def pod(self) -> Body:
        """Its newest pod, once it has one."""
        return until(lambda: self.pods()[-1:], f"a pod of {self}")[0]

    def results(self) -> list[Result]:
        """What its pods left as their last word, oldest first."""
        statuses = [one for pod in self.pods() for one in pod["status"].get("containerStatuses", ())]
        said = [one["state"].get("terminated", {}) for one in statuses if one["name"] == TRAINER_CONTAINER]
        return [result for one in said if (result := parse_result(one.get("message", ""))) is not None]

    def report(self) -> TrainingReport:
        """Its one report."""
        uid = self.job.metadata.uid
        found = [TrainingReport.model_validate(one) for one in self._listed("trainingreports")]
        [mine] = [report for report in found if report.spec.job_uid == uid]
        return mine

    def log(self) -> str:
        """What its newest pod's trainer said so far."""
        name = self.pod()["metadata"]["name"]
        return self.cluster.kubectl("logs", "-n", self.namespace, name, "-c", TRAINER_CONTAINER, check=False)

    def until_state(self, state: str) -> Life:
        """Wait until the State column shows this."""
        self._wait(f"jsonpath={{.status.summary.state}}={state}")
        return self

    def until_accounted(self) -> Life:
        """Wait until it is finished and its account closed."""
        self._wait("condition=Accounted")
        return self

    def kubectl(self, *arguments: str) -> str:
        """kubectl in its namespace."""
        return self.cluster.kubectl("-n", self.namespace, *arguments)

    def _wait(self, wanted: str) -> None:
        try:
            self.kubectl("wait", f"--for={wanted}", f"--timeout={PATIENCE_SECONDS}s", f"trainingjob/{self.name}")
        except Exception as error:
            raise AssertionError(f"{self} did not come to {wanted}:\n{self._told()}") from error

    def _told(self) -> str:
        return self.cluster.kubectl("describe", "trainingjob", self.name, "-n", self.namespace, check=False)[-3000:]

    def _mine(self, kind: str) -> list[Body]:
        return self._listed(kind, "-l", f"{JOB_UID_LABEL}={self.job.metadata.uid}")

    def _listed(self, kind: str, *more: str) -> list[Body]:
        items: list[Body] = json.loads(self.kubectl("get", kind, *more, "-o", "json"))["items"]
        return items

    def __str__(self) -> str:
        return f"TrainingJob {self.namespace}/{self.name} ({self.state}: {self.message})"


def until(look: Callable[[], Seen], what: str, seconds: float = PATIENCE_SECONDS) -> Seen:
    """What `look` sees as soon as it is something; fails saying for what it waited in vain."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(POLL_SECONDS)


def ledger(cluster: Cluster, namespace: str) -> TrainingLedger | None:
    """The totals of a namespace, which outlive it."""
    where = ("-n", SYSTEM_NAMESPACE, "--ignore-not-found", "-o", "json")
    text = cluster.kubectl("get", "trainingledger", namespace, *where)
    return TrainingLedger.model_validate_json(text) if text.strip() else None


def settled(cluster: Cluster, namespace: str) -> Mapping[str, int]:
    """Jobs that the ledger has counted, by reason."""
    found = ledger(cluster, namespace)
    counted: dict[str, int] = {}
    for one in found.spec.totals.finished if found else ():
        counted[one.reason] = counted.get(one.reason, 0) + one.jobs
    return counted
