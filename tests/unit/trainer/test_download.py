"""HTTPS against a real server on loopback, which is reachable only because the test lists its network."""

import datetime as dt
import hashlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coppice.api.result import Reason
from coppice.api.run import FileSource, RunFetch
from coppice.trainer import download as module
from coppice.trainer.download import download
from coppice.trainer.faults import TrainerError

pytestmark = pytest.mark.thorough

LOOPBACK = {"localhost": "127.0.0.1"}
CONTENT = bytes(range(256)) * 40
DIGEST = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    requests: list[str | None] = []  # noqa: RUF012 (one list per server is what the tests look at)

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.requests.append(self.headers.get("Range"))
        port = self.server.server_address[1]
        redirects = {
            "/to-file": f"https://localhost:{port}/file",
            "/to-metadata": f"https://169.254.169.254:{port}/latest",
            "/to-other-host": f"https://127.0.0.1:{port}/file",
            "/to-plain": f"http://localhost:{port}/file",
            "/loop": f"https://localhost:{port}/loop",
        }
        if self.path in redirects:
            self.send_response(302)
            self.send_header("Location", redirects[self.path])
            self.end_headers()
        elif self.path == "/missing":
            self.send_error(404)
        else:
            self.send_content(len(self.requests))

    def send_content(self, number: int) -> None:
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        torn = self.path == "/torn" and number == 1
        self.wfile.write(CONTENT[start : len(CONTENT) // 2] if torn else CONTENT[start:])


class Server:
    def __init__(self, port: int, ca_bundle: str, requests: list[str | None]) -> None:
        self.port, self.ca_bundle, self.requests = port, ca_bundle, requests

    def source(self, path: str, **changes: Any) -> FileSource:
        values = {"name": "file", "uri": f"https://localhost:{self.port}{path}", "digest": DIGEST}
        return FileSource.model_validate({**values, "sizeBytes": len(CONTENT), **changes})

    def rules(self, **changes: Any) -> RunFetch:
        networks = ("127.0.0.0/8", "::1/128")
        values = {"allowed_hosts": ("localhost",), "allowed_networks": networks, "ca_bundle": self.ca_bundle}
        return RunFetch.model_validate({**values, **changes})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    requests: list[str | None] = []
    handler = type("Handler", (Handler,), {"requests": requests})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(
        "socket.getaddrinfo",
        lambda host, port, *_, **__: [(2, 1, 6, "", (host.replace("localhost", "127.0.0.1"), port))],
    )
    yield Server(http.server_address[1], str(certificate), requests)
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.mark.parametrize("path", ["/file", "/to-file"])
def test_a_listed_file_is_fetched_also_over_a_redirect(server: Server, tmp_path: Path, path: str) -> None:
    download(server.source(path), tmp_path / "file", server.rules())
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_torn_transfer_is_continued_where_it_broke(server: Server, tmp_path: Path) -> None:
    download(server.source("/torn"), tmp_path / "file", server.rules())
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={len(CONTENT) // 2}-"]


REFUSED = [
    ("/file", {"digest": "sha256:" + "0" * 64}, {}, Reason.DIGEST_MISMATCH),
    ("/file", {"digest": None}, {}, Reason.DIGEST_MISMATCH),
    ("/file", {"sizeBytes": 100}, {}, Reason.DIGEST_MISMATCH),
    ("/file", {}, {"allowed_hosts": ("example.org",)}, Reason.HOST_DENIED),
    ("/file", {}, {"allowed_networks": ()}, Reason.HOST_DENIED),
    ("/file", {}, {"ca_bundle": None}, Reason.HOST_DENIED),
    ("/to-other-host", {}, {}, Reason.HOST_DENIED),
    ("/to-plain", {}, {}, Reason.HOST_DENIED),
    ("/to-metadata", {}, {"allowed_hosts": ("localhost", "169.254.169.254")}, Reason.HOST_DENIED),
    (
        "/to-metadata",
        {},
        {"allowed_hosts": ("localhost", "169.254.169.254"), "allowed_networks": ("0.0.0.0/0",)},
        Reason.HOST_DENIED,
    ),
    ("/missing", {}, {}, Reason.SOURCE_MISSING),
    ("/loop", {}, {}, Reason.SOURCE_UNREACHABLE),
]


@pytest.mark.parametrize(("path", "file", "rules", "reason"), REFUSED)
def test_what_breaks_a_rule_is_refused(
    server: Server, tmp_path: Path, path: str, file: dict[str, Any], rules: dict[str, Any], reason: Reason
) -> None:
    with pytest.raises(TrainerError) as refused:
        download(server.source(path, **file), tmp_path / "file", server.rules(**rules))
    assert refused.value.reason is reason
    assert not (tmp_path / "file").exists()


def test_a_server_that_does_not_answer_is_worth_another_pod(server: Server, tmp_path: Path) -> None:
    source = FileSource(name="file", uri="https://localhost:1/file", digest=DIGEST)
    with pytest.raises(TrainerError) as refused:
        download(source, tmp_path / "file", server.rules(), tries=2)
    assert refused.value.reason is Reason.SOURCE_UNREACHABLE
