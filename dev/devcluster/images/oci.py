"""The OCI image layout, as far as it is needed to hand an image to containerd: content by digest and an index.

Written by hand because it is small: a blob is a file named by its sha256, an image a JSON manifest that names its
configuration and layers by digest (image-spec v1.1, image-layout.md and manifest.md).
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIGURATION = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
NAME_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

Descriptor = dict[str, Any]


@dataclass
class Blobs:
    """Small blobs held in memory until an archive is written."""

    content: dict[str, bytes] = field(default_factory=dict)

    def add(self, media_type: str, content: bytes) -> Descriptor:
        """Keep `content` and return its descriptor."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.content[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content)}


def single_program_image(name: str, program: Path) -> bytes:
    """An OCI archive of an image that holds one static program and runs it as user 65535."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        entry = tarfile.TarInfo(program.name)
        content = program.read_bytes()
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    blobs = Blobs()
    layer_descriptor = blobs.add(LAYER, layer.getvalue())
    # containerd passes over an imported image whose configuration names no platform.
    configuration = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [layer_descriptor["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blobs.add(CONFIGURATION, _json(configuration)),
        "layers": [layer_descriptor],
    }
    descriptor = blobs.add(MANIFEST, _json(manifest))
    archive = io.BytesIO()
    write_archive(archive, {name: descriptor}, blobs.content, {})
    return archive.getvalue()


def write_archive(
    target: IO[bytes], images: dict[str, Descriptor], blobs: dict[str, bytes], files: dict[str, Path]
) -> None:
    """Write an OCI archive: `blobs` from memory and `files` from disk, both keyed by digest."""
    manifests = [
        {**descriptor, "annotations": dict.fromkeys(NAME_ANNOTATIONS, name)} for name, descriptor in images.items()
    ]
    index = {"schemaVersion": 2, "manifests": manifests}
    with tarfile.open(fileobj=target, mode="w|") as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        for digest, path in files.items():
            tar.add(path, arcname=_blob_path(digest), recursive=False)
        for digest, content in blobs.items():
            _add(tar, _blob_path(digest), content)
        _add(tar, "index.json", _json(index))


def _blob_path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
