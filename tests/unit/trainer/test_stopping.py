"""A container that is asked to stop before it can checkpoint ends at once and wants to be started again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coppice.api.run import EXIT_RESUME

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("command", ["fetch", "run"])
def test_sigterm_while_a_command_has_hardly_begun_asks_for_another_pod(command: str, tmp_path: Path) -> None:
    run_file = tmp_path / "run.json"
    os.mkfifo(run_file)  # whoever opens it for reading waits for a writer, so the program stands still there
    arguments = ("--run", str(run_file), "--work", str(tmp_path), "--termination-log", str(tmp_path / "message.json"))
    program = subprocess.Popen((sys.executable, "-m", "coppice.trainer", command, *arguments))
    with run_file.open("w"):
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=60) == EXIT_RESUME
