"""Files out of Go modules, fetched by Go itself: pinned by checksum, and nothing kept but what is wanted.

The module goes into a cache of its own that is removed at once: Kubernetes alone would leave 120 MB beside Go's
other modules for four of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devcluster.errors import DevClusterError


@dataclass(frozen=True)
class Module:
    """A Go module at a version, with the checksum that go.sum would hold."""

    path: str
    version: str
    checksum: str

    def __str__(self) -> str:
        return f"{self.path}@{self.version}"


def files_of(module: Module, names: Sequence[str]) -> Mapping[str, bytes]:
    """The content of some files of a module. Raises DevClusterError, saying why and what to do."""
    if shutil.which("go") is None:
        raise DevClusterError(f"Go is needed to fetch {module} and was not found: install it from https://go.dev/dl.")
    with tempfile.TemporaryDirectory(prefix="coppice-module-") as cache:
        # The checksum is pinned here, so no database of checksums is asked; -modcacherw lets the directory be removed.
        own = {"GOMODCACHE": cache, "GOFLAGS": "-modcacherw", "GONOSUMDB": module.path, "GOWORK": "off"}
        command = ("go", "mod", "download", "-json", str(module))
        environment = {**os.environ, **own}
        done = subprocess.run(command, cwd=cache, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DevClusterError(f"{module} cannot be fetched (is GOPROXY reachable?):\n{done.stdout}{done.stderr}")
        found = json.loads(done.stdout)
        if found["Sum"] != module.checksum:
            raise DevClusterError(f"{module} has the checksum {found['Sum']}, not {module.checksum} as pinned.")
        return {name: (Path(found["Dir"]) / name).read_bytes() for name in names}
