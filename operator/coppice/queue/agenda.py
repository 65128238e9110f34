"""What is to be worked on, as plain data: no clock, no tasks.

A key is in one of these states, and waking it is always safe:

    idle ──add──> waiting ──take──> working ──done──> idle
                                       │ add                │ woken meanwhile: waiting again, once
                                       └── woken ───────────┘

Keys never worked on come first, because a job that nobody has looked at shows its user nothing; every fourth turn
goes to the others, or a long burst of new jobs would starve the running ones.
"""

from collections import OrderedDict
from collections.abc import Container
from typing import Generic, TypeVar

K = TypeVar("K")

SHARE = 4
"""One turn in so many goes to keys that were worked on before, while new ones wait."""


class Agenda(Generic[K]):
    """De-duplicating, level-triggered; each key is with one worker at most."""

    def __init__(self) -> None:
        self._new: OrderedDict[K, None] = OrderedDict()
        self._again: OrderedDict[K, None] = OrderedDict()
        self._working: set[K] = set()
        self._woken: set[K] = set()
        self._known: set[K] = set()
        self._turn = 0

    def add(self, key: K) -> bool:
        """Ask for a pass; True if one more key waits now."""
        if key in self._working:
            self._woken.add(key)
            return False
        if key in self._new or key in self._again:
            return False
        (self._again if key in self._known else self._new)[key] = None
        return True

    def take(self) -> K | None:
        """The next key, which is then worked on; None if none waits."""
        if not self:
            return None
        self._turn += 1
        fair = self._turn % SHARE == 0
        source = self._again if self._again and (fair or not self._new) else self._new
        key, _ = source.popitem(last=False)
        self._working.add(key)
        self._known.add(key)
        return key

    def done(self, key: K) -> bool:
        """The pass is over; True if the key was woken meanwhile. It is then for the caller to add it again."""
        self._working.discard(key)
        woken = key in self._woken
        self._woken.discard(key)
        return woken

    def retain(self, keys: Container[K]) -> None:
        """Forget that other keys were ever worked on; one that comes back is new."""
        self._known = {key for key in self._known if key in keys or key in self._working}

    def __len__(self) -> int:
        """Keys that wait."""
        return len(self._new) + len(self._again)

    @property
    def working(self) -> int:
        """Keys being worked on."""
        return len(self._working)
