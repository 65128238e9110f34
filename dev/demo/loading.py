"""The inputs onto the claims, by a Pod that does nothing else.

A Pod in the trainer's own image mounts the claims, `kubectl cp` streams files into it, and their sha256 is checked
where they landed. It works with any storage class and any provider, because all it needs is the API server. Files that
are already there and right are not sent again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from demo.inputs.prepare import InputFile, Inputs
from demo.manifests import NAMESPACE
from devcluster.cluster import Cluster
from devcluster.errors import DevClusterError
from devcluster.progress import Step

POD = "loader"
ROOT = "/claims"
USER = 65532
"""The user of the trainer's image: what the loader writes, training pods of this namespace may read and replace."""


def load(
    cluster: Cluster, inputs: Inputs, image: str, outputs: Sequence[str], step: Step, namespace: str = NAMESPACE
) -> list[InputFile]:
    """Put the inputs on their claims, remove `outputs` (directories of earlier runs), and return what was sent."""
    claims = sorted({file.claim for file in inputs.files})
    loader = _Loader(cluster, namespace)
    loader.delete()
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(pod(image, claims, namespace)))
    try:
        step.detail("the loader Pod starts")
        cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "--timeout=300s", f"pod/{POD}")
        if outputs:
            loader.run("rm", "-rf", *(f"{ROOT}/{output}" for output in outputs))
        wanted = missing(inputs.files, loader.digests(inputs.files))
        for file in wanted:
            step.detail(f"{file.uri}, {file.size_bytes / 1e6:.1f} MB")
            loader.send(inputs, file)
        if still := missing(inputs.files, loader.digests(inputs.files)):
            raise DevClusterError(f"{still[0].uri} differs on the claim after it was copied; is the volume full?")
        return wanted
    finally:
        loader.delete()


def missing(files: Sequence[InputFile], digests: dict[str, str]) -> list[InputFile]:
    """The files whose digest on the claims (`claim/path` to hex) is not theirs."""
    return [file for file in files if digests.get(f"{file.claim}/{file.path}") != file.sha256]


def pod(image: str, claims: Sequence[str], namespace: str = NAMESPACE) -> dict[str, Any]:
    """A Pod that waits with the claims mounted, within the restricted Pod security standard."""
    container = {
        "name": POD,
        "image": image,
        "command": ["sleep", "3600"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": [{"name": claim, "mountPath": f"{ROOT}/{claim}"} for claim in claims],
    }
    user = {"runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD, "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims],
        },
    }


def parse_digests(listing: str) -> dict[str, str]:
    """sha256sum's lines `<hex>  <path>` as path to hex."""
    lines = (line.split(maxsplit=1) for line in listing.splitlines())
    return {line[1].strip(): line[0] for line in lines if len(line) == 2}


@dataclass(frozen=True)
class _Loader:
    """The Pod, once it runs."""

    cluster: Cluster
    namespace: str

    def delete(self) -> None:
        """Remove the loader, if there is one; the claims can then be mounted by a job's Pod on another node."""
        where = ("-n", self.namespace, "--ignore-not-found", "--grace-period=1", "--wait")
        self.cluster.kubectl("delete", "pod", POD, *where)

    def digests(self, files: Sequence[InputFile]) -> dict[str, str]:
        """What lies on the claims now."""
        names = " ".join(f"{file.claim}/{file.path}" for file in files)
        return parse_digests(self.run("sh", "-c", f"cd {ROOT} && sha256sum {names} 2>/dev/null || true"))

    def send(self, inputs: Inputs, file: InputFile) -> None:
        """Copy one file."""
        directory = f"{ROOT}/{file.claim}/{file.path}".rpartition("/")[0]
        self.run("mkdir", "-p", directory)
        source = inputs.directory / file.claim / file.path
        self.cluster.kubectl("cp", "--no-preserve", str(source), f"{self.namespace}/{POD}:{directory}/{source.name}")

    def run(self, *command: str) -> str:
        """A command in the Pod."""
        return self.cluster.kubectl("exec", "-n", self.namespace, POD, "--", *command)
