"""Questions to services outside the cluster's API: one client, one way to fail, and nothing that hangs.

No proxy or netrc of the environment is read, no redirect is followed (a token would travel with it), an answer is at
most so long, and every failure is one of a few kinds whose text is short and the same every time, because it ends as a
metric's label. Values of answers and of credentials never stand in it.
"""

import asyncio
import base64
import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from coppice.trust import lenient

MAX_BYTES = 8 * 2**20
USER_AGENT = f"coppice-operator/{version('coppice')}"
LONGEST_WAIT_SECONDS = 3600.0
"""Most that a server's Retry-After is waited for."""


class WebError(Exception):
    """A question without a usable answer; `str()` says what happened in a few fixed words."""

    words = "failed"

    def __str__(self) -> str:
        """The fixed words."""
        return self.words


class Unreachable(WebError):
    """No answer, a slow one, or a server's own error: trying again helps."""

    words = "did not answer"


class Throttled(WebError):
    """Asked too often; `retry_after_seconds` is the server's wish, if it had one."""

    words = "asked for fewer requests"

    def __init__(self, retry_after_seconds: float | None = None) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class Denied(WebError):
    """Credentials are missing, wrong, or do not cover this: an administrator must act."""

    words = "refused the credentials"


class Unknown(WebError):
    """The server knows no such zone, or the request is not one it takes."""

    words = "knows no such zone or address"


class Unusable(WebError):
    """The answer is none that this reader understands: not JSON, another zone, another unit, no number."""

    words = "gave an unusable answer"


class Web:
    """One client session for every service; use as an async context manager."""

    def __init__(self, timeout_seconds: float = 10.0, most_bytes: int = MAX_BYTES) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._most_bytes = most_bytes
        self._session: aiohttp.ClientSession | None = None
        self._contexts: dict[Path, ssl.SSLContext] = {}

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            timeout=self._timeout,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def ask(
        self,
        url: str,
        query: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        authority: Path | None = None,
    ) -> Any:
        """The JSON of an answer, an empty list where there is none (204); a `form` makes it a POST.

        `authority` is a file of certificates to trust.

        Raises WebError's kinds, and RuntimeError outside the context.
        """
        if self._session is None:
            raise RuntimeError("the web client is not open")
        try:
            async with self._session.request(
                "POST" if form is not None else "GET",
                url,
                params=query,
                data=form,
                headers={**(headers or {}), **(_basic(*basic) if basic else {})},
                allow_redirects=False,
                ssl=self._trusting(authority) if authority else True,
            ) as answer:
                if answer.status == 204:
                    return []
                if answer.status != 200:
                    raise _error(answer.status, answer.headers.get("Retry-After"))
                return _parsed(await _body(answer, self._most_bytes))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable from error

    def _trusting(self, authority: Path) -> ssl.SSLContext:
        if authority not in self._contexts:
            self._contexts[authority] = lenient(ssl.create_default_context(cafile=str(authority)))
        return self._contexts[authority]


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


async def _body(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    try:
        await answer.content.readexactly(most_bytes)
    except asyncio.IncompleteReadError as complete:
        return complete.partial
    raise Unusable


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unusable from error


def _error(status: int, retry_after: str | None) -> WebError:
    if status == 429 or (status == 503 and retry_after):
        return Throttled(waiting(retry_after))
    if status in {401, 402, 403}:
        return Denied()
    if status in {400, 404, 422}:
        return Unknown()
    return Unreachable() if status >= 500 or status == 408 else Unusable()


def waiting(retry_after: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date; None without one or for nonsense."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 1.0), LONGEST_WAIT_SECONDS) if seconds == seconds else None  # noqa: PLR0124 - NaN
