"""Manifests on paper: YAML or JSON to standard output or a file."""

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from coppice.api.base import API_VERSION
from coppice.api.basemodel import BaseModelSpec


class Format(StrEnum):
    """How manifests are printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def manifest(kind: str, name: str, namespace: str | None, spec: BaseModelSpec) -> dict[str, Any]:
    """The object, with what is unset or empty left out."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    body = {key: value for key, value in spec.wire().items() if value not in ("", [], {})}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": body}


def text_of(bodies: Sequence[dict[str, Any]], form: Format) -> str:
    """Manifests as one text: a YAML stream, or a JSON object (of several, a List)."""
    if form is Format.JSON:
        whole = bodies[0] if len(bodies) == 1 else {"apiVersion": "v1", "kind": "List", "items": list(bodies)}
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
    return yaml.safe_dump_all(bodies, sort_keys=False, allow_unicode=True, width=120)


def write(text: str, path: Path | None) -> None:
    """To a file, or to standard output."""
    if path is None:
        sys.stdout.write(text)
    else:
        path.write_text(text, encoding="utf-8")
