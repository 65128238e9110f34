"""Where the bytes of a source come from: a mounted claim, a fixed root of the image, or a server.

Claims and servers are copied to the work volume and hashed on the way, so that what was verified is what is read: a
claim can be written by other pods of the namespace while this one runs. Files of the image cannot change and are
linked after they were hashed.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from coppice.api.result import Reason
from coppice.api.run import CLAIMS_DIRECTORY, FILE_ROOTS, FileSource, RunFetch
from coppice.trainer.download import download
from coppice.trainer.faults import TrainerError
from coppice.trainer.files import CHUNK_BYTES, sha256_of


@dataclass(frozen=True)
class Places:
    """Where claims are mounted and which roots of the image may be read."""

    claims: Path = Path(CLAIMS_DIRECTORY)
    file_roots: tuple[Path, ...] = tuple(Path(root) for root in FILE_ROOTS)


def bring(source: FileSource, destination: Path, rules: RunFetch, places: Places) -> None:
    """Puts one verified file at the destination, or raises TrainerError and leaves nothing there."""
    parts = urlsplit(source.uri)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise TrainerError(Reason.UNSAFE_PATH, f"{source.name}: a URI holds no credentials, query or fragment")
    if destination.exists() and source.digest and sha256_of(destination) == source.digest:
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.unlink(missing_ok=True)
    if parts.scheme == "pvc":
        _copy(_below(places.claims / parts.netloc, parts.path, source.uri), destination, source)
    elif parts.scheme == "file":
        _link(_in_image(parts.path, places, source.uri), destination, source)
    elif parts.scheme == "https":
        download(source, destination, rules)
    else:
        raise TrainerError(Reason.UNSAFE_PATH, f"{source.uri}: sources are pvc://, file:// or https://")


def check(source: FileSource, size_bytes: int, digest: str) -> None:
    """Compares what came with what was promised; raises TrainerError DigestMismatch with both."""
    if source.size_bytes is not None and size_bytes != source.size_bytes:
        message = f"{source.name} from {source.uri} has {size_bytes} bytes, {source.size_bytes} are listed"
        raise TrainerError(Reason.DIGEST_MISMATCH, message)
    if source.digest is not None and digest != source.digest:
        message = f"{source.name} from {source.uri} has {digest}, {source.digest} is listed"
        raise TrainerError(Reason.DIGEST_MISMATCH, message)


def _below(root: Path, path: str, uri: str) -> Path:
    """The real path of a source, which must lie below its root also after links are followed."""
    real_root = Path(os.path.realpath(root))
    real = Path(os.path.realpath(real_root / unquote(path).lstrip("/")))
    if ".." in unquote(path).split("/") or not real.is_relative_to(real_root) or real == real_root:
        raise TrainerError(Reason.UNSAFE_PATH, f"{uri} leaves its root")
    if not real.is_file():
        raise TrainerError(Reason.SOURCE_MISSING, f"{uri} does not exist or is no file: correct the path or the claim")
    return real


def _in_image(path: str, places: Places, uri: str) -> Path:
    for root in places.file_roots:
        if path.startswith(f"{root}/"):
            return _below(root, path.removeprefix(f"{root}/"), uri)
    roots = " or ".join(str(root) for root in places.file_roots)
    raise TrainerError(Reason.UNSAFE_PATH, f"{uri}: a file:// source lies below {roots}")


def _copy(origin: Path, destination: Path, source: FileSource) -> None:
    hasher, size = hashlib.sha256(), 0
    partial = destination.with_name(destination.name + ".part")
    with origin.open("rb") as reader, partial.open("wb") as writer:
        while chunk := reader.read(CHUNK_BYTES):
            hasher.update(chunk)
            writer.write(chunk)
            size += len(chunk)
    _keep(partial, destination, source, size, "sha256:" + hasher.hexdigest())


def _keep(partial: Path, destination: Path, source: FileSource, size_bytes: int, digest: str) -> None:
    try:
        check(source, size_bytes, digest)
    except TrainerError:
        partial.unlink()
        raise
    partial.replace(destination)


def _link(origin: Path, destination: Path, source: FileSource) -> None:
    check(source, origin.stat().st_size, sha256_of(origin))
    try:
        destination.symlink_to(origin)
    except OSError:
        shutil.copyfile(origin, destination)
