"""What a user names as a model's source: a repository of a hub, a version in an MLflow registry, or a directory.

Credentials come from the environment only, under the names that the registries' own tools use, and are never printed.
"""

import base64
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from coppice.adapters.registries import mlflow
from coppice.adapters.registries.directory import DirectoryRepository
from coppice.adapters.registries.http import HttpClient
from coppice.adapters.registries.hub import ENDPOINT, HubRepository, hub_client
from coppice.adapters.registries.repository import Repository
from coppice.api.basemodel import BaseModelSpec
from coppice.cli.errors import UsageError


@asynccontextmanager
async def opened(
    source: str,
    revision: str,
    endpoint: str | None,
    *,
    registered_at: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> AsyncIterator[Repository]:
    """The repository that a source names; connections are closed after.

    `registered_at` is the host that a manifest names: it is asked where the user names none, and gets no token unless
    it is the hub that the user's environment names, because a manifest may have been written by anybody.
    """
    if source.startswith("models:/"):
        client = mlflow_client(endpoint or environment.get("MLFLOW_TRACKING_URI"), environment)
        repository: Repository = mlflow.MlflowRepository(source, client)
    elif (directory := _directory(source)) is not None:
        yield DirectoryRepository(directory)
        return
    else:
        own = environment.get("HF_ENDPOINT") or ENDPOINT
        host = endpoint or registered_at or own
        client = hub_client(host, token(environment) if host in {endpoint, own} else None)
        repository = HubRepository(source, revision, client)
    try:
        yield repository
    finally:
        await client.close()


def _directory(source: str) -> Path | None:
    """The directory that a source names; what looks like a path is one, whether or not it is there."""
    path = Path(source).expanduser()
    return path if path.is_dir() or source.startswith((".", "/", "~")) else None


def token(environment: Mapping[str, str]) -> str | None:
    """The user's token of the hub, as huggingface_hub's own tools read it from the environment."""
    return environment.get("HF_TOKEN") or environment.get("HUGGING_FACE_HUB_TOKEN") or None


def mlflow_client(endpoint: str | None, environment: Mapping[str, str]) -> HttpClient:
    """Requests to an MLflow server with a user's token or password."""
    if not endpoint:
        raise UsageError("name the MLflow server with --endpoint or MLFLOW_TRACKING_URI")
    bearer = environment.get("MLFLOW_TRACKING_TOKEN")
    user, password = (environment.get(f"MLFLOW_TRACKING_{name}", "") for name in ("USERNAME", "PASSWORD"))
    basic = base64.b64encode(f"{user}:{password}".encode()).decode() if user else ""
    authorization = f"Bearer {bearer}" if bearer else f"Basic {basic}" if basic else None
    return HttpClient(endpoint, authorization, mlflow.HINT)


def hub_source(spec: BaseModelSpec) -> tuple[str, str, str] | None:
    """Endpoint, repository and revision of a model that comes from a hub; None for any other source.

    A hub's files stand at https://HOST/OWNER/NAME/resolve/REVISION.
    """
    address = urlsplit(spec.source.uri)
    name, found, revision = address.path.strip("/").partition("/resolve/")
    if address.scheme != "https" or not found or not revision or name.count("/") > 1:
        return None
    return f"https://{address.netloc}", name, unquote(revision.partition("/")[0])
