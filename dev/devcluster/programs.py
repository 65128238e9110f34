"""The programs of the cluster, built from the one pinned Go module in dev/controlplane.

Building from modules needs no image registry and no download site, and go.sum pins every byte. A first build takes
minutes; afterwards the programs are found by a digest of the module files and of the linker flags, so that a changed
pin builds anew and an unchanged one costs a file check. Go's own caches (GOCACHE, GOMODCACHE) are used as they are.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from devcluster.errors import DevClusterError
from devcluster.paths import REPOSITORY_ROOT, Toolbox, cache_directory, exclusive
from devcluster.progress import Progress

MODULE = REPOSITORY_ROOT / "dev" / "controlplane"

# What Go names a program after its package's last element is not always what people call it.
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "helm": "helm.sh/helm/v4/cmd/helm",
    "kubelet": "k8s.io/kubernetes/cmd/kubelet",
    "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
    "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
    "promtool": "github.com/prometheus/prometheus/cmd/promtool",
    "kind": "sigs.k8s.io/kind",
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
    "coredns": "./coredns",
    "provisioner": "./provisioner",
    "pause": "./pause",
}
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
CLIENTS = ("kubectl", "helm")
NODE = ("kubelet", "kube-proxy", "coredns", "provisioner", "prometheus", "pause")
# Prometheus links a client of every cloud unless told which discovery is wanted.
TAGS = {"prometheus": "remove_all_sd,enable_kubernetes_sd", "promtool": "remove_all_sd,enable_kubernetes_sd"}

NO_GO = (
    "Go is needed to build the cluster's programs and was not found. Install Go 1.26 or newer (https://go.dev/dl, or "
    "`apt-get install golang-go` with GOTOOLCHAIN=auto), or use a cluster that needs no build: "
    "`--provider kind` with a Docker engine, or `--provider context` for the cluster your kubectl points at."
)


def kubernetes_version(go_mod: str) -> str:
    """The pinned version of Kubernetes, `vX.Y.Z`, read from the text of go.mod."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\d+\.\d+\.\d+)(?:\s+// indirect)?$", go_mod, flags=re.MULTILINE)
    if found is None:
        raise DevClusterError(f"{MODULE}/go.mod pins no k8s.io/kubernetes; restore that line.")
    return found[1]


def linker_flags(version: str) -> str:
    """Linker flags that stamp the version: unstamped servers report one that kubectl and Helm cannot parse."""
    major, minor, _ = version.removeprefix("v").split(".")
    package = "k8s.io/component-base/version"
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(["-s -w", *(f"-X {package}.{key}={value}" for key, value in stamps.items())])


def digest(module: Path, flags: str) -> str:
    """Twelve hex digits that change with the pins or the flags, and so name a directory of programs."""
    whole = hashlib.sha256(flags.encode())
    for file in sorted(module.glob("go.*")):
        whole.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return whole.hexdigest()[:12]


def go_build(name: str, target: Path, flags: str) -> tuple[str, ...]:
    """The command that builds one program; -v names each package as it is compiled."""
    options = ("-v", "-mod=readonly", "-buildvcs=false", "-trimpath", "-tags", TAGS.get(name, ""), "-ldflags", flags)
    return ("go", "build", *options, "-o", str(target), PACKAGES[name])


def is_built(name: str, program: Path, module: Path = MODULE) -> bool:
    """Whether `program` is there and, for the few that the module itself holds, newer than its source."""
    if not program.exists():
        return False
    package = PACKAGES[name]
    sources = (module / package).glob("*.go") if package.startswith(".") else ()
    return all(source.stat().st_mtime <= program.stat().st_mtime for source in sources)


def build(names: Sequence[str], progress: Progress, module: Path = MODULE) -> Toolbox:
    """Build what is not built yet and return where the programs are; `names` are keys of PACKAGES.

    `module` is the directory of the Go module that pins them, where it is not the cluster's.
    """
    flags = linker_flags(kubernetes_version((module / "go.mod").read_text())) if module == MODULE else "-s -w"
    toolbox = Toolbox(cache_directory() / "bin" / digest(module, flags))
    if all(is_built(name, toolbox.bin / name, module) for name in names):
        return toolbox
    if shutil.which("go") is None:
        raise DevClusterError(NO_GO)
    toolbox.bin.mkdir(parents=True, exist_ok=True)
    with exclusive(toolbox.bin / ".lock"):
        for name in names:
            if not is_built(name, toolbox.bin / name, module):
                _build_one(name, toolbox.bin / name, flags, progress, module)
    return toolbox


def _build_one(name: str, target: Path, flags: str, progress: Progress, module: Path) -> None:
    unfinished = target.with_name(f".{target.name}.unfinished")
    environment = {**os.environ, "CGO_ENABLED": "0"}
    with progress.step(f"Build {name}") as step:
        command = go_build(name, unfinished, flags)
        compiled: list[str] = []
        with subprocess.Popen(
            command, cwd=module, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stderr is not None
            for line in process.stderr:
                compiled.append(line.strip())
                step.detail(f"{len(compiled)} packages, now {compiled[-1]}")
        if process.returncode != 0:
            raise DevClusterError(f"Building {name} failed:\n" + "\n".join(compiled[-15:]))
        unfinished.rename(target)
