"""A cluster that is up, as every provider leaves it: where it is and how to reach it.

The record is a JSON file in the state directory, so that tests and later commands need not know the provider.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from devcluster.errors import DevClusterError
from devcluster.paths import Toolbox, state_directory
from devcluster.programs import CLIENTS, build
from devcluster.progress import Progress

Provider = Literal["kind", "local", "context"]
DEFAULT_NAME = "dev"


@dataclass(frozen=True)
class Cluster:
    """A running cluster; `prometheus_url` is None where the provider starts none."""

    name: str
    provider: Provider
    kubeconfig: Path
    prometheus_url: str | None = None

    @property
    def tools(self) -> Toolbox:
        """kubectl and Helm, built if they are not yet."""
        return build(CLIENTS, Progress())

    @property
    def variables(self) -> dict[str, str]:
        """The variables that turn kubectl (with its plugin `coppice`), Helm and client libraries to this cluster."""
        places = (str(self.tools.bin), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
        return {**self.tools.environment(self.kubeconfig), "PATH": os.pathsep.join(places)}

    def kubectl(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """Run kubectl and return its standard output; a failure raises with its standard error."""
        return self._client("kubectl", arguments, check=check, stdin=stdin)

    def helm(self, *arguments: str, check: bool = True) -> str:
        """Run Helm and return its standard output; a failure raises with its standard error."""
        return self._client("helm", arguments, check=check, stdin=None)

    @property
    def images(self) -> dict[str, str]:
        """The images last handed to the cluster: `{"operator": "coppice.dev/operator:DIGEST", ...}`."""
        file = state_directory(self.name) / "images.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def remember_image(self, name: str, reference: str) -> None:
        """Note that the cluster holds `reference` as its image `name`."""
        content = json.dumps({**self.images, name: reference}, indent=2) + "\n"
        (state_directory(self.name) / "images.json").write_text(content)

    def save(self) -> None:
        """Write the record that `load` reads."""
        directory = state_directory(self.name)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        record = {**asdict(self), "kubeconfig": str(self.kubeconfig)}
        (directory / "cluster.json").write_text(json.dumps(record, indent=2) + "\n")

    @classmethod
    def load(cls, name: str = DEFAULT_NAME) -> Cluster | None:
        """The record of the cluster `name`, if `up` finished for it; it says nothing about its health."""
        file = state_directory(name) / "cluster.json"
        if not file.exists():
            return None
        record = json.loads(file.read_text())
        return cls(**{**record, "kubeconfig": Path(record["kubeconfig"])})

    def _client(self, program: str, arguments: Sequence[str], *, check: bool, stdin: str | None) -> str:
        done = subprocess.run(
            (self.tools.program(program), *arguments),
            env={**os.environ, **self.variables}, input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise DevClusterError(f"{program} {' '.join(arguments)} failed:\n{done.stderr.strip()}")
        return done.stdout
