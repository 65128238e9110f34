"""One connection pool to the API server, raw JSON in and out, and errors as the loop knows them.

The official client's asyncio half (`kubernetes.aio`) gives configuration, credentials, TLS and the pool. Its generated
methods are left aside: they turn every body into models and back, which costs more than the request. Its retries are
left aside too, because waiting is the work queue's business.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.client.rest import RESTClientObject

from coppice.ports import ClusterError, Conflict, Forbidden, NotFound, Refused, Unavailable

TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
POOL = 24
"""Parallel requests: a few more than there are workers, so that the lease never waits for them."""

USER_AGENT = f"coppice-operator/{version('coppice')}"
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"


async def connect(kubeconfig: str | None = None) -> "Connection":
    """A connection as the pod's service account, or as the kubeconfig (`KUBECONFIG`, ~/.kube/config) says.

    Raises kubernetes.config.ConfigException if there is neither.
    """
    settings = Configuration()
    if kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=settings)
    else:
        await config.load_kube_config(config_file=kubeconfig, client_configuration=settings)
    settings.connection_pool_maxsize = POOL
    # As `coppice.trust` has it.
    settings.disable_strict_ssl_verification = True
    # With trust_env aiohttp would read .netrc and the proxy variables in a thread, for each request.
    settings.client_session_kwargs = {"trust_env": False}
    return Connection(ApiClient(settings))


@dataclass(frozen=True)
class Credentials:
    """What another client of this process needs to reach the same API server as the same user. Never logged."""

    server: str
    authority_file: str | None
    insecure: bool
    authorization: str | None = field(repr=False)
    certificate_file: str | None
    key_file: str | None


class Connection:
    """Requests to the API server. Raises the errors of `coppice.ports`, and the two of this module."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._rest: RESTClientObject = client.rest_client
        self._configuration: Configuration = client.configuration

    async def close(self) -> None:
        """Close the pool."""
        await self._client.close()

    async def credentials(self) -> Credentials:
        """The credentials now; a service account's token is read again once a minute."""
        settings = self._configuration
        return Credentials(
            server=settings.host,
            authority_file=settings.ssl_ca_cert,
            insecure=not settings.verify_ssl,
            authorization=await self._token(),
            certificate_file=settings.cert_file,
            key_file=settings.key_file,
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
    ) -> dict[str, Any]:
        """One request; the answer's JSON object."""
        url = f"{self._configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = await self._headers(content_type)
        try:
            answer = await self._rest.request(method, url, headers=headers, body=body, _request_timeout=TIMEOUT)
            data = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"{method} {path}: no answer from the API server ({type(error).__name__})") from error
        if 200 <= answer.status <= 299:
            return _parsed(data)
        raise error_of(answer.status, _parsed(data), answer.headers.get("Retry-After"), f"{method} {path}")

    async def _headers(self, content_type: str) -> dict[str, str]:
        headers = {"Accept": JSON, "Content-Type": content_type, "User-Agent": USER_AGENT}
        token = await self._token()
        return {**headers, "Authorization": token} if token else headers

    async def _token(self) -> str | None:
        token: str | None = await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return token


class Expired(Unavailable):
    """410: the snapshot behind a continue token or a resourceVersion is gone."""


class NameTaken(ClusterError):
    """The API server's 409 AlreadyExists, before the existing object was fetched."""


def error_of(status: int, answer: Mapping[str, Any], retry_after: str | None, what: str) -> ClusterError:
    """The error for an answer of the API server; `answer` is its Status object, or empty."""
    reason = answer.get("reason", "")
    message = f"{what}: {answer.get('message') or f'HTTP status {status}'}"
    if status == 410:
        return Expired(message)
    if status == 429 or status >= 500 or status in {401, 408}:
        wished = float(retry_after) if retry_after and retry_after.isdecimal() else None
        return Unavailable(message, wished)
    if status == 409:
        return NameTaken(message) if reason == "AlreadyExists" else Conflict(message)
    if status == 404 or _namespace_is_going(answer):
        return NotFound(message)
    return Forbidden(message) if status == 403 else Refused(message)


def _namespace_is_going(answer: Mapping[str, Any]) -> bool:
    causes = (answer.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


def _parsed(data: bytes) -> dict[str, Any]:
    """The JSON object, or an empty one: proxies in front of an API server answer with pages of their own."""
    try:
        parsed = json.loads(data)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
