"""CustomResourceDefinitions of other projects' workloads, from the Go modules that dev/workloadkinds pins.

Their own definitions, byte for byte as go.sum says, so that a test shows what their API really takes and refuses.
Nothing of the modules is built.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from devcluster.errors import DevClusterError
from devcluster.paths import REPOSITORY_ROOT

MODULE = REPOSITORY_ROOT / "dev" / "workloadkinds"

FILES = {
    "JobSet": ("sigs.k8s.io/jobset", "config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml"),
    "TrainJob": ("github.com/kubeflow/trainer/v2", "manifests/base/crds/trainer.kubeflow.org_trainjobs.yaml"),
    "PyTorchJob": ("github.com/kubeflow/training-operator", "manifests/base/crds/kubeflow.org_pytorchjobs.yaml"),
}


def definitions() -> dict[str, Path]:
    """The file of each kind's definition, fetched through the Go proxy where it is not there yet."""
    if shutil.which("go") is None:
        raise DevClusterError("Go is needed to fetch the definitions of other projects' kinds; install it first.")
    modules = [module for module, _ in FILES.values()]
    command = ("go", "mod", "download", "-json", *modules)
    done = subprocess.run(command, cwd=MODULE, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DevClusterError(f"{' '.join(command)} failed: {done.stderr or done.stdout}")
    decoder, text, directories = json.JSONDecoder(), done.stdout.strip(), {}
    while text:
        found, end = decoder.raw_decode(text)
        directories[found["Path"]] = Path(found["Dir"])
        text = text[end:].lstrip()
    return {kind: directories[module] / file for kind, (module, file) in FILES.items()}
