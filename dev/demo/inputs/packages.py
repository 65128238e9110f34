"""The pinned packages, unpacked once into the development cache.

They are unpacked by uv rather than imported: one of them declares a graphical application as its dependency, and all
that is wanted are the data files inside. The directory is named by the digest of requirements.txt, so that a changed
pin is fetched anew and an unchanged one costs a file check.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from devcluster.errors import DevClusterError
from devcluster.paths import cache_directory
from devcluster.uv import needed_uv

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def packages() -> Path:
    """The directory that holds the unpacked wheels; raises DevClusterError when the registry cannot be reached."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    target = cache_directory() / "demo" / f"packages-{digest}"
    if target.exists():
        return target
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _install(partial)
    partial.rename(target)
    return target


def install_command(uv: str, target: Path) -> tuple[str, ...]:
    """Wheels only, each checked against its hash, without dependencies."""
    checks = ("--require-hashes", "--no-deps", "--only-binary", ":all:")
    return (uv, "pip", "install", "--quiet", *checks, "--target", str(target), "-r", str(REQUIREMENTS))


def _install(target: Path) -> None:
    done = subprocess.run(install_command(needed_uv(), target), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DevClusterError(f"Fetching the demo's packages failed:\n{done.stderr.strip()}")
