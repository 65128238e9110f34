"""The manifests that the demo applies, in order: the files in examples/demo that a user can read and apply.

Nothing is filled in on the way, so that what `kubectl apply -f examples/demo` does is what the demo does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from coppice.api.trainingjob import TrainingJob
from devcluster.errors import DevClusterError
from devcluster.paths import REPOSITORY_ROOT

DIRECTORY = REPOSITORY_ROOT / "examples" / "demo"
LADDER = REPOSITORY_ROOT / "examples" / "ladder"
"""Further jobs for the demo's namespace, which the end-to-end tests run."""
NAMESPACE = "coppice-demo"


@dataclass(frozen=True)
class Manifest:
    """One file and the objects in it."""

    path: Path
    objects: tuple[dict[str, Any], ...]

    @property
    def job(self) -> TrainingJob | None:
        """The TrainingJob that the file holds, if it is one of a job."""
        found = [item for item in self.objects if item["kind"] == "TrainingJob"]
        return TrainingJob.model_validate(found[0]) if found else None


@cache
def manifests(directory: Path = DIRECTORY) -> tuple[Manifest, ...]:
    """Every file in the order of its number."""
    return tuple(Manifest(path, _objects(path)) for path in sorted(directory.glob("[0-9]*.yaml")))


def _objects(path: Path) -> tuple[dict[str, Any], ...]:
    return tuple(item for item in yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader) if item)


def ground(directory: Path = DIRECTORY) -> tuple[Manifest, ...]:
    """What jobs stand on: namespace, policy, volumes, base models."""
    return tuple(manifest for manifest in manifests(directory) if manifest.job is None)


def jobs(only: Sequence[str] = (), directory: Path = DIRECTORY) -> tuple[Manifest, ...]:
    """The jobs in the order they are run; `only` keeps those of these names and raises for one that is unknown."""
    found = {manifest.job.metadata.name: manifest for manifest in manifests(directory) if manifest.job is not None}
    if unknown := sorted(set(only) - set(found)):
        raise DevClusterError(f"The demo has no job {', '.join(unknown)}; it has {', '.join(found)}.")
    return tuple(manifest for name, manifest in found.items() if not only or name in only)
