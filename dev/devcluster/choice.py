"""Which provider fits this machine: a pure choice over a few facts, so that every answer is tested without them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from devcluster.cluster import Provider
from devcluster.errors import DevClusterError

NO_WAY = (
    "No way to start a cluster was found here. Either start a Docker engine (then kind is used), or run as root on "
    "Linux with Go 1.26 installed (then a local node is started), or pass `--provider context` to use the cluster "
    "that your kubectl points at now."
)


@dataclass(frozen=True)
class Facts:
    """What the choice depends on."""

    docker_engine: bool
    linux: bool
    root: bool


def observe() -> Facts:
    """The facts about this machine; a Docker client without an engine does not count."""
    docker = shutil.which("docker")
    engine = docker is not None and subprocess.run((docker, "info"), capture_output=True, check=False).returncode == 0
    return Facts(docker_engine=engine, linux=sys.platform == "linux", root=os.geteuid() == 0)


def choose(wanted: str, facts: Facts) -> Provider:
    """The provider to use: what was asked for if it can work, else kind, else local; never the user's own context."""
    if wanted == "context":
        return "context"
    if wanted == "kind" and not facts.docker_engine:
        raise DevClusterError("`--provider kind` needs a running Docker engine; `docker info` finds none.")
    if wanted == "local" and not (facts.linux and facts.root):
        raise DevClusterError("`--provider local` needs root on Linux: it starts a real node in namespaces.")
    if wanted == "kind" or (wanted == "auto" and facts.docker_engine):
        return "kind"
    if wanted == "local" or (facts.linux and facts.root):
        return "local"
    raise DevClusterError(NO_WAY)
