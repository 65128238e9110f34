"""The house keeps its shape: what every checkout must be, whatever is built in it."""

import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def test_operator_is_no_package_because_it_would_shadow_the_standard_library() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    program = [sys.executable, "-c", "import operator; print(operator.add(1, 2))"]
    found = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "3"


@cache
def locked_packages() -> dict[str, Any]:
    """The lock file's packages by name."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    return {package["name"]: package for package in lock["package"]}


def locked_closure(extra: str) -> set[str]:
    """Names of every package that installing `coppice[extra]` brings, by the lock file."""
    packages = locked_packages()
    coppice = packages["coppice"]
    wanted = [*coppice["dependencies"], *coppice["optional-dependencies"][extra]]
    names: set[str] = set()
    while wanted:
        dependency = wanted.pop()
        extras = dependency.get("extra", [])
        package = packages[dependency["name"]]
        fresh = dependency["name"] not in names
        names.add(dependency["name"])
        if fresh:
            wanted += package.get("dependencies", [])
        for each in extras:
            optional = package.get("optional-dependencies", {}).get(each, [])
            wanted += [item for item in optional if item["name"] not in names]
    return names


@pytest.mark.parametrize("extra", ["operator", "cli"])
def test_the_operator_and_the_command_line_bring_no_torch(extra: str) -> None:
    names = locked_closure(extra)
    assert "kubernetes" in names
    assert not names & {"torch", "transformers", "peft", "accelerate"}


def test_the_trainer_brings_no_kopf() -> None:
    names = locked_closure("trainer")
    assert "torch" in names
    assert not names & {"kopf", "kubernetes"}


def test_python_files_stay_small_enough_to_read() -> None:
    sizes = sorted(len(path.read_text().splitlines()) for path in (ROOT / "operator").rglob("*.py"))
    assert sizes[len(sizes) // 2] <= 150, "the median file is over 150 lines"
    assert sizes[-1] <= 400, "a file is over 400 lines"
