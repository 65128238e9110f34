"""Hand a built image to the local cluster's containerd, writing only the layers it does not hold.

The layout in the cache and containerd's content store both keep a layer as a file named by its digest. After the first
import the layout's copy becomes a hard link to containerd's (or the other way round on a fresh cluster), so that
several gigabytes of dependencies lie on the disk once; later imports carry only what changed.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from devcluster.errors import DevClusterError
from devcluster.images import buildah
from devcluster.images.oci import Descriptor, write_archive
from devcluster.local.layout import Layout
from devcluster.local.node import ctr
from devcluster.progress import Progress

CONTENT = "io.containerd.content.v1.content/blobs"
REFERENCE = "org.opencontainers.image.ref.name"


def holds(state: Path, reference: str) -> bool:
    """Whether the cluster's containerd has an image of this name."""
    listed = subprocess.run(
        (*ctr(Layout.require(state)), "images", "ls", "-q", f"name=={reference}"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        raise DevClusterError(f"containerd does not answer; is the cluster up? {listed.stderr.strip()}")
    return reference in listed.stdout.split()


def import_archive(state: Path, archive: bytes) -> None:
    """Import an OCI archive that was made in memory, for small images such as a test's own."""
    command = (*ctr(Layout.require(state)), "images", "import", "-")
    done = subprocess.run(command, input=archive, capture_output=True, check=False)
    if done.returncode != 0:
        raise DevClusterError(f"containerd refused the image: {done.stderr.decode(errors='replace').strip()[-2000:]}")


def hand_over(state: Path, reference: str, progress: Progress) -> None:
    """Import `reference` from the layout, share its layers' files, and forget older images of the same name."""
    cluster = Layout.require(state)
    store = cluster.containerd_root / CONTENT
    manifest = descriptor_of(buildah.layout(), reference)
    wanted = blobs_of(buildah.layout(), manifest)
    missing = {digest: path for digest, path in wanted.items() if not blob_path(store, digest).exists()}
    size = sum(path.stat().st_size for path in missing.values())
    with progress.step(f"Import {reference} ({len(missing)} of {len(wanted)} blobs, {size / 1e6:,.1f} MB)"):
        _import(cluster, {reference: manifest}, missing)
    for digest, path in wanted.items():
        share(path, blob_path(store, digest))
    _forget_older(cluster, reference)
    prune_layout(buildah.layout())


def descriptor_of(layout: Path, reference: str) -> Descriptor:
    """The manifest's descriptor that the layout's index has under `reference`."""
    index = json.loads((layout / "index.json").read_text())
    for manifest in index["manifests"]:
        if manifest.get("annotations", {}).get(REFERENCE) == reference:
            return {key: manifest[key] for key in ("mediaType", "digest", "size")}
    raise DevClusterError(f"{layout} holds no image {reference}; build it again.")


def blobs_of(layout: Path, manifest: Descriptor) -> dict[str, Path]:
    """Every blob of an image by digest: its manifest, its configuration and its layers."""
    content: dict[str, Any] = json.loads(blob_path(layout / "blobs", manifest["digest"]).read_text())
    digests = [manifest["digest"], content["config"]["digest"], *(layer["digest"] for layer in content["layers"])]
    return {digest: blob_path(layout / "blobs", digest) for digest in digests}


def blob_path(blobs: Path, digest: str) -> Path:
    """Where a directory of blobs keeps `digest`."""
    algorithm, _, value = digest.partition(":")
    return blobs / algorithm / value


def share(ours: Path, theirs: Path) -> None:
    """Make `ours` a hard link to `theirs`, where both exist on one file system as two files."""
    if not (ours.exists() and theirs.exists()) or ours.samefile(theirs) or ours.stat().st_dev != theirs.stat().st_dev:
        return
    link = ours.with_name(f".{ours.name}.link")
    link.unlink(missing_ok=True)
    link.hardlink_to(theirs)
    link.rename(ours)


def prune_layout(layout: Path) -> None:
    """Keep the newest manifest of every image name and the blobs it needs; remove the rest."""
    file = layout / "index.json"
    index = json.loads(file.read_text())
    # A copy that was killed may have left an entry without its manifest.
    whole = [entry for entry in index["manifests"] if blob_path(layout / "blobs", entry["digest"]).exists()]
    newest = {manifest["annotations"][REFERENCE].rpartition(":")[0]: manifest for manifest in whole}
    index["manifests"] = list(newest.values())
    file.write_text(json.dumps(index))
    needed = {path for manifest in newest.values() for path in blobs_of(layout, manifest).values()}
    for path in (layout / "blobs").glob("*/*"):
        if path not in needed:
            path.unlink()


def superseded(listed: str, reference: str) -> list[str]:
    """From the table of `ctr images ls`: older images of the same name, and the nameless twins the kubelet sees.

    containerd's CRI plugin enters every image a second time under its configuration's digest; as long as that entry
    stands, the layers stay.
    """
    rows = [line.split() for line in listed.splitlines()[1:]]
    digests = {row[0]: row[2] for row in rows if len(row) > 2}
    repository = reference.rpartition(":")[0]
    named = {name for name in digests if not name.startswith("sha256:")}
    older = {name for name in named if name.rpartition(":")[0] == repository and name != reference}
    kept = {digests[name] for name in named - older}
    twins = {name for name in digests if name.startswith("sha256:") and digests[name] not in kept}
    return sorted(older | twins)


def _import(cluster: Layout, images: dict[str, Descriptor], files: dict[str, Path]) -> None:
    command = (*ctr(cluster), "images", "import", "-")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            write_archive(process.stdin, images, {}, files)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended early; what it said follows
        said = process.stdout.read().decode(errors="replace")
    if process.returncode != 0:
        raise DevClusterError(f"containerd refused the image: {said.strip()[-2000:]}")


def _forget_older(cluster: Layout, reference: str) -> None:
    listed = subprocess.run((*ctr(cluster), "images", "ls"), capture_output=True, text=True, check=True).stdout
    if older := superseded(listed, reference):
        subprocess.run((*ctr(cluster), "images", "rm", "--sync", *older), capture_output=True, check=False)
