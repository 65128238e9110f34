"""What would be fetched is said first, and services are never installed."""

from __future__ import annotations

import pytest

from devcluster import packages
from devcluster.packages import Package, Plan


def test_only_missing_packages_are_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find", lambda program: None if program in {"containerd", "runc"} else "/usr/bin/x")
    assert packages.plan(packages.NODE) == Plan(install=("runc",), unpack=("containerd",))


def test_a_complete_machine_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find", lambda _: "/usr/bin/x")
    assert not packages.plan(packages.NODE)


def test_the_plan_says_what_is_installed_and_what_is_only_unpacked() -> None:
    said = Plan(install=("runc",), unpack=("containerd",)).sentence()
    assert said == (
        "Debian packages will be installed: runc. "
        "Debian packages will be unpacked into the cache, not installed: containerd."
    )


def test_the_package_with_a_system_service_is_only_unpacked() -> None:
    assert Package("containerd", "containerd", unpack=True) in packages.NODE
