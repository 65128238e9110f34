"""The key of a piece of work: which object a pass is about.

A key names a place, not a life: an object deleted and created again has the same key, and the pass looks at uids.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Key(NamedTuple):
    """Kind, namespace ("" for cluster-scoped kinds) and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """As people write it: TrainingJob research/newswire-topics."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def key_of(kind: str, body: Mapping[str, Any]) -> Key:
    """The key of an object's body."""
    metadata = body["metadata"]
    return Key(kind, metadata.get("namespace") or "", metadata["name"])
