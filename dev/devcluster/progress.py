"""What the person sees while minutes pass: each step, what it is doing, and how long it took.

On a terminal a spinner shows the current detail; elsewhere (a log, a pipe) plain lines appear, with a sign of life
every half minute, because a silent build that takes five minutes looks like a hang.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.status import Status

SIGN_OF_LIFE_SECONDS = 30.0


def duration(seconds: float) -> str:
    """Seconds as people say them: `0.4 s`, `12 s`, `5 min 08 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


@dataclass
class Step:
    """One step under way; `detail` says what it is at now."""

    title: str
    console: Console
    status: Status | None
    started: float = field(default_factory=time.monotonic)
    last_line: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.started

    def detail(self, text: str) -> None:
        """Show what the step is doing now."""
        if self.status is not None:
            self.status.update(f"{self.title}: {text}"[: self.console.width - 4])
        elif time.monotonic() - self.last_line >= SIGN_OF_LIFE_SECONDS:
            self.last_line = time.monotonic()
            self.console.print(
                f"  ... {self.title}: {text} ({duration(self.seconds)})", highlight=False, markup=False, soft_wrap=True
            )


@dataclass
class Progress:
    """Steps shown as they happen; `taken` keeps (title, seconds) for a summary of where the time went."""

    console: Console = field(default_factory=lambda: Console(stderr=True))
    taken: list[tuple[str, float]] = field(default_factory=list)

    def note(self, text: str) -> None:
        """A line that stays on the screen."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show `title` until the block ends, then how long it took (or that it failed)."""
        status = self.console.status(title) if self.console.is_terminal else None
        step = Step(title, self.console, status)
        outcome = "failed after"
        if status is not None:
            status.start()
        else:
            self.note(f"{title} ...")
        try:
            yield step
            outcome = "done in"
        finally:
            if status is not None:
                status.stop()
            self.taken.append((title, step.seconds))
            self.note(f"{title}: {outcome} {duration(step.seconds)}")
