"""Progress of work that goes on beside other work: plain lines on the same screen.

Two spinners at once would fight for the last line of a terminal, so only the work in front has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from devcluster.progress import Progress, Step, duration


class Beside(Progress):
    """A Progress without a spinner, sharing another's screen and its record of where the time went."""

    def __init__(self, front: Progress) -> None:
        super().__init__(console=front.console, taken=front.taken)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Announce the step, and say when it is done."""
        step = Step(title, self.console, None)
        outcome = "failed after"
        self.note(f"{title} ... (meanwhile)")
        try:
            yield step
            outcome = "done in"
        finally:
            self.taken.append((title, step.seconds))
            self.note(f"{title}: {outcome} {duration(step.seconds)}")
