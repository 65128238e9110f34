"""Kubeconfig files: how a program finds the API server and who it is there."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import yaml

from devcluster.pki import KeyPair


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def write_kubeconfig(path: Path, server: str, authority: Path, client: KeyPair, name: str = "coppice-dev") -> Path:
    """Write a self-contained kubeconfig (certificates inline) that only its owner can read."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {"name": name, "cluster": {"server": server, "certificate-authority-data": _inline(authority)}},
        ],
        "users": [
            {
                "name": name,
                "user": {
                    "client-certificate-data": _inline(client.certificate),
                    "client-key-data": _inline(client.key),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "default"}}],
    }
    unfinished = path.with_name(f".{path.name}.unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        yaml.safe_dump(content, file, sort_keys=False)
    unfinished.rename(path)
    return path
