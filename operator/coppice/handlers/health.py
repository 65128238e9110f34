"""What the probes say, in sentences: why a pod is not ready or must be restarted is read by people.

Liveness fails when a watch is stalled; a stalled event loop answers nothing, which fails it too. A standby is live
and ready: it holds the second place of a rolling update, and says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from coppice.handlers.watches import Watches


class Phase(StrEnum):
    """How far the process has come."""

    STARTING = "starting"
    STANDBY = "standby"
    FILLING = "filling the index"
    LEADING = "leading"
    STOPPING = "stopping"


@dataclass(frozen=True)
class Answer:
    """An answer to a probe."""

    healthy: bool
    text: str


class Health:
    """Set `phase` and `obstacle` as the process goes on."""

    def __init__(self, watches: Watches, holder: Callable[[], str] = str) -> None:
        self._watches = watches
        self._holder = holder
        self.phase = Phase.STARTING
        self.obstacle = ""

    def live(self) -> Answer:
        """Whether the process is worth keeping."""
        stalled = self._watches.stalled() if self.phase is Phase.LEADING else []
        if stalled:
            return Answer(False, f"the watch of {', '.join(stalled)} delivers nothing although there is news")
        return Answer(True, "ok")

    def ready(self) -> Answer:
        """Whether the process does its work, or stands by for it."""
        if self.phase is Phase.LEADING:
            return Answer(True, "leading")
        if self.phase is Phase.STANDBY:
            return Answer(True, f"standby; {self._holder() or 'nobody'} leads")
        return Answer(False, self.obstacle or str(self.phase))
