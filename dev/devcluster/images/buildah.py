"""Images without a Docker engine: buildah as root, everything it keeps inside the cache.

It runs in a mount namespace of its own, so that a build that is killed leaves no mount behind. Where no image registry
can be reached, the Dockerfile's base is made from Debian packages with mmdebstrap instead of pulled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from devcluster.errors import DevClusterError
from devcluster.images.recipe import build_options
from devcluster.packages import BASE_IMAGE, IMAGES, ensure, require
from devcluster.paths import cache_directory
from devcluster.progress import Progress

if TYPE_CHECKING:
    from devcluster.images.targets import Image

BASE = "localhost/coppice-dev-base"
BASE_PACKAGES = "python3,python3-venv,ca-certificates"
RELEASE = "trixie"
"""The Debian release whose Python is as new as that of the Dockerfile's default base."""
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
REGISTRY = "https://registry-1.docker.io/v2/"


def storage() -> Path:
    """Everything buildah keeps."""
    return cache_directory() / "buildah"


def layout() -> Path:
    """The OCI layout into which built images are pushed."""
    return cache_directory() / "layout"


def private(*arguments: str) -> tuple[str, ...]:
    """A command inside a mount namespace where the fixed paths of buildah and skopeo are ours."""
    kept = storage()
    # The blob cache of containers/image has a fixed place, which is hidden behind a directory of ours.
    script = f'mount --bind "{kept}/var" /var/lib/containers && exec "$@"'
    return ("unshare", "--mount", "--", "sh", "-c", script, "sh", *arguments)


def command(*arguments: str) -> tuple[str, ...]:
    """A buildah command on our storage."""
    kept = storage()
    options = (f"--root={kept}/root", f"--runroot={kept}/run", "--storage-driver=overlay")
    return private(require("buildah"), *options, *arguments)


def copy_command(reference: str) -> tuple[str, ...]:
    """Copy an image to the layout, layers as they are.

    Not `buildah push`: it compresses for a layout, and then takes minutes to find that it had a layer already.
    Uncompressed, a layer's digest is that of its content and a layer that the layout holds is passed over.
    """
    kept = storage()
    source = f"containers-storage:[overlay@{kept}/root+{kept}/run]{reference}"
    options = ("copy", "--quiet", "--insecure-policy", "--dest-oci-accept-uncompressed-layers")
    return private(require("skopeo"), *options, source, f"oci:{layout()}:{reference}")


def build(image: Image, reference: str, progress: Progress) -> None:
    """Build `image` and write to the layout what the layout lacks."""
    ensure(IMAGES, progress)
    base = {} if "BASE" in image.build_arguments else _base(progress)
    options = build_options(reference, image.dockerfile, image.target, {**base, **image.build_arguments})
    # Package clients inside the build trust what the machine trusts.
    trust = (f"--volume={CERTIFICATES}:{CERTIFICATES}:ro",) if CERTIFICATES.exists() else ()
    with progress.step(f"Build {reference}"):
        _run("build", "--layers", "--network=host", "--isolation=chroot", *trust, *options, str(image.context))
    with progress.step(f"Write the layers of {reference}"):
        layout().mkdir(parents=True, exist_ok=True)
        _check(copy_command(reference))
    _forget_older(reference)


def remove_storage() -> None:
    """Forget every image that buildah built."""
    shutil.rmtree(storage(), ignore_errors=True)


def registry_answers() -> bool:
    """Whether Docker Hub answers at all; 401 is its greeting to the anonymous."""
    try:
        with urllib.request.urlopen(REGISTRY, timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except (urllib.error.URLError, OSError):
        return False


def _base(progress: Progress) -> dict[str, str]:
    """The BASE build argument: none where the default can be pulled."""
    if registry_answers():
        return {}
    reference = f"{BASE}:{RELEASE}"
    if reference not in _output("images", "--format={{.Name}}:{{.Tag}}").split():
        ensure(BASE_IMAGE, progress)
        with progress.step(f"Make a base image from Debian {RELEASE} packages, as no registry answers"):
            _make_base(reference)
    return {"BASE": reference}


def _make_base(reference: str) -> None:
    context = storage() / "base"
    context.mkdir(parents=True, exist_ok=True)
    options = ("--variant=minbase", f"--include={BASE_PACKAGES}", "--quiet")
    _check((require("mmdebstrap"), *options, RELEASE, str(context / "base.tar")))
    (context / "Dockerfile").write_text('FROM scratch\nADD base.tar /\nCMD ["python3"]\n')
    _run("build", f"--tag={reference}", str(context))
    shutil.rmtree(context)


def _forget_older(reference: str) -> None:
    """Drop earlier tags of the same image; layers that the new one shares stay."""
    repository = reference.rpartition(":")[0]
    for other in _output("images", "--format={{.Name}}:{{.Tag}}").split():
        if other.rpartition(":")[0] == repository and other != reference:
            _run("rmi", other)


def _environment() -> dict[str, str]:
    temporary = storage() / "tmp"
    for directory in (temporary, storage() / "var"):
        directory.mkdir(parents=True, exist_ok=True)
    Path("/var/lib/containers").mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(temporary)}


def _run(*arguments: str) -> None:
    _check(command(*arguments))


def _output(*arguments: str) -> str:
    return _check(command(*arguments))


def _check(whole: tuple[str, ...]) -> str:
    done = subprocess.run(whole, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DevClusterError(f"`{' '.join(whole)}` failed:\n{(done.stdout + done.stderr).strip()[-3000:]}")
    return done.stdout
