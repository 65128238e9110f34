"""The Kopf doors: one async `on.event` handler per kind, a line each.

No daemons, timers, indices or change handlers: those would add finalizers, annotations, or a start that is quadratic
in the number of objects (the measurements are in docs/).
"""

from collections.abc import Mapping
from typing import Any, Protocol

import kopf

from coppice.handlers.intake import Intake


class Place(Protocol):
    """Where a kind lives in the API, and which of its objects are ours."""

    @property
    def group(self) -> str:
        """API group; empty for the core."""

    @property
    def version(self) -> str:
        """API version."""

    @property
    def plural(self) -> str:
        """Plural name in URLs."""

    @property
    def selector(self) -> str:
        """Label selector of our objects; empty for all."""


def open_doors(registry: kopf.OperatorRegistry, places: Mapping[str, Place], intake: Intake) -> None:
    """Register a door for each kind."""
    for kind, place in places.items():
        _open(registry, kind, place, intake)


def _open(registry: kopf.OperatorRegistry, kind: str, place: Place, intake: Intake) -> None:
    @kopf.on.event(place.group, place.version, place.plural, id=f"see-{place.plural}", registry=registry)
    async def door(event: kopf.RawEvent, **_: Any) -> None:
        intake.event(kind, event["type"], event["object"])


def login(registry: kopf.OperatorRegistry) -> None:
    """Credentials as the official client finds them; asked for again when the API server says 401."""
    kopf.on.login(registry=registry, id="login")(kopf.login_via_client)
