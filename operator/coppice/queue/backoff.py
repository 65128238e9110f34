"""How long a key that failed waits: exponential, capped, with jitter, and never less than the server asked for.

A conflict means that somebody wrote first, so looking again at once is the cure; only a key that conflicts again and
again is slowed down. Jitter keeps the keys that one outage failed together from coming back together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import random

from coppice.ports import Conflict, Unavailable


@dataclass(frozen=True)
class Backoff:
    """Seconds before the next try; `random` gives numbers from 0 to 1."""

    base_seconds: float = 0.5
    cap_seconds: float = 60.0
    conflict_seconds: float = 0.02
    random: Callable[[], float] = random

    def seconds(self, failures: int, error: BaseException) -> float:
        """The wait after that many failures in a row (1 or more), half of it fixed and half random."""
        base = self.conflict_seconds if isinstance(error, Conflict) else self.base_seconds
        whole = min(base * 2.0 ** min(failures - 1, 32), self.cap_seconds)
        wished = error.retry_after_seconds if isinstance(error, Unavailable) else None
        return max(whole / 2 * (1 + self.random()), wished or 0.0)
