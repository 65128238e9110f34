"""The API server as tests use it: plain JSON over one connection pool, because a kubectl process per look is too slow.

Requests are tried again while the API server restarts, so that a test tells of the operator and not of its own client.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3

from coppice.adapters.kinds import KINDS, Place
from devcluster.controlplane import ControlPlane
from devcluster.pki import Subject

Body = dict[str, Any]
PLACES = KINDS | {
    "ClusterRole": Place("rbac.authorization.k8s.io", "v1", "clusterroles", namespaced=False),
    "PersistentVolume": Place("", "v1", "persistentvolumes", namespaced=False),
    "ResourceQuota": Place("", "v1", "resourcequotas"),
    "ValidatingAdmissionPolicy": Place(
        "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", namespaced=False
    ),
    "ValidatingAdmissionPolicyBinding": Place(
        "admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings", namespaced=False
    ),
    "CustomResourceDefinition": Place("apiextensions.k8s.io", "v1", "customresourcedefinitions", namespaced=False),
}
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
RESTART_SECONDS = 60.0
NOT_FOUND, CONFLICT = 404, 409


class ApiError(Exception):
    """An answer of 400 and above; `status` is its code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status


class Api:
    """The administrator's way in."""

    def __init__(self, control_plane: ControlPlane) -> None:
        authority = control_plane.authority
        keys = authority.issue("tester", Subject("tester", groups=("system:masters",)))
        self._url = control_plane.url
        self._pool = urllib3.PoolManager(
            ca_certs=str(authority.files.certificate), cert_file=str(keys.certificate), key_file=str(keys.key),
            timeout=30, retries=False, maxsize=8,
        )  # fmt: skip

    def request(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Body:
        """Any request; its answer. Raises ApiError."""
        end = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                answer = self._pool.request(
                    method, self._url + path, body=None if body is None else json.dumps(body),
                    headers={"Content-Type": media},
                )  # fmt: skip
            except urllib3.exceptions.HTTPError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)
                continue
            if answer.status < 400:
                content: Body = json.loads(answer.data)
                return content
            raise ApiError(answer.status, answer.data.decode(errors="replace"))

    def list(self, kind: str, namespace: str | None = None, **query: str) -> list[Body]:
        """Objects of a kind; `query` such as fieldSelector="spec.nodeName=n"."""
        path = PLACES[kind].path(namespace)
        items: list[Body] = self.request("GET", f"{path}?{urlencode(query)}")["items"]
        return items

    def get(self, kind: str, namespace: str | None, name: str) -> Body | None:
        """One object, or None."""
        try:
            return self.request("GET", PLACES[kind].path(namespace, name))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def create(self, body: Mapping[str, Any]) -> Body:
        """Create an object as a user writes it: without uid, times and status."""
        metadata = {name: body["metadata"][name] for name in USERS_METADATA if name in body["metadata"]}
        manifest = {name: value for name, value in body.items() if name != "status"} | {"metadata": metadata}
        return self.request("POST", PLACES[body["kind"]].path(metadata.get("namespace")), manifest)

    def patch(
        self, kind: str, namespace: str | None, name: str, change: Any, part: str | None = None, media: str = MERGE
    ) -> Body:
        """Patch an object, or a subresource of it."""
        return self.request("PATCH", PLACES[kind].path(namespace, name, part), change, media)

    def delete(self, kind: str, namespace: str | None, name: str, **options: Any) -> None:
        """Delete in the background; an object that is gone is success."""
        try:
            options = {"propagationPolicy": "Background", **options}
            self.request("DELETE", PLACES[kind].path(namespace, name), options)
        except ApiError as error:
            if error.status not in {NOT_FOUND, CONFLICT}:
                raise


USERS_METADATA = ("name", "namespace", "labels", "annotations", "ownerReferences")
