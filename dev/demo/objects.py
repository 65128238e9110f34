"""The demo's view of the cluster: its namespace's objects, read through kubectl as anyone could."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from coppice.api import labels
from coppice.api.decision import DecisionRecord, decode_record
from coppice.api.trainingjob import TrainingJob
from demo.figures import Figures, figures
from demo.manifests import NAMESPACE, Manifest
from devcluster.cluster import Cluster


@dataclass(frozen=True)
class Objects:
    """Reads and writes of the demo's namespace."""

    cluster: Cluster

    def apply(self, manifest: Manifest) -> None:
        """`kubectl apply -f` of the file, as it is."""
        self.cluster.kubectl("apply", "-f", str(manifest.path))

    def job(self, name: str) -> TrainingJob:
        """One job as it stands."""
        return TrainingJob.model_validate_json(self._get("trainingjob", name))

    def records(self, job: TrainingJob) -> dict[int, DecisionRecord]:
        """The decision that was frozen on each attempt's child, by the attempt's number."""
        selector = f"{labels.JOB_UID_LABEL}={job.metadata.uid}"
        found: list[dict[str, Any]] = json.loads(
            self.cluster.kubectl("get", "jobs.batch", "-n", NAMESPACE, "-l", selector, "-o", "json")
        )["items"]
        return {
            int(child["metadata"]["labels"][labels.ATTEMPT_LABEL]): decode_record(
                child["metadata"]["annotations"][labels.DECISION_ANNOTATION]
            )
            for child in found
        }

    def figures(self, name: str) -> Figures:
        """What the cluster knows of one job."""
        job = self.job(name)
        return figures(job, self.records(job))

    def last_log_line(self, job: TrainingJob) -> str:
        """What the job's running Pod said last; empty where none runs."""
        selector = f"{labels.JOB_UID_LABEL}={job.metadata.uid}"
        running = ("--field-selector", "status.phase=Running", "-o", "name")
        pods = self.cluster.kubectl("get", "pods", "-n", NAMESPACE, "-l", selector, *running, check=False).split()
        if not pods:
            return ""
        said = self.cluster.kubectl("logs", "-n", NAMESPACE, pods[-1], "-c", "trainer", "--tail=1", check=False)
        return said.strip()

    def listed(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind in the namespace; none where the kind or the namespace does not exist yet."""
        text = self.cluster.kubectl("get", kind, "-n", NAMESPACE, "-o", "json", check=False)
        items: list[dict[str, Any]] = json.loads(text)["items"] if text.strip() else []
        return items

    def delete(self, kind: str, names: list[str]) -> None:
        """Delete objects and wait until they are gone."""
        if names:
            self.cluster.kubectl("delete", kind, "-n", NAMESPACE, "--ignore-not-found", "--timeout=120s", *names)

    def shown(self, *arguments: str) -> str:
        """What kubectl prints for a person; an error's text too, because this is only shown."""
        return self.cluster.kubectl(*arguments, check=False).rstrip()

    def _get(self, kind: str, name: str) -> str:
        return self.cluster.kubectl("get", kind, name, "-n", NAMESPACE, "-o", "json")


def names(items: list[dict[str, Any]]) -> list[str]:
    """The names of objects."""
    return [item["metadata"]["name"] for item in items]
