"""Where every watch event goes: into the index, and the keys it concerns into the queue.

Doors do nothing else, because the framework never retries an event handler: what can fail belongs into a pass, where
retries are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from coppice.handlers.watches import Watches
from coppice.index import Index, Key
from coppice.index.versions import version_of


class Waker(Protocol):
    """The part of the work queue that doors need."""

    def wake(self, *keys: Key) -> None:
        """Ask for a pass over each key."""


class Intake:
    """The way in for watch events and for complete LISTs."""

    def __init__(self, index: Index, queue: Waker, watches: Watches, seen: Callable[[], None] = lambda: None) -> None:
        self._index = index
        self._queue = queue
        self._watches = watches
        self._seen = seen

    def event(self, kind: str, type_: str | None, body: Mapping[str, Any]) -> None:
        """A watch event; type None is one object of the framework's first LIST."""
        take = self._index.drop if type_ == "DELETED" else self._index.put
        self._queue.wake(*take(kind, body))
        self._watches.delivered(kind, version_of(body) or 0)
        self._seen()

    def listing(self, kind: str, bodies: Iterable[Mapping[str, Any]], list_version: str) -> Sequence[Key]:
        """A complete LIST of our own: what it lacks is gone, and what is new in it the watch should tell soon.

        Returns the keys to wake once every kind is listed.
        """
        objects = list(bodies)
        wake = self._index.put_list(kind, objects, int(list_version))
        self._watches.listed(kind, max((version_of(body) or 0 for body in objects), default=0))
        return wake

    def wake(self, keys: Iterable[Key]) -> None:
        """Ask for a pass over each key."""
        self._queue.wake(*keys)
