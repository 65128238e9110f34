"""Fetching one file over HTTPS: allowed hosts only, resumed after a broken connection, verified before it counts.

The standard library's client, because the connection must go to the address that was checked, which clients with
pools and proxies make hard. A proxy is not used.
"""

import http.client
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from coppice.api.result import Reason
from coppice.api.run import FileSource, RunFetch
from coppice.trainer.addresses import checked_address, host_allowed
from coppice.trainer.faults import TrainerError
from coppice.trainer.files import CHUNK_BYTES, sha256_of
from coppice.trust import lenient

MAX_REDIRECTS = 5
TRIES = 5
TIMEOUT_SECONDS = 60
PROGRESS_SECONDS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})

log = logging.getLogger("coppice.fetch")


class _BrokenTransferError(Exception):
    """The transfer stopped for a reason that another try may cure."""


def download(source: FileSource, destination: Path, rules: RunFetch, *, tries: int = TRIES) -> None:
    """Brings one https:// file to the destination; what an earlier try left is continued, never trusted.

    Raises TrainerError: DigestMismatch without or with a wrong digest, HostDenied, SourceMissing, SourceUnreachable.
    """
    if source.digest is None:
        raise TrainerError(Reason.DIGEST_MISMATCH, f"{source.uri}: an https source needs a digest")
    partial = destination.with_name(destination.name + ".part")
    for attempt in range(1, tries + 1):
        try:
            _transfer(source, partial, rules)
            break
        except (_BrokenTransferError, OSError, http.client.HTTPException) as error:
            if isinstance(error, ssl.SSLCertVerificationError):
                message = f"{source.uri}: the server's certificate is not trusted ({error.verify_message})"
                raise TrainerError(Reason.HOST_DENIED, message) from error
            if attempt == tries:
                raise TrainerError(Reason.SOURCE_UNREACHABLE, f"{source.uri}: {error}") from error
            log.info("%s: %s; trying again (%d of %d)", source.name, error, attempt + 1, tries)
            time.sleep(min(2**attempt, 30) / 4)
    digest = sha256_of(partial)
    if digest != source.digest:
        partial.unlink()
        message = f"{source.name} from {source.uri} has {digest}, {source.digest} is listed"
        raise TrainerError(Reason.DIGEST_MISMATCH, message)
    partial.replace(destination)


def _transfer(source: FileSource, partial: Path, rules: RunFetch) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    if source.size_bytes is not None and have == source.size_bytes:
        return
    if source.size_bytes is not None and have > source.size_bytes:
        partial.unlink()
        have = 0
    with _opened(source.uri, have, rules) as response:
        if response.status == 416:
            partial.unlink(missing_ok=True)
            raise _BrokenTransferError("the server has no more of it than was fetched already")
        resumed = response.status == 206
        with partial.open("ab" if resumed else "wb") as writer:
            _stream(response, writer.write, source, have if resumed else 0)


def _stream(
    response: http.client.HTTPResponse, write: Callable[[bytes], object], source: FileSource, have: int
) -> None:
    announced = time.monotonic()
    left = response.length
    while chunk := response.read(CHUNK_BYTES):
        write(chunk)
        have += len(chunk)
        if source.size_bytes is not None and have > source.size_bytes:
            message = f"{source.name} from {source.uri} has more than the {source.size_bytes} bytes listed"
            raise TrainerError(Reason.DIGEST_MISMATCH, message)
        if time.monotonic() - announced > PROGRESS_SECONDS:
            announced = time.monotonic()
            log.info("%s: %.0f MB%s", source.name, have / 1e6, _share(have, source.size_bytes))
    if left is not None and response.length:
        raise _BrokenTransferError(f"the connection ended {response.length} bytes early")


def _share(have: int, size_bytes: int | None) -> str:
    return f" of {size_bytes / 1e6:.0f} MB" if size_bytes else ""


@contextmanager
def _opened(uri: str, offset: int, rules: RunFetch) -> Iterator[http.client.HTTPResponse]:
    """The response of the first address that is no redirect; host and address are checked at every hop."""
    for _ in range(MAX_REDIRECTS + 1):
        connection, path = _connection(uri, rules)
        try:
            headers = {"Accept-Encoding": "identity", "User-Agent": "coppice-fetch"}
            if offset:
                headers["Range"] = f"bytes={offset}-"
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            if response.status not in REDIRECTS:
                _check_status(uri, response.status)
                yield response
                return
            uri = urljoin(uri, response.headers.get("Location", ""))
        finally:
            connection.close()
    raise TrainerError(Reason.SOURCE_UNREACHABLE, f"{uri}: more than {MAX_REDIRECTS} redirects")


def _check_status(uri: str, status: int) -> None:
    if status in {401, 403, 404, 410}:
        raise TrainerError(Reason.SOURCE_MISSING, f"{uri}: the server answers {status}; check the path and its access")
    if status not in {200, 206, 416}:
        raise _BrokenTransferError(f"the server answers {status}")


def _connection(uri: str, rules: RunFetch) -> tuple[http.client.HTTPSConnection, str]:
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.scheme != "https":
        raise TrainerError(Reason.HOST_DENIED, f"{uri}: only https is fetched, also after a redirect")
    if not host_allowed(host, rules.allowed_hosts):
        raise TrainerError(Reason.HOST_DENIED, f"{host} is not among the policy's allowedHosts")
    port = parts.port or 443
    address = checked_address(host, port, rules.allowed_networks)
    context = ssl.create_default_context()
    if rules.ca_bundle:
        lenient(context).load_verify_locations(rules.ca_bundle)
    connection = _PinnedConnection(host, port, address, context)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return connection, path or "/"


class _PinnedConnection(http.client.HTTPSConnection):
    """HTTPS to a host by an address that is already known and checked."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=TIMEOUT_SECONDS, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        """Connects to the checked address and proves the host's name by its certificate."""
        plain = socket.create_connection((self._address, self.port), TIMEOUT_SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
