"""CEL rules and printer columns, written beside the fields they guard.

CEL runs in the API server, so bad input is refused before anything of ours sees it; each rule carries a sentence
that says what to change.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    """One column of `kubectl get`; priority 1 shows with `-o wide`."""

    name: str
    type: str
    json_path: str
    description: str
    priority: int = 0


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Schema extension that holds CEL rules, each with the message shown to the user."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


def immutable(*, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Rules that fix fields at creation; an optional field can be neither added nor removed later."""
    fixed = [(f"self.{name} == oldSelf.{name}", _fixed(name)) for name in required]
    return fixed + [
        (
            f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || self.{name} == oldSelf.{name})",
            _fixed(name),
        )
        for name in optional
    ]


def _fixed(name: str) -> str:
    return f"spec.{name} cannot change after creation: create a new TrainingJob instead"
