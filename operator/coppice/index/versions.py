"""Guards against news that is older than what is known.

Three streams feed one index: the watch, our own LISTs, and the answers to our own writes. They overtake each other:

    LIST starts ── object deleted ── DELETED arrives ── LIST answers, with the object still in it
                                                        ^ the tombstone refuses it

resourceVersions of one kind are compared as numbers, which the API server has always made them and, since
Kubernetes 1.35, promises. An object without one (only tests have them) is taken as news.
"""

from collections.abc import Collection, Mapping
from typing import Any

from coppice.index.key import Key


def version_of(body: Mapping[str, Any]) -> int | None:
    """The resourceVersion of an object or a list, or None where it has none."""
    text = body.get("metadata", {}).get("resourceVersion") or ""
    return int(text) if text.isdecimal() else None


class Versions:
    """What was seen last of each object of one kind, and what was buried."""

    def __init__(self) -> None:
        self._known: dict[Key, int] = {}
        self._buried: dict[Key, int] = {}
        self._previous_list = 0

    def news(self, key: Key, version: int | None) -> bool:
        """Whether this version is newer than all that is known of the object; if so it is known from now on."""
        if version is not None and version <= max(self._known.get(key, 0), self._buried.get(key, 0)):
            return False
        self._known[key] = version or self._known.get(key, 0)
        self._buried.pop(key, None)
        return True

    def bury(self, key: Key, version: int | None) -> bool:
        """Note a deletion; False if a newer life of that name is known, which then goes on."""
        known = self._known.get(key)
        if known is None or (version is not None and version < known):
            self._remember(key, version)
            return False
        del self._known[key]
        self._remember(key, version)
        return True

    def vanished(self, listed: Collection[Key], list_version: int) -> list[Key]:
        """Known objects that a complete list of that version lacks: deleted without our being told."""
        return [key for key, version in self._known.items() if version <= list_version and key not in listed]

    def listed(self, list_version: int) -> None:
        """Forget tombstones from before the previous complete list: nothing that old is on its way any more."""
        self._buried = {key: version for key, version in self._buried.items() if version > self._previous_list}
        self._previous_list = list_version

    def _remember(self, key: Key, version: int | None) -> None:
        if version is not None:
            self._buried[key] = max(version, self._buried.get(key, 0))
