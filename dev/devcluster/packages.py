"""Programs that come from Debian packages, and how each is had.

Packages that would start a system service (containerd) are unpacked into the cache instead of installed:
nothing is left running that the developer did not ask for. The others are installed, after saying so, when root; a
program that is already there is used as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devcluster.errors import DevClusterError
from devcluster.paths import cache_directory
from devcluster.progress import Progress


@dataclass(frozen=True)
class Package:
    """A Debian package, the program that shows it is there, and whether it is only unpacked."""

    name: str
    program: str
    unpack: bool = False


NODE = (
    Package("containerd", "containerd", unpack=True),
    Package("containernetworking-plugins", "/usr/lib/cni/ptp"),
    Package("runc", "runc"),
    Package("iptables", "iptables"),
    Package("iproute2", "ip"),
    Package("slirp4netns", "slirp4netns"),
)
IMAGES = (Package("buildah", "buildah"), Package("skopeo", "skopeo"))
BASE_IMAGE = (
    Package("mmdebstrap", "mmdebstrap"),
    Package("debian-archive-keyring", "/usr/share/keyrings/debian-archive-keyring.gpg"),
)

_ONE_AT_A_TIME = threading.Lock()
"""apt refuses to run twice, and the demo builds images while the cluster starts."""

CNI_DIRECTORIES = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))


@dataclass(frozen=True)
class Plan:
    """What would be fetched: packages to install and packages to unpack into the cache."""

    install: tuple[str, ...]
    unpack: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.install or self.unpack)

    def sentence(self) -> str:
        """What will happen, said before it does."""
        parts = []
        if self.install:
            parts.append(f"Debian packages will be installed: {', '.join(self.install)}.")
        if self.unpack:
            parts.append(f"Debian packages will be unpacked into the cache, not installed: {', '.join(self.unpack)}.")
        return " ".join(parts)


def unpacked_root() -> Path:
    """Where unpacked packages lie, as a small root file system."""
    return cache_directory() / "debian"


def find(program: str) -> str | None:
    """The absolute path of a program: unpacked, on the path, or (for CNI plugins) in a known directory."""
    if "/" in program:
        name = Path(program).name
        return next((str(folder / name) for folder in CNI_DIRECTORIES if (folder / name).exists()), None)
    unpacked = unpacked_root() / "usr" / "bin" / program
    if unpacked.exists():
        return str(unpacked)
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def require(program: str) -> str:
    """The path of a program, or a sentence that says it is missing."""
    found = find(program)
    if found is None:
        raise DevClusterError(f"{program} was not found; `python -m devcluster doctor` says how to get it.")
    return found


def plan(wanted: Sequence[Package]) -> Plan:
    """The packages whose program is missing."""
    missing = [package for package in wanted if find(package.program) is None]
    return Plan(
        install=tuple(package.name for package in missing if not package.unpack),
        unpack=tuple(package.name for package in missing if package.unpack),
    )


def ensure(wanted: Sequence[Package], progress: Progress) -> None:
    """Fetch what is missing, saying so first."""
    with _ONE_AT_A_TIME:
        todo = plan(wanted)
        if todo:
            _fetch(todo, progress)


def _fetch(todo: Plan, progress: Progress) -> None:
    if shutil.which("apt-get") is None:
        raise DevClusterError(
            f"Missing programs, and no apt-get to fetch them with: {', '.join((*todo.install, *todo.unpack))}. "
            "Install them with your system's package manager, or use `--provider kind` with a Docker engine."
        )
    progress.note(todo.sentence())
    if todo.install and os.geteuid() != 0:
        raise DevClusterError(
            f"Installing needs root: run `sudo apt-get install {' '.join(todo.install)}`, then again."
        )
    with progress.step("Fetch Debian packages") as step:
        step.detail("package lists")
        _apt("apt-get", "update", "-q")
        if todo.install:
            step.detail(", ".join(todo.install))
            _apt("apt-get", "install", "-q", "-y", "--no-install-recommends", *todo.install)
        for name in todo.unpack:
            step.detail(name)
            _unpack(name)


def _unpack(name: str) -> None:
    downloads = cache_directory() / "debian-downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    _apt("apt-get", "download", "-q", name, directory=downloads)
    for archive in downloads.glob(f"{name}_*.deb"):
        _apt("dpkg-deb", "-x", str(archive), str(unpacked_root()))
        archive.unlink()


def _apt(*command: str, directory: Path | None = None) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DevClusterError(f"`{' '.join(command)}` failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")
