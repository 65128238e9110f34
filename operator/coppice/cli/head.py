"""What the API server refuses in the head of a manifest and Python reads all the same."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from coppice.api.base import API_VERSION

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
MOST_NAME = 253


def misnamed(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Fields with what they must be."""
    if body.get("apiVersion") != API_VERSION:
        yield "apiVersion", f"must be {API_VERSION}"
    name = (body.get("metadata") or {}).get("name")
    if not isinstance(name, str) or len(name) > MOST_NAME or not NAME.fullmatch(name):
        yield "metadata.name", f"must be lower-case letters, digits, '-' and '.', at most {MOST_NAME} of them"
