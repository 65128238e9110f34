"""A version of a registered model in an MLflow registry, over its REST API (https://mlflow.org/docs/latest/rest-api).

The registry names where a version's artifacts lie. Those that the server itself serves (`mlflow-artifacts:`, also
behind `runs:`) are read through it; others (an S3 bucket, a file share) are not, because their credentials are not
ours: download them and import the directory. MLflow records no digests, so those of weights are left to pinning.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from coppice.adapters.registries.http import HttpClient
from coppice.adapters.registries.repository import Facts, MissingFile, RegistryError, RepositoryFile

MODEL = re.compile(r"^models:/(?P<name>[^/@]+)(/(?P<version>[0-9]+)|@(?P<alias>[\w.-]+))$")
API = "api/2.0/mlflow"
ARTIFACTS = "api/2.0/mlflow-artifacts/artifacts"
MOST_DIRECTORIES = 64
HINT = "; set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
CARD_TAGS = {"license": "license", "license_name": "license_name", "language": "language", "task": "pipeline_tag"}
"""Tags of a version or its model that say what a model card would."""


class MlflowRepository:
    """One version; its model is the shallowest directory of its artifacts that holds a config.json."""

    def __init__(self, uri: str, client: HttpClient) -> None:
        found = MODEL.match(uri)
        if found is None:
            raise RegistryError(f"'{uri}' is no model of a registry: write models:/NAME/VERSION or models:/NAME@ALIAS")
        self._name, self._version, self._alias = found["name"], found["version"], found["alias"]
        self._client = client
        self._root = ""
        self._card: dict[str, Any] = {}

    @property
    def facts(self) -> Facts:
        """The version, and the address that serves its files."""
        uri = f"{self._client.endpoint}/{ARTIFACTS}/{quote(self._root)}"
        return Facts(self._name, f"version {self._version}", uri, f"{uri}/{{}}", self._card, self._version_page())

    async def files(self) -> list[RepositoryFile]:
        """Every file of the model."""
        version = await self._found_version()
        self._card = await self._tags(version)
        top = await self._artifacts()
        found = await self._walk(top)
        configs = sorted(
            (name for name in found if name.rpartition("/")[2] == "config.json"), key=lambda n: n.count("/")
        )
        if not configs:
            raise MissingFile(f"models:/{self._name}/{self._version} holds no config.json: no transformers model")
        inside = configs[0].removesuffix("config.json")
        self._root = f"{top}/{inside}".rstrip("/")
        below = {name.removeprefix(inside): size for name, size in found.items() if name.startswith(inside)}
        return [RepositoryFile(name, size) for name, size in sorted(below.items())]

    async def read(self, name: str) -> bytes:
        """A small file."""
        return await self._client.read(self._address(name))

    async def read_range(self, name: str, start: int, length: int) -> bytes:
        """A part of a file."""
        return await self._client.read_range(self._address(name), start, length)

    async def digest(self, name: str) -> tuple[str, int]:
        """sha256 and size of a file."""
        return await self._client.digest(self._address(name))

    async def license_of(self, other: str) -> str | None:
        """A registry states no licences."""
        del other
        return None

    async def _found_version(self) -> Mapping[str, Any]:
        if self._alias:
            answer = await self._get("registered-models/alias", name=self._name, alias=self._alias)
        else:
            answer = await self._get("model-versions/get", name=self._name, version=self._version)
        version: Mapping[str, Any] = answer["model_version"]
        self._version = str(version["version"])
        return version

    async def _tags(self, version: Mapping[str, Any]) -> dict[str, Any]:
        model = (await self._get("registered-models/get", name=self._name))["registered_model"]
        tags = {tag["key"]: tag["value"] for tag in [*model.get("tags", ()), *version.get("tags", ())]}
        return {ours: tags[theirs] for theirs, ours in CARD_TAGS.items() if theirs in tags}

    async def _artifacts(self) -> str:
        """Path of the version's artifacts below the server's artifact root."""
        answer = await self._get("model-versions/get-download-uri", name=self._name, version=self._version)
        uri = str(answer["artifact_uri"])
        if uri.startswith("runs:/"):
            run, _, path = uri.removeprefix("runs:/").partition("/")
            info = (await self._get("runs/get", run_id=run))["run"]["info"]
            uri = f"{str(info['artifact_uri']).rstrip('/')}/{path}"
        if urlsplit(uri).scheme != "mlflow-artifacts":
            raise RegistryError(
                f"the files of models:/{self._name}/{self._version} lie at {uri.partition('?')[0]}, which the MLflow "
                "server does not serve: download them and import the directory"
            )
        return urlsplit(uri).path.strip("/")

    async def _walk(self, top: str) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        waiting = [""]
        for _ in range(MOST_DIRECTORIES):
            if not waiting:
                return found
            here = waiting.pop()
            listing, _ = await self._client.json(f"{ARTIFACTS}?{urlencode({'path': f'{top}/{here}'.rstrip('/')})}")
            for entry in listing.get("files", ()):
                name = f"{here}/{entry['path']}".lstrip("/")
                if entry.get("is_dir"):
                    waiting.append(name)
                else:
                    found[name] = int(entry["file_size"]) if "file_size" in entry else None
        raise RegistryError(f"models:/{self._name}/{self._version} has more than {MOST_DIRECTORIES} directories")

    async def _get(self, method: str, **query: str) -> Any:
        try:
            answer, _ = await self._client.json(f"{API}/{method}?{urlencode(query)}")
        except MissingFile as error:
            asked = f"models:/{self._name}" + (f"@{self._alias}" if self._alias else f"/{self._version}")
            raise MissingFile(f"{self._client.endpoint} has no {asked}") from error
        return answer

    def _address(self, name: str) -> str:
        return f"{ARTIFACTS}/{quote(f'{self._root}/{name}')}"

    def _version_page(self) -> str:
        return f"{self._client.endpoint}/#/models/{quote(self._name)}/versions/{self._version}"


def _depth(name: str) -> int:
    return name.count("/")
