"""Whether the watches still tell us anything.

A watch that died behind a load balancer looks like a quiet cluster. The framework ends a stream without bookmarks
after its inactivity time, but neither bookmarks nor its streams are visible to us, so this looks from outside: when
one of our own LISTs shows an object newer than anything the watch of that kind has delivered, the watch has
`patience` seconds to deliver it. After that it is stalled, and a restart is the cure.
"""

from collections.abc import Callable

INACTIVITY_SECONDS = 70.0
"""The framework's: the API server sends a bookmark every 60 s or so, hence a stream silent for longer is dead."""

PATIENCE_SECONDS = INACTIVITY_SECONDS + 50.0
"""Time for the framework to notice by itself, reconnect and catch up."""


class Watches:
    """The newest version delivered and listed of each kind; `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._monotonic = monotonic
        self._patience = patience_seconds
        self._delivered: dict[str, int] = {}
        self._owed: dict[str, tuple[int, float]] = {}

    def delivered(self, kind: str, version: int) -> None:
        """The watch of a kind has delivered that version."""
        self._delivered[kind] = max(version, self._delivered.get(kind, 0))
        owed = self._owed.get(kind)
        if owed and owed[0] <= self._delivered[kind]:
            del self._owed[kind]

    def listed(self, kind: str, newest: int) -> None:
        """A LIST has shown that version; from now on the watch owes it."""
        if newest > self._delivered.get(kind, 0):
            self._owed.setdefault(kind, (newest, self._monotonic()))

    def stalled(self) -> list[str]:
        """Kinds whose watch owes an object for longer than patience allows."""
        now = self._monotonic()
        return sorted(kind for kind, (_, since) in self._owed.items() if now - since > self._patience)
