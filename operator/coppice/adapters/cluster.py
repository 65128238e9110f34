"""The Cluster port over the Kubernetes API.

Every write carries what it was decided from: a create never updates, a replace and a status patch name the
resourceVersion, a suspend and a delete name the uid. So a late write of a process that lost its lease is refused by
the API server, and none of ours ever lands on another life of a name.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from coppice.adapters.clock import micro_time
from coppice.adapters.connection import MERGE_PATCH, Connection, Expired, NameTaken
from coppice.adapters.kinds import KINDS
from coppice.adapters.merge import merge_patch
from coppice.api.labels import FIELD_MANAGER, REPORTING_CONTROLLER
from coppice.lifecycle.observed import Event
from coppice.ports import AlreadyExists, Clock, ClusterError, Conflict, Manifest, NotFound, Refused, Unavailable

CHUNK = 500
"""Objects per LIST request: more cost memory in the API server, fewer cost requests."""

LIST_TRIES = 3
"""A LIST that takes minutes loses its snapshot (410) and must start again; more often than this, something is wrong."""

NOTE_BYTES = 1024
"""Longest note of an event that the API server takes."""

Page = tuple[list[dict[str, Any]], str]
"""Objects and the resourceVersion of the list they belong to."""

OWN = {"fieldManager": FIELD_MANAGER}

log = logging.getLogger(__name__)


class ApiCluster:
    """The API server as the loop sees it; `instance` names this process in events."""

    def __init__(self, connection: Connection, clock: Clock, instance: str) -> None:
        self._connection = connection
        self._clock = clock
        self._instance = instance

    async def list(self, kind: str, namespace: str | None = None, selector: str | None = None) -> Page:
        """Every object of a kind (children and pods: only ours, or those selected) with the list's resourceVersion."""
        for _ in range(LIST_TRIES):
            try:
                pages = [page async for page in self._pages(kind, namespace, selector)]
            except Expired:
                continue
            return [item for items, _ in pages for item in items], pages[0][1]
        raise Unavailable(f"LIST {kind}: the snapshot expired {LIST_TRIES} times before the list was complete")

    async def get(self, kind: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        """One object, or None."""
        try:
            return await self._connection.request("GET", KINDS[kind].path(namespace, name))
        except NotFound:
            return None

    async def has_group(self, kind: str) -> bool:
        """Whether the kind's API group is served, in whatever version: every authenticated client may ask."""
        try:
            await self._connection.request("GET", f"/apis/{KINDS[kind].group}")
        except NotFound:
            return False
        return True

    async def create(self, manifest: Manifest) -> dict[str, Any]:
        """Create, never update. Raises AlreadyExists with the existing body."""
        kind, namespace, name = _identity(manifest)
        try:
            return await self._connection.request("POST", KINDS[kind].path(namespace), query=OWN, body=manifest)
        except NameTaken as taken:
            existing = await self.get(kind, namespace, name)
            if existing is None:
                raise Conflict(f"{kind} {name} was there and is gone: create it again") from taken
            raise AlreadyExists(str(taken), existing) from taken

    async def replace(self, manifest: Manifest) -> dict[str, Any]:
        """Compare-and-swap on metadata.resourceVersion. Raises Conflict or NotFound."""
        kind, namespace, name = _identity(manifest)
        return await self._connection.request("PUT", KINDS[kind].path(namespace, name), query=OWN, body=manifest)

    async def patch_status(self, before: Manifest, status: Manifest) -> dict[str, Any]:
        """Make `before`'s status equal `status`; nothing is sent if it does. Raises Conflict or NotFound."""
        change = merge_patch(before.get("status") or {}, status)
        if not change:
            return dict(before)
        kind, namespace, name = _identity(before)
        metadata = before["metadata"]
        guards = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        return await self._connection.request(
            "PATCH",
            KINDS[kind].path(namespace, name, "status"),
            query=OWN,
            body={"metadata": guards, "status": change},
            content_type=MERGE_PATCH,
        )

    async def suspend(self, kind: str, namespace: str, name: str, uid: str, suspended: bool) -> dict[str, Any]:
        """Set spec.suspend of a child. Raises NotFound if the name has another uid now."""
        patch = {"metadata": {"uid": uid}, "spec": {"suspend": suspended}}
        path = KINDS[kind].path(namespace, name)
        try:
            return await self._connection.request("PATCH", path, query=OWN, body=patch, content_type=MERGE_PATCH)
        except (Refused, Conflict) as refused:
            if not await self._lives(kind, namespace, name, uid):
                raise NotFound(f"{kind} {name} has another uid now") from refused
            raise

    async def delete(self, kind: str, namespace: str | None, name: str, uid: str) -> None:
        """Delete in the background; an object that is gone or another life is success."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        body = {**options, "preconditions": {"uid": uid}}
        try:
            await self._connection.request("DELETE", KINDS[kind].path(namespace, name), body=body)
        except NotFound:
            return
        except Conflict:
            if await self._lives(kind, namespace, name, uid):
                raise

    async def emit(self, regarding: Manifest, event: Event) -> None:
        """Tell an event; failing to is logged and no error."""
        manifest = event_manifest(regarding, event, self._clock.now(), self._instance)
        path = KINDS["Event"].path(manifest["metadata"]["namespace"])
        try:
            await self._connection.request("POST", path, query=OWN, body=manifest)
        except ClusterError as error:
            log.warning("event %s of %s was not told: %s", event.reason, manifest["regarding"]["name"], error)

    async def _lives(self, kind: str, namespace: str | None, name: str, uid: str) -> bool:
        there = await self.get(kind, namespace, name)
        return there is not None and there["metadata"]["uid"] == uid

    async def _pages(self, kind: str, namespace: str | None, selector: str | None) -> AsyncIterator[Page]:
        place = KINDS[kind]
        ours = selector is None
        selector = place.selector if selector is None else selector
        query = {"limit": str(CHUNK)} | ({"labelSelector": selector} if selector else {})
        token = ""
        while True:
            more = {"continue": token} if token else {}
            page = await self._connection.request("GET", place.path(namespace), query={**query, **more})
            for item in page["items"]:
                item.setdefault("kind", kind)  # items of built-in kinds come without
                item.setdefault("apiVersion", place.api_version)
                place.trim(item, ours=ours)
            yield page["items"], page["metadata"]["resourceVersion"]
            token = page["metadata"].get("continue", "")
            if not token:
                return


def event_manifest(regarding: Manifest, event: Event, now: datetime, instance: str) -> dict[str, Any]:
    """The events.k8s.io/v1 object; events about cluster-scoped objects live in the namespace `default`."""
    about = regarding["metadata"]
    fields = {"namespace": about.get("namespace"), "name": about["name"], "uid": about.get("uid")}
    reference = {"apiVersion": regarding["apiVersion"], "kind": regarding["kind"], **fields}
    return {
        "apiVersion": KINDS["Event"].api_version,
        "kind": "Event",
        "metadata": {"generateName": f"{about['name'][:200]}-", "namespace": about.get("namespace") or "default"},
        "eventTime": micro_time(now),
        "reportingController": REPORTING_CONTROLLER,
        "reportingInstance": instance[:128],
        "action": event.action[:128],
        "reason": str(event.reason),
        "regarding": {name: value for name, value in reference.items() if value},
        "note": _cut(event.message),
        "type": "Warning" if event.warning else "Normal",
    }


def _cut(text: str) -> str:
    """At most 1 KiB of UTF-8, whole characters only."""
    return text.encode()[:NOTE_BYTES].decode(errors="ignore")


def _identity(manifest: Mapping[str, Any]) -> tuple[str, str | None, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace"), metadata.get("name", "")
