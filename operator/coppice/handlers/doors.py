"""The Kopf doors: one async `on.event` handler per kind, a line each.

No daemons, timers, indices or change handlers: those would add finalizers, annotations, or a start that is quadratic
in the number of objects.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, Protocol

import kopf

from coppice.handlers.intake import Intake
from coppice.trust import lenient


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


class Credentials(Protocol):
    """How our own client reaches the API server."""

    @property
    def server(self) -> str:
        """URL of the API server."""

    @property
    def authority_file(self) -> str | None:
        """File of its certificate authority."""

    @property
    def insecure(self) -> bool:
        """Whether its certificate is taken unseen."""

    @property
    def authorization(self) -> str | None:
        """Value of the Authorization header."""

    @property
    def certificate_file(self) -> str | None:
        """File of the client's certificate."""

    @property
    def key_file(self) -> str | None:
        """File of the client's key."""


@dataclass(frozen=True, kw_only=True)
class _Lenient(kopf.ConnectionInfo):
    def as_ssl_context(self) -> SSLContext:
        return lenient(super().as_ssl_context())


def log_in(registry: kopf.OperatorRegistry, credentials: Callable[[], Awaitable[Credentials]]) -> None:
    """Watch as the user that our own client is; Kopf asks again when the API server says 401."""

    @kopf.on.login(registry=registry, id="login")
    async def login(**_: Any) -> kopf.ConnectionInfo:
        found = await credentials()
        scheme, _space, token = (found.authorization or "").rpartition(" ")
        return _Lenient(
            server=found.server,
            ca_path=found.authority_file,
            insecure=found.insecure,
            scheme=scheme or None,
            token=token or None,
            certificate_path=found.certificate_file,
            private_key_path=found.key_file,
        )
