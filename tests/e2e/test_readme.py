"""The README is true: every command in it is run, or is the one that runs these tests.

It comes after the demo (the tests of a folder run in the order of their names), whose jobs the README looks at.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess

import pytest

from devcluster.cluster import Cluster
from devcluster.paths import REPOSITORY_ROOT

README = (REPOSITORY_ROOT / "README.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL) for line in block.strip().splitlines()
]
OF_MAKE = [command for command in COMMANDS if command.startswith("make ")]
OTHERS = [command for command in COMMANDS if not command.startswith("make ")]


@pytest.mark.parametrize("command", OF_MAKE)
def test_a_make_command_names_a_target_with_a_help_text(command: str) -> None:
    target = command.split()[1]
    assert re.search(rf"^{target}:.*## ", (REPOSITORY_ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("command", OTHERS)
def test_a_command_does_what_the_readme_says(command: str, cluster: Cluster) -> None:
    arguments = shlex.split(command)
    if arguments[0] == "helm":
        # The demo has installed the chart, with the images it built: its release is upgraded with what a reader types.
        # On an upgrade Helm 4 would wait for every base model to be Ready, and those without digests never are.
        chart = [argument for argument in arguments[2:] if argument != "--wait"]
        arguments = ["helm", "upgrade", "--install", *chart, "--wait=legacy", "--reset-then-reuse-values"]
    variables = {**os.environ, **cluster.variables}
    variables["PATH"] = f"{REPOSITORY_ROOT / '.venv/bin'}:{cluster.tools.bin}:{variables['PATH']}"
    done = subprocess.run(
        arguments,
        cwd=REPOSITORY_ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
