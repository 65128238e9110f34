"""Images by a Docker engine, for kind: the engine caches layers, and kind loads what its node lacks."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from devcluster import kind
from devcluster.errors import DevClusterError
from devcluster.images.recipe import build_options
from devcluster.programs import build
from devcluster.progress import Progress

if TYPE_CHECKING:
    from devcluster.images.targets import Image


def build_command(image: Image, reference: str) -> tuple[str, ...]:
    """The `docker build` of an image."""
    options = build_options(reference, image.dockerfile, image.target, image.build_arguments)
    return ("docker", "build", *options, str(image.context))


def provide(image: Image, reference: str, cluster_name: str, progress: Progress) -> None:
    """Build with Docker and load into the kind cluster's node."""
    tools = build(kind.PROGRAMS, progress)
    with progress.step(f"Build {reference}"):
        _run(build_command(image, reference))
    with progress.step(f"Load {reference}"):
        _run(kind.load_command(tools, cluster_name, reference))


def _run(command: tuple[str, ...]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DevClusterError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()[-3000:]}")
