"""Programs are built from the pins and found again by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from devcluster import kind, programs
from devcluster.errors import DevClusterError


def test_the_kubernetes_version_is_read_from_the_pins() -> None:
    assert programs.kubernetes_version("require (\n\tk8s.io/kubernetes v1.36.3 // indirect\n)") == "v1.36.3"


def test_a_module_without_kubernetes_is_refused() -> None:
    with pytest.raises(DevClusterError, match=r"pins no k8s\.io/kubernetes"):
        programs.kubernetes_version("require (\n\tk8s.io/api v0.36.3\n)")


def test_the_projects_own_module_replaces_every_staging_module_at_the_pinned_version() -> None:
    text = (programs.MODULE / "go.mod").read_text()
    wanted = programs.kubernetes_version(text).replace("v1.", "v0.")
    replaced = [line.split()[-1] for line in text.splitlines() if line.startswith("\tk8s.io/") and "=>" in line]
    assert set(replaced) == {wanted}
    assert len(replaced) > 30


def test_the_linker_stamps_the_version_that_clients_parse() -> None:
    flags = programs.linker_flags("v1.36.3").split()
    assert "k8s.io/component-base/version.gitVersion=v1.36.3" in flags
    assert "k8s.io/component-base/version.gitMinor=36" in flags


@pytest.mark.parametrize("changed", ["go.mod", "go.sum"])
def test_changed_pins_name_another_directory(tmp_path: Path, changed: str) -> None:
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_text("one")
    before = programs.digest(tmp_path, "flags")
    (tmp_path / changed).write_text("two")
    assert programs.digest(tmp_path, "flags") != before


def test_without_go_the_options_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPPICE_DEV_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DevClusterError, match="--provider kind"):
        programs.build(["etcd"], programs.Progress())


def test_every_named_program_has_a_package() -> None:
    named = {*programs.CONTROL_PLANE, *programs.CLIENTS, *programs.NODE, *programs.TAGS, *kind.PROGRAMS}
    assert named <= set(programs.PACKAGES)
