"""GET requests for metadata: bounded, patient with a busy server, and careful with credentials.

They go to the host that the user named and to no other: registries redirect large files to a CDN, which must
not see it. Redirects are followed by hand for that reason. A ranged answer that is none (200 in place of 206) is cut
off after the range, so that a server without ranges costs no download of weights.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from coppice.adapters.registries.repository import SMALL_BYTES, MissingFile, RegistryError

MOST_REDIRECTS = 5
TRIES = 3
PATIENCE_SECONDS = 30.0
"""Longest that one Retry-After is obeyed; a registry that wants more is told of instead."""
CHUNK_BYTES = 2**20
TIMEOUT = aiohttp.ClientTimeout(total=None, connect=10, sock_read=30)
USER_AGENT = "coppice"
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class HttpClient:
    """Requests to one registry; `authorization` is sent to its host only and appears in no message.

    `hint` ends the sentence about a request that was refused for want of it.
    """

    def __init__(self, endpoint: str, authorization: str | None = None, hint: str = "") -> None:
        self.endpoint = endpoint.rstrip("/")
        address = urlsplit(self.endpoint)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise RegistryError(f"'{_shown(endpoint)}' is no http(s) address")
        if address.username or address.password:
            raise RegistryError(f"the address of {address.hostname} holds a password: put it into the environment")
        self._authorization = authorization
        self._hint = hint
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def json(self, path: str) -> tuple[Any, Mapping[str, str]]:
        """A JSON answer and its headers."""
        data, headers = await self._get(path, {}, SMALL_BYTES)
        try:
            return json.loads(data), headers
        except ValueError as error:
            raise RegistryError(f"{self._url(path)} did not answer with JSON; is it a model registry?") from error

    async def read(self, path: str) -> bytes:
        """A small file, whole."""
        data, _ = await self._get(path, {}, SMALL_BYTES + 1)
        if len(data) > SMALL_BYTES:
            raise RegistryError(f"{self._url(path)} is larger than {SMALL_BYTES} bytes and was not read")
        return data

    async def read_range(self, path: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`, whether or not the server knows ranges."""
        wanted = {"Range": f"bytes={start}-{start + length - 1}"}
        async with self._answer(path, wanted) as answer:
            if answer.status == 416:
                return b""
            skip = start if answer.status == 200 else 0
            if skip > SMALL_BYTES:
                raise RegistryError(f"{self._url(path)}: the server does not serve ranges; use a mirror that does")
            return (await _at_most(answer, skip + length))[skip:]

    async def digest(self, path: str) -> tuple[str, int]:
        """sha256 and size of what the address gives, read and not kept."""
        known, size = hashlib.sha256(), 0
        async with self._answer(path, {}) as answer:
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                known.update(chunk)
                size += len(chunk)
        return f"sha256:{known.hexdigest()}", size

    async def _get(self, path: str, headers: Mapping[str, str], most: int) -> tuple[bytes, Mapping[str, str]]:
        async with self._answer(path, headers) as answer:
            return await _at_most(answer, most), answer.headers

    @asynccontextmanager
    async def _answer(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer after redirects and waits. Raises RegistryError with a sentence for everything else."""
        url = self._url(path)
        try:
            answer = await self._patient(url, headers)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            host = urlsplit(self.endpoint).netloc
            raise RegistryError(f"no answer from {host} ({type(error).__name__}); is the endpoint right?") from error
        try:
            self._refuse(answer, url)
            yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RegistryError(f"{url}: the answer broke off ({type(error).__name__}); try again") from error
        finally:
            answer.close()

    async def _patient(self, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Wait as long as a busy server asks, a few times."""
        answer = await self._follow(url, headers)
        for tried in range(1, TRIES):
            if answer.status not in {429, 502, 503, 504}:
                break
            asked = answer.headers.get("Retry-After", "")
            seconds = float(asked) if asked.isdecimal() else 2.0**tried
            if seconds > PATIENCE_SECONDS:
                break
            answer.close()
            await asyncio.sleep(seconds)
            answer = await self._follow(url, headers)
        return answer

    async def _follow(self, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._opened().get(
                url, headers=self._headers(url, headers), proxy=_proxy(url), allow_redirects=False
            )
            if answer.status not in REDIRECTS:
                return answer
            target = urljoin(url, answer.headers.get("Location", ""))
            answer.close()
            if urlsplit(target).scheme not in {"https", urlsplit(url).scheme}:
                raise RegistryError(f"{_shown(url)} redirects to {_shown(target)}, which is refused")
            url = target
        raise RegistryError(f"{_shown(url)}: more than {MOST_REDIRECTS} redirects")

    def _headers(self, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        # Identity keeps ranges and sizes those of the file, not of its compressed form.
        plain = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        own = urlsplit(url)[:2] == urlsplit(self.endpoint)[:2]
        return {**plain, "Authorization": self._authorization} if own and self._authorization else plain

    def _refuse(self, answer: aiohttp.ClientResponse, url: str) -> None:
        if answer.status in {200, 206, 416}:
            return
        if answer.status in {401, 403}:
            gated = answer.headers.get("X-Error-Code", "")
            why = "is gated: accept its terms on its page" if gated == "GatedRepo" else "is private or does not exist"
            raise RegistryError(f"{url}: HTTP {answer.status}; it {why}{self._hint}")
        if answer.status == 404:
            raise MissingFile(f"{url} does not exist")
        if answer.status == 429:
            raise RegistryError(f"{url}: the registry is busy (HTTP 429); try again later")
        raise RegistryError(f"{url}: HTTP {answer.status}")

    def _url(self, path: str) -> str:
        return path if path.startswith(("http://", "https://")) else f"{self.endpoint}/{path.lstrip('/')}"

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self._session


async def _at_most(answer: aiohttp.ClientResponse, most: int) -> bytes:
    parts, size = [], 0
    async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
        parts.append(chunk)
        size += len(chunk)
        if size >= most:
            break
    return b"".join(parts)[:most]


def _proxy(url: str) -> str | None:
    """The environment's proxy for an address; aiohttp's own way of asking would also send what .netrc holds."""
    address = urlsplit(url)
    return None if proxy_bypass(address.hostname or "") else getproxies().get(address.scheme)


def _shown(url: str) -> str:
    """An address without its query, which may hold a signature."""
    return url.partition("?")[0]
