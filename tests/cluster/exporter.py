"""An exporter of the tests' own: a local server that prints what it is asked for in Prometheus's text format."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Exporter(ThreadingHTTPServer):
    """One exporter on a port of its own; `stop` and it is gone."""

    daemon_threads = True

    def __init__(self, text: Callable[[], str], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Page)
        self.text = text
        self.target = f"127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Page(BaseHTTPRequestHandler):
    server: Exporter

    def do_GET(self) -> None:
        body = self.server.text().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
