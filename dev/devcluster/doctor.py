"""What this machine has and lacks for each way to a cluster, and what would be done about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devcluster.choice import NO_WAY, Facts, choose, observe
from devcluster.errors import DevClusterError
from devcluster.packages import BASE_IMAGE, IMAGES, NODE, plan
from devcluster.paths import cache_directory
from devcluster.programs import NO_GO
from devcluster.uv import found_uv

FREE_GIBIBYTES = (
    40  # the trainer's layers exist up to three times: built, in the layout shared with containerd, unpacked
)


@dataclass(frozen=True)
class Finding:
    """One line of the report; `remedy` is empty when nothing is to be done."""

    subject: str
    state: str
    remedy: str = ""


def findings() -> Iterator[Finding]:
    """Every check, in the order in which they would stop `up`."""
    facts = observe()
    yield _provider(facts)
    go = shutil.which("go")
    yield Finding("Go", go or "missing", "" if go else NO_GO)
    uv = found_uv()
    yield Finding("uv", uv or "missing", "" if uv else "`pip install uv`; `make setup` does it.")
    todo = plan((*NODE, *IMAGES, *BASE_IMAGE))
    yield Finding("Debian packages", "complete" if not todo else "some missing", todo.sentence())
    free = shutil.disk_usage(_existing(cache_directory())).free / 2**30
    yield Finding(
        "disk", f"{free:.0f} GiB free", "" if free >= FREE_GIBIBYTES else f"Images want {FREE_GIBIBYTES} GiB free."
    )


def _provider(facts: Facts) -> Finding:
    try:
        return Finding("provider", choose("auto", facts))
    except DevClusterError:
        return Finding("provider", "none", NO_WAY)


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())
