"""The planning catalogue, kept up to date with the base models that are seen.

One change costs a copy of one namespace's maps; the first LIST of ten thousand models would cost that ten thousand
times, so changes wait until a decision asks, and many at once make a new catalogue.
"""

from collections.abc import Mapping

from coppice.api.basemodel import BaseModelObject
from coppice.api.conditions import READY, find
from coppice.api.meta import BaseModelReference
from coppice.api.reasons import ModelReason
from coppice.api.vocabulary import BaseModelKind
from coppice.index.key import Key
from coppice.planning.catalogue import Catalogue, Registered, registered
from coppice.planning.readiness import readiness

MANY = 16


def entry(model: BaseModelObject) -> Registered:
    """The catalogue's entry for a model as seen.

    Whether it is ready is computed here and not read from its status, so that a model applied together with a job
    counts at once. Only the loss of its claim is the status's to tell, because claims are not watched.
    """
    found = find(model.status.conditions, READY) if model.status else None
    lost = found is not None and found.status == "False" and found.reason == ModelReason.SOURCE_MISSING
    ready, reason, _ = readiness(model.spec, False if lost else None)
    return registered(model, ready, str(reason))


class Shelf:
    """A catalogue that is told of changes and made when asked for."""

    def __init__(self) -> None:
        self._entries: dict[Key, Registered] = {}
        self._changed: set[Key] = set()
        self._catalogue = Catalogue()

    def put(self, key: Key, model: BaseModelObject) -> bool:
        """Take over a model; False if decisions would see no difference."""
        after = entry(model)
        if self._entries.get(key) == after:
            return False
        self._entries[key] = after
        self._changed.add(key)
        return True

    def drop(self, key: Key) -> bool:
        """Take a model off; False if it was not there."""
        self._changed.add(key)
        return self._entries.pop(key, None) is not None

    @property
    def entries(self) -> Mapping[Key, Registered]:
        """Every entry by key."""
        return self._entries

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue now."""
        if len(self._changed) > MANY:
            self._catalogue = Catalogue.of(self._entries.values())
        else:
            for key in self._changed:
                self._catalogue = self._with(key)
        self._changed.clear()
        return self._catalogue

    def _with(self, key: Key) -> Catalogue:
        found = self._entries.get(key)
        if found is not None:
            return self._catalogue.with_model(found)
        reference = BaseModelReference(kind=BaseModelKind(key.kind), name=key.name)
        return self._catalogue.without(reference, key.namespace or None)
