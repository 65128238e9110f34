"""What every method works with: the run, its task, its data, and how to say how far it is."""

import logging
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coppice.api.result import Stopped
from coppice.api.run import Run
from coppice.trainer.examples import Examples
from coppice.trainer.report import Report
from coppice.trainer.tasks import Task

REPORT_SECONDS = 2.0
LINE_SECONDS = 60.0

log = logging.getLogger("coppice.train")


class StopRequestedError(Exception):
    """The pod was asked to stop and everything worth keeping is on the volume."""


@dataclass
class Progress:
    """The report of this process, written at most every two seconds, and a log line at most every minute."""

    path: Path
    values: dict[str, Any] = field(default_factory=lambda: {"examples_seen": 0, "tokens_seen": 0, "steps": 0})
    _written: float = 0.0
    _said: float = field(default_factory=time.monotonic)

    def count(self, examples: int, tokens: int) -> None:
        """Adds what was just processed."""
        self.values["examples_seen"] += examples
        self.values["tokens_seen"] += tokens
        self.flush()

    def set(self, **values: Any) -> None:
        """Sets figures of the report."""
        self.values.update(values)

    def note(self, text: str) -> None:
        """Adds a sentence for the reader of the figures."""
        self.values["notes"] = (*self.values.get("notes", ()), text)

    def line(self, text: str) -> None:
        """Says something at most once a minute."""
        if time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            log.info("%s", text)

    def flush(self, *, now: bool = False) -> None:
        """Writes the report if it is old enough, or now."""
        if now or time.monotonic() - self._written >= REPORT_SECONDS:
            self._written = time.monotonic()
            Report.model_validate(self.values).write(self.path)


@dataclass
class Workbench:
    """One training process: what it was given, and what it may be told meanwhile."""

    run: Run
    task: Task
    labels: tuple[str, ...]
    train: Examples
    validation: Examples
    progress: Progress
    stop: threading.Event
    deadline: float | None = None
    """When training must end so that evaluation still fits, on the monotonic clock."""

    @property
    def output(self) -> Path:
        """The attempt's directory on the output volume."""
        return Path(self.run.output_directory)

    def numbers(self, examples: Examples) -> list[int]:
        """Labels as class numbers."""
        number = {label: index for index, label in enumerate(self.labels)}
        return [number[label] for label in examples.labels]

    def out_of_time(self) -> bool:
        """Whether the run's seconds are used up but for the evaluation."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def why_stop(self) -> Stopped | None:
        """A reason to stop at once, if there is one."""
        if self.stop.is_set():
            return Stopped.SIGNAL
        return Stopped.RUN_SECONDS if self.out_of_time() else None
