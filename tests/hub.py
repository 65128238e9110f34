"""A local server that speaks the Hugging Face Hub's wire format, and the CDN that it redirects large files to.

It stands in for https://huggingface.co, whose addresses are documented at https://huggingface.co/docs/hub/api:
`/api/models/NAME/revision/REV` (commit and parsed card), `/api/models/NAME/tree/SHA?recursive=true` (path, size, git
oid, and `lfs.oid`, the sha256 of large files; pages linked by a Link header), and `/NAME/resolve/REV/PATH`, which
serves small files and answers 302 to another host for large ones. Ranges are served as RFC 9110 says. Faults are put
in by tests: an answer for a path, given a number of times.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_canary"
"""A word to look for where it must not be."""


def safetensors(tensors: dict[str, tuple[str, list[int]]], payload: bool = True) -> bytes:
    """A safetensors file of zeros, or its header alone."""
    sizes = {"F32": 4, "BF16": 2, "F16": 2, "I64": 8}
    header, at = {}, 0
    for name, (dtype, shape) in tensors.items():
        count = sizes[dtype]
        for side in shape:
            count *= side
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + count]}
        at += count
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + (b"\0" * at if payload else b"")


@dataclass
class Hub:
    """Repositories by name (files by path), what is large, and the faults put in; `seen` are (host, path, headers)."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, list[tuple[int, dict[str, str], bytes]]] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    page: int = 1000
    ranges: bool = True
    url: str = ""
    cdn: str = ""

    def add(self, name: str, files: dict[str, bytes], card: dict[str, Any] | None = None) -> None:
        """A repository; `card` is its front matter as the hub parses it."""
        self.repositories[name] = files
        self.cards[name] = card or {}

    def fail(
        self, path: str, status: int, headers: dict[str, str] | None = None, body: bytes = b"", times: int = 1
    ) -> None:
        """Answer a path so, a number of times."""
        self.faults[path] = [(status, headers or {}, body)] * times

    def asked(self, part: str) -> list[tuple[str, str, dict[str, str]]]:
        """Requests whose path holds a part."""
        return [request for request in self.seen if part in request[1]]


def is_large(path: str) -> bool:
    return path.endswith((".safetensors", ".bin"))


@contextmanager
def served() -> Iterator[Hub]:
    """A hub and its CDN on two ports, that is two origins."""
    hub = Hub()
    servers = [Server(("127.0.0.1", 0), hub, name) for name in ("hub", "cdn")]
    hub.url, hub.cdn = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


class Server(ThreadingHTTPServer):
    """One of the two origins."""

    def __init__(self, address: tuple[str, int], hub: Hub, host: str) -> None:
        super().__init__(address, Handler)
        self.hub = hub
        self.host = host


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    wbufsize = 2**16  # head and body in one packet: two would wait for a delayed acknowledgement

    @property
    def hub(self) -> Hub:
        return self.server.hub

    @property
    def host(self) -> str:
        return self.server.host

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.seen.append((self.host, self.path, dict(self.headers)))
        waiting = self.hub.faults.get(path) or []
        if waiting:
            self.answer(*waiting.pop(0))
        elif self.host == "cdn":
            name, _, file = path.strip("/").partition("/-/")
            self.content(self.hub.repositories[name][file])
        elif path.startswith("/api/models/"):
            self.api(path.removeprefix("/api/models/"))
        else:
            self.resolve(path.strip("/"))

    def api(self, path: str) -> None:
        name = next((name for name in self.hub.repositories if path == name or path.startswith(f"{name}/")), None)
        if name is None:
            self.answer(401, {"X-Error-Code": "RepoNotFound"}, b'{"error":"Invalid username or password."}')
        elif "/tree/" in path:
            self.tree(name)
        else:
            self.json({"id": name, "sha": COMMIT, "cardData": self.hub.cards[name]})

    def tree(self, name: str) -> None:
        entries = [entry(path, data) for path, data in sorted(self.hub.repositories[name].items())]
        start = int((re.search(r"cursor=(\d+)", self.path) or [0, "0"])[1])
        more = start + self.hub.page < len(entries)
        base = self.path.partition("&cursor=")[0]
        link = {"Link": f'<{self.hub.url}{base}&cursor={start + self.hub.page}>; rel="next"'} if more else {}
        self.json(
            [{"type": "directory", "path": "onnx", "oid": "0", "size": 0}, *entries[start : start + self.hub.page]],
            link,
        )

    def resolve(self, path: str) -> None:
        name, _, rest = path.partition("/resolve/")
        file = rest.partition("/")[2]
        data = self.hub.repositories.get(name, {}).get(file)
        if data is None:
            self.answer(404, {"X-Error-Code": "EntryNotFound"}, b"Entry not found")
        elif is_large(file):
            self.answer(302, {"Location": f"{self.hub.cdn}/{name}/-/{file}?X-Amz-Signature=secret"}, b"")
        else:
            self.content(data)

    def content(self, data: bytes) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if wanted is None or not self.hub.ranges:
            self.answer(200, {}, data)
            return
        first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
        if first >= len(data):
            self.answer(416, {"Content-Range": f"bytes */{len(data)}"}, b"")
        else:
            self.answer(206, {"Content-Range": f"bytes {first}-{last}/{len(data)}"}, data[first : last + 1])

    def json(self, value: object, headers: dict[str, str] | None = None) -> None:
        self.answer(200, {"Content-Type": "application/json", **(headers or {})}, json.dumps(value).encode())

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Tests read `seen`."""


def entry(path: str, data: bytes) -> dict[str, Any]:
    """One file as the tree API tells it."""
    oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    if not is_large(path):
        return {"type": "file", "oid": oid, "size": len(data), "path": path}
    large = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 135}
    return {"type": "file", "oid": "f" * 40, "size": len(data), "lfs": large, "path": path}
