"""Objects of a list that can be read; an odd one is left out and named, and costs nobody else anything.

Users write most of what is read here, and no schema of ours has checked it. One line is logged for a list, however
many are odd in it, for whoever may write one may write thousands.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)


class Readable(Generic[T]):
    """Reads the objects of one list by `project`; `odd` says why by uid for those that it cannot read."""

    def __init__(self, kind: str, project: Callable[[Mapping[str, Any]], T]) -> None:
        self._kind = kind
        self._project = project
        self._named = ""
        self.odd: dict[str, str] = {}

    def __call__(self, body: Mapping[str, Any]) -> T | None:
        """What was read, or None."""
        try:
            return self._project(body)
        except Exception as error:  # noqa: BLE001 - whatever a body makes its reader raise
            metadata = body.get("metadata") or {}
            self._named = self._named or f"{metadata.get('namespace', '')}/{metadata.get('name', '?')}"
            self.odd[str(metadata.get("uid", ""))] = f"{type(error).__name__}: {error}"[:200]
            return None

    def tell(self) -> None:
        """Log which could not be read, if any."""
        if self.odd:
            why = next(iter(self.odd.values()))
            log.warning(
                "%d %ss cannot be read and are left out, such as %s: %s", len(self.odd), self._kind, self._named, why
            )
