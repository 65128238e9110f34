"""Where uv is: on the PATH, or where `make setup` put it when it found none there."""

import shutil

from devcluster.errors import DevClusterError
from devcluster.paths import REPOSITORY_ROOT

NO_UV = "uv is needed to fetch Python packages and was not found: run `make setup`, which installs it."


def found_uv() -> str | None:
    """The program's path; None where there is none."""
    return shutil.which("uv") or shutil.which("uv", path=REPOSITORY_ROOT / ".venv-uv" / "bin")


def needed_uv() -> str:
    """The program's path. Raises DevClusterError where there is none."""
    uv = found_uv()
    if uv is None:
        raise DevClusterError(NO_UV)
    return uv
