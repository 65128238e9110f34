"""The images to provide and their names: a name contains a digest of everything the image is made from.

So an unchanged image is recognised without building it, a changed one never hides behind an old tag, and a Helm
upgrade with the new name restarts the pods by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devcluster.cluster import Cluster
from devcluster.errors import DevClusterError
from devcluster.images import buildah, containerd, docker
from devcluster.paths import REPOSITORY_ROOT, cache_directory, exclusive, state_directory
from devcluster.progress import Progress

REGISTRY = "coppice.dev"


@dataclass(frozen=True)
class Image:
    """An image to build: `inputs` are the files and directories, below `context`, that decide its content."""

    name: str
    context: Path = REPOSITORY_ROOT
    dockerfile: Path = REPOSITORY_ROOT / "Dockerfile"
    target: str | None = None
    inputs: tuple[str, ...] = ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "operator")
    build_arguments: dict[str, str] = field(default_factory=dict)

    def reference(self) -> str:
        """`coppice.dev/NAME:DIGEST`, the digest over the inputs' content."""
        return f"{REGISTRY}/{self.name}:{self.digest()}"

    def digest(self) -> str:
        """Twelve hex digits over the Dockerfile, the build arguments and every input file."""
        whole = hashlib.sha256(json.dumps([self.target, self.build_arguments], sort_keys=True).encode())
        whole.update(self.dockerfile.read_bytes())
        for file in source_files(self.context / name for name in self.inputs):
            whole.update(file.relative_to(self.context).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
        return whole.hexdigest()[:12]


TARGETS = {
    "operator": Image("operator", target="operator"),
    "trainer": Image("trainer", target="trainer"),
}


def source_files(inputs: Iterable[Path]) -> list[Path]:
    """Every file of the inputs in a stable order, without what Python leaves behind."""
    found = [file for item in inputs for file in ([item] if item.is_file() else item.rglob("*"))]
    return sorted(file for file in found if file.is_file() and "__pycache__" not in file.parts)


def provide(names: Sequence[str], cluster: Cluster, progress: Progress) -> list[str]:
    """Build the named targets and hand them to the cluster; returns their references in order."""
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        raise DevClusterError(f"Unknown images {', '.join(unknown)}; there are {', '.join(TARGETS)}.")
    return [provide_image(TARGETS[name], cluster, progress) for name in names]


def provide_image(image: Image, cluster: Cluster, progress: Progress) -> str:
    """Build one image, if its content changed, and hand it to the cluster; returns its reference."""
    reference = image.reference()
    if cluster.provider == "context":
        raise DevClusterError(
            "Images cannot be handed to a cluster of your own: push them to a registry that it pulls from, "
            f"for instance `docker build --target {image.target} -t REGISTRY/{image.name} .` and `docker push`."
        )
    if cluster.provider == "kind":
        docker.provide(image, reference, cluster.name, progress)
    else:
        with exclusive(cache_directory() / "images.lock"):
            _provide_locally(image, reference, cluster, progress)
    cluster.remember_image(image.name, reference)
    return reference


def _provide_locally(image: Image, reference: str, cluster: Cluster, progress: Progress) -> None:
    state = state_directory(cluster.name)
    if containerd.holds(state, reference):
        progress.note(f"Image {reference} is unchanged")
        return
    buildah.build(image, reference, progress)
    containerd.hand_over(state, reference, progress)
