"""What Pod Security "restricted" asks of a pod, for pods of ours and as defaults of a user's own.

The user and group are numbers, because the kubelet cannot tell from a name whether it is root; the group is also the
file system's, so that claims become writable to it.
"""

from collections.abc import Mapping
from typing import Any

USER = 65532
"""Owner of every process in a pod of ours; the number that many images call nonroot."""

POD_SECURITY: Mapping[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
TEMPLATE_SECURITY: Mapping[str, Any] = {
    key: POD_SECURITY[key] for key in ("runAsNonRoot", "fsGroup", "fsGroupChangePolicy", "seccompProfile")
}
"""Defaults of a user's template: it keeps the user of its image."""

CONTAINER_SECURITY: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
SEALED_SECURITY: Mapping[str, Any] = {**CONTAINER_SECURITY, "readOnlyRootFilesystem": True}
"""For our own image, which writes only to volumes."""
