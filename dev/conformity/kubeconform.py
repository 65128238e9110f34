"""kubeconform with the schemas of three Kubernetes minors, our kinds and the Prometheus operator's."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from conformity import schemas
from conformity.modules import Module, files_of
from devcluster.errors import DevClusterError
from devcluster.paths import REPOSITORY_ROOT, cache_directory, exclusive
from devcluster.programs import build
from devcluster.progress import Progress

KUBERNETES = {
    "1.35": Module("k8s.io/kubernetes", "v1.35.4", "h1:o/8dBC/pHVpYoGV4OAIytAlNPZbdYVTXJHoYvXC4qzM="),
    "1.36": Module("k8s.io/kubernetes", "v1.36.3", "h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o="),
    "1.37": Module("k8s.io/kubernetes", "v1.37.2", "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="),
}
"""The newest minors whose modules a Go module proxy serves; the chart says which it supports."""

PROMETHEUS_OPERATOR = Module(
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
)
MONITORING = tuple(
    f"example/prometheus-operator-crd/monitoring.coreos.com_{plural}.yaml"
    for plural in ("servicemonitors", "prometheusrules")
)
OPENAPI = "api/openapi-spec/swagger.json"
PATTERN = "{{.ResourceKind}}{{.KindSuffix}}.json"
KNOWS_METADATA = "pod-v1.json"
"""A file whose definitions include the metadata of every object."""

MODULE = Path(__file__).parent

Manifest = Mapping[str, Any]


class Kubeconform:
    """The program, and directories of schemas by minor."""

    def __init__(self, program: str, directories: Mapping[str, Sequence[Path]]) -> None:
        self._program = program
        self._directories = directories

    @property
    def minors(self) -> tuple[str, ...]:
        """The minors that there are schemas of."""
        return tuple(self._directories)

    def complaints(self, manifests: Iterable[Manifest], minor: str) -> list[str]:
        """What a Kubernetes minor would refuse, a sentence for each object; a kind without a schema is one too."""
        locations = [part for place in self._directories[minor] for part in ("-schema-location", f"{place}/{PATTERN}")]
        command = (self._program, "-strict", "-output", "json", *locations)
        text = yaml.dump_all(manifests, Dumper=yaml.CSafeDumper)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        try:
            found = json.loads(done.stdout)["resources"]
        except (ValueError, KeyError):
            raise DevClusterError(f"kubeconform failed: {done.stderr or done.stdout}") from None
        return [f"{item['kind']} {item['name']} in Kubernetes {minor}: {item['msg']}" for item in found]


def kubeconform(progress: Progress, scratch: Path) -> Kubeconform:
    """The program and its schemas, made where they are missing; `scratch` takes those of our own kinds.

    Raises DevClusterError.
    """
    program = build(("kubeconform",), progress, MODULE).program("kubeconform")
    published = cache_directory() / "schemas" / _digest()
    with exclusive(cache_directory() / "schemas" / ".lock"):
        for minor, module in KUBERNETES.items():
            if not (published / minor).is_dir():
                with progress.step(f"Derive the schemas of Kubernetes {minor}"):
                    _write(_published(module), published / minor)
    ours = [yaml.safe_load(path.read_bytes()) for path in sorted((REPOSITORY_ROOT / "crds").glob("*.yaml"))]
    for minor in KUBERNETES:
        definitions = json.loads((published / minor / KNOWS_METADATA).read_bytes())["definitions"]
        _write(_custom(ours, definitions), scratch / minor)
    return Kubeconform(program, {minor: (published / minor, scratch / minor) for minor in KUBERNETES})


def _published(module: Module) -> dict[str, schemas.Schema]:
    """Schemas by file name: Kubernetes' own kinds, and the Prometheus operator's that the chart can make."""
    document = json.loads(files_of(module, (OPENAPI,))[OPENAPI])
    monitoring = [yaml.safe_load(text) for text in files_of(PROMETHEUS_OPERATOR, MONITORING).values()]
    custom = _custom(monitoring, schemas.closed_definitions(document))
    return {**dict(schemas.kubernetes_schemas(document)), **custom}


def _custom(
    definitions_of_kinds: Iterable[Manifest], definitions: Mapping[str, schemas.Schema]
) -> dict[str, schemas.Schema]:
    return dict(chain.from_iterable(schemas.custom_schemas(crd, definitions) for crd in definitions_of_kinds))


def _digest() -> str:
    """Changes with the pins and the derivation."""
    whole = hashlib.sha256(f"{KUBERNETES} {PROMETHEUS_OPERATOR}".encode())
    whole.update((MODULE / "schemas.py").read_bytes())
    return whole.hexdigest()[:12]


def _write(files: Mapping[str, schemas.Schema], place: Path) -> None:
    """All files or none: a directory that is there is complete."""
    unfinished = place.with_name(f".{place.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name, schema in files.items():
        (unfinished / name).write_text(json.dumps(schema), encoding="utf-8")
    unfinished.rename(place)
