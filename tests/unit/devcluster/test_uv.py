"""Finding uv: a machine that has none gets one from `make setup`, and everything that needs one finds it there."""

import os
from pathlib import Path

import pytest

from devcluster import uv
from devcluster.errors import DevClusterError


def program(directory: Path) -> Path:
    directory.mkdir(parents=True)
    found = directory / "uv"
    found.write_text("#!/bin/sh\n")
    found.chmod(0o755)
    return found


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository on a machine without uv."""
    monkeypatch.setattr(uv, "REPOSITORY_ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    return tmp_path


def test_the_one_that_make_setup_installed_is_found(root: Path) -> None:
    installed = program(root / ".venv-uv" / "bin")
    assert uv.needed_uv() == str(installed)


def test_one_on_the_path_comes_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(root / ".venv-uv" / "bin")
    mine = program(root / "bin")
    monkeypatch.setenv("PATH", f"{mine.parent}{os.pathsep}{root}")
    assert uv.found_uv() == str(mine)


def test_without_any_it_is_said_what_to_do(root: Path) -> None:
    assert uv.found_uv() is None
    with pytest.raises(DevClusterError, match="make setup"):
        uv.needed_uv()
