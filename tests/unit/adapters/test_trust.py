"""Authorities that follow RFC 5280 loosely, as those of managed clusters and companies do, are trusted once named."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import kopf
import pytest

from coppice.adapters.connection import connect
from coppice.adapters.web import Unreachable, Web
from coppice.api.run import RunFetch
from coppice.handlers.doors import log_in
from coppice.ports import Unavailable
from coppice.trainer import download
from devcluster.pki import Authority, Subject

ANSWER = json.dumps({"major": "1"}).encode()


@dataclass(frozen=True)
class Server:
    """A server on loopback whose certificate has no authority key identifier."""

    url: str
    authority: Path

    def kubeconfig(self) -> Path:
        cluster = {"server": self.url, "certificate-authority": str(self.authority)}
        content = {
            "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": cluster}],
            "users": [{"name": "it", "user": {"token": "secret"}}],
        }
        file = self.authority.parent / "kubeconfig"
        file.write_text(json.dumps(content))
        return file


@pytest.fixture(autouse=True)
def _as_python_3_13(monkeypatch: pytest.MonkeyPatch) -> None:
    """Default contexts as they are since Python 3.13, also in an earlier one."""
    make: Callable[..., ssl.SSLContext] = ssl.create_default_context

    def strict(*given: Any, **named: Any) -> ssl.SSLContext:
        context = make(*given, **named)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    authority = Authority(tmp_path)
    own = authority.issue("server", Subject("server", hosts=("127.0.0.1",)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ANSWER)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + ANSWER)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as listening:
        port = listening.sockets[0].getsockname()[1]
        yield Server(f"https://127.0.0.1:{port}", authority.files.certificate)


async def test_python_alone_refuses_such_a_server(server: Server) -> None:
    context = ssl.create_default_context(cafile=server.authority)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(server.url, ssl=context)


async def test_our_own_client_reaches_an_api_server_with_such_a_certificate(server: Server) -> None:
    connection = await connect(str(server.kubeconfig()))
    assert await connection.request("GET", "/version") == {"major": "1"}
    await connection.close()


async def test_kopf_reaches_it_as_well(server: Server) -> None:
    connection = await connect(str(server.kubeconfig()))
    registry = kopf.OperatorRegistry()
    log_in(registry, connection.credentials)
    (handler,) = (one for one in registry._activities._handlers if one.id == "login")
    found = await handler.fn()
    async with aiohttp.ClientSession() as session:
        assert (await session.get(f"{found.server}/version", ssl=found.as_ssl_context())).status == 200
    await connection.close()


async def test_a_service_of_a_company_is_asked(server: Server) -> None:
    async with Web() as web:
        assert await web.ask(server.url, authority=server.authority) == {"major": "1"}


async def test_nobody_is_trusted_without_being_named(server: Server, tmp_path: Path) -> None:
    another = Authority(tmp_path / "another").files.certificate
    async with Web() as web:
        for authority in (None, another):
            with pytest.raises(Unreachable):
                await web.ask(server.url, authority=authority)
    connection = await connect(str(replace(server, authority=another).kubeconfig()))
    with pytest.raises(Unavailable, match="ClientConnectorCertificateError"):
        await connection.request("GET", "/version")
    await connection.close()


@pytest.mark.parametrize("named", [True, False])
def test_the_trainer_is_lenient_with_the_authorities_of_the_policy_alone(named: bool, tmp_path: Path) -> None:
    bundle = str(Authority(tmp_path).files.certificate) if named else None
    rules = RunFetch.model_validate(
        {"allowed_hosts": ("localhost",), "allowed_networks": ("127.0.0.0/8", "::1/128"), "ca_bundle": bundle}
    )
    connection, _ = download._connection("https://localhost/file", rules)
    assert bool(connection._context.verify_flags & ssl.VERIFY_X509_STRICT) is not named
    assert connection._context.verify_mode is ssl.CERT_REQUIRED
