"""The kinds that decisions read: base models, profiles, policies, reports and namespace labels.

There are few of them and every decision reads them all, so they become models when they arrive. One that cannot be
read is left out, with the sentence that says why: a job is better decided without it than not at all.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from coppice.api.base import Model
from coppice.index.jobs import sentence_of, trimmed
from coppice.index.key import Key

Kind = TypeVar("Kind", bound=Model)


class Table(Generic[Kind]):
    """Every object of one kind, as models."""

    def __init__(self, model: type[Kind]) -> None:
        self._model = model
        self._rows: dict[Key, Kind] = {}
        self._values: tuple[Kind, ...] | None = None
        self.unreadable: dict[Key, str] = {}

    def put(self, key: Key, body: Mapping[str, Any]) -> Kind | None:
        """Take over a body; None if it cannot be read, and then no former version of it counts either."""
        self._values = None
        self.unreadable.pop(key, None)
        try:
            row = self._model.model_validate(trimmed(body))
        except ValidationError as error:
            self._rows.pop(key, None)
            self.unreadable[key] = sentence_of(error)
            return None
        self._rows[key] = row
        return row

    def drop(self, key: Key) -> None:
        """The object is gone."""
        self._values = None
        self._rows.pop(key, None)
        self.unreadable.pop(key, None)

    def get(self, key: Key) -> Kind | None:
        """The object of that name."""
        return self._rows.get(key)

    @property
    def values(self) -> tuple[Kind, ...]:
        """All of them, ordered by namespace and name, so that equal worlds compare equal."""
        if self._values is None:
            self._values = tuple(self._rows[key] for key in sorted(self._rows))
        return self._values
