"""Everything under the jobs: the cluster, the images, the chart and the inputs, with what can overlap overlapping."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from demo.beside import Beside
from demo.inputs.prepare import Inputs, prepare
from devcluster import lifecycle
from devcluster.choice import choose, observe
from devcluster.cluster import Cluster
from devcluster.images import buildah
from devcluster.images.targets import TARGETS, provide
from devcluster.paths import REPOSITORY_ROOT
from devcluster.progress import Progress

RELEASE = "coppice"
SYSTEM_NAMESPACE = "coppice-system"
CHART = REPOSITORY_ROOT / "charts" / "coppice"


@dataclass(frozen=True)
class Ready:
    """What the jobs run on."""

    cluster: Cluster
    trainer_image: str
    inputs: Inputs


def install(name: str, provider: str, progress: Progress) -> Ready:
    """The cluster with Coppice on it and the inputs on this machine; what exists already is kept.

    While the cluster's programs are compiled, the images' dependencies and the inputs are downloaded: one needs the
    processor, the others the network.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        inputs = pool.submit(_prepared, Beside(progress))
        images = pool.submit(_build_ahead, name, provider, Beside(progress))
        cluster = lifecycle.up(name, provider, progress)
        images.result()
        return Ready(cluster, install_chart(cluster, progress), inputs.result())


def install_chart(cluster: Cluster, progress: Progress) -> str:
    """Coppice on a cluster that is up, with images of the present source; returns the trainer's."""
    operator, trainer = provide(("operator", "trainer"), cluster, progress)
    with progress.step("Install the chart with Helm"):
        cluster.helm(*helm_arguments(operator, trainer))
    return trainer


def helm_arguments(operator: str, trainer: str) -> tuple[str, ...]:
    """The chart as it is, with the images that were just built; it returns when the operator is ready.

    Helm 4's own way of waiting would also wait for every base model to be Ready, and those of the catalogue that lack
    digests rightly never are.
    """
    where = ("--namespace", SYSTEM_NAMESPACE, "--create-namespace", "--wait=legacy", "--timeout", "5m")
    images = {"image": operator, "trainer.image": trainer}
    values = [
        f"{key}.{part}={value}"
        for key, reference in images.items()
        for part, value in zip(("repository", "tag"), _parts(reference), strict=True)
    ]
    return (
        "upgrade",
        "--install",
        RELEASE,
        str(CHART),
        *where,
        *(item for value in values for item in ("--set-string", value)),
    )


def _parts(reference: str) -> tuple[str, str]:
    repository, _, tag = reference.rpartition(":")
    return repository, tag


def _prepared(progress: Progress) -> Inputs:
    with progress.step("Fetch and convert the demo's data and base model"):
        return prepare()


def _build_ahead(name: str, provider: str, progress: Progress) -> None:
    """Build ahead what `provide` will then find built; only the local provider can build before the cluster is up."""
    existing = Cluster.load(name)
    if existing is not None or choose(provider, observe()) != "local":
        return
    for image in TARGETS.values():
        buildah.build(image, image.reference(), progress)
