"""The HTTP endpoints: /healthz and /readyz on one port, /metrics on another.

They are served by the event loop itself, so that a loop that no longer turns fails the probe. Connections are closed
after each answer: one kept open by a scraper would hold up a graceful stop.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from coppice.handlers.health import Answer, Health

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def health_app(health: Health) -> web.Application:
    """/healthz for liveness, /readyz for readiness: 200 or 503, with a sentence."""
    app = web.Application()
    app.router.add_get("/healthz", _probe(health.live))
    app.router.add_get("/readyz", _probe(health.ready))
    return app


def metrics_app(render: Callable[[], bytes], content_type: str) -> web.Application:
    """/metrics in Prometheus's text format."""

    async def metrics(_: web.Request) -> web.StreamResponse:
        return _closing(web.Response(body=render(), headers={"Content-Type": content_type}))

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


async def serve(app: web.Application, port: int) -> web.AppRunner:
    """Listen on all interfaces; `cleanup` of what is returned ends it."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner


def _probe(ask: Callable[[], Answer]) -> Handler:
    async def probe(_: web.Request) -> web.StreamResponse:
        answer = ask()
        return _closing(web.Response(text=answer.text + "\n", status=200 if answer.healthy else 503))

    return probe


def _closing(response: web.Response) -> web.Response:
    response.force_close()
    return response
