"""Stand-ins for the services of carbon intensity: local servers with the documented paths, fields and refusals.

Each answers as its service's public documentation says, for one zone that it knows, with values of a day. They hold no
data of the services: the values are a sawtooth made here.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

NOW = datetime(2026, 3, 1, 12, 10, tzinfo=UTC)
"""Also what the services think the time is."""

TOKEN, USER, PASSWORD = "canary-token", "canary-user", "canary-password"

Answer = Callable[[web.Request], web.Response]


def saw(at: datetime) -> int:
    """A value that differs from hour to hour: 100 to 330 gCO2e/kWh."""
    return 100 + 10 * at.astimezone(UTC).hour


def every(minutes: int, start: datetime, end: datetime) -> list[datetime]:
    """Times from start (rounded down) until before end."""
    step = timedelta(minutes=minutes)
    first = datetime.fromtimestamp(start.timestamp() // step.total_seconds() * step.total_seconds(), UTC)
    count = max(int((end - first) / step) + ((end - first) % step > timedelta(0)), 0)
    return [first + number * step for number in range(count)]


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass
class Service:
    """A stand-in under test: what it answers, how it fails when told to, and what it was asked."""

    answer: Answer
    known: str
    trouble: Answer | None = None
    hangs: bool = False
    age: timedelta = timedelta(0)
    asked: list[web.Request] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        await request.post()
        if self.hangs:
            await asyncio.sleep(60)
        if self.trouble is not None:
            return self.trouble(request)
        return self.answer(request)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Service"]:
        """Listen on a port of this machine."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.handle)
        async with TestServer(app) as server:
            self.url = str(server.make_url("")).rstrip("/")
            yield self


def electricity_maps() -> Service:
    """/carbon-intensity/{latest,history,forecast}: header auth-token, hourly items, 401 for a bad token."""

    def item(at: datetime, factors: str) -> dict[str, Any]:
        return {
            "zone": service.known, "carbonIntensity": saw(at), "datetime": text(at), "updatedAt": text(NOW),
            "createdAt": text(NOW), "emissionFactorType": factors, "isEstimated": False, "estimationMethod": None,
        }  # fmt: skip

    def answer(request: web.Request) -> web.Response:
        if request.headers.get("auth-token") != TOKEN:
            return web.json_response({"status": "error", "message": "Invalid auth-token"}, status=401)
        zone, what = request.query["zone"], request.path.rsplit("/", 1)[-1]
        if zone != service.known:
            return web.json_response({"status": "error", "message": f"Zone '{zone}' does not exist."}, status=404)
        now, factors = NOW - service.age, request.query["emissionFactorType"]
        hours = every(60, now - timedelta(hours=24), now)
        if what == "latest":
            return web.json_response(item(hours[-1], factors))
        if what == "history":
            return web.json_response({"zone": zone, "history": [item(hour, factors) for hour in hours]})
        coming = every(60, now, now + timedelta(hours=24))
        forecast = [{"carbonIntensity": saw(hour), "datetime": text(hour)} for hour in coming]
        return web.json_response({"zone": zone, "forecast": forecast, "updatedAt": text(now)})

    service = Service(answer, "DE")
    return service


def watttime() -> Service:
    """/login by basic authentication, /v3/historical and /v3/forecast by bearer: pounds a megawatt-hour, 5 minutes."""

    def answer(request: web.Request) -> web.Response:
        if request.path == "/login":
            wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if request.headers.get("Authorization") != f"Basic {wanted}":
                return web.json_response({"error": "authentication failed"}, status=401)
            return web.json_response({"token": TOKEN})
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "token expired"}, status=401)
        if request.query["region"] != service.known:
            return web.json_response({"error": "Invalid region"}, status=400)
        now = NOW - service.age
        times = every(5, datetime.fromisoformat(request.query["start"]), now) if "start" in request.query else []
        times = times or every(5, now, now + timedelta(hours=int(request.query.get("horizon_hours", 24))))
        data = [{"point_time": text(at), "value": saw(at) * 2.0, "last_updated": text(NOW)} for at in times]
        meta = {
            "region": service.known, "signal_type": request.query["signal_type"], "units": "lbs_co2_per_mwh",
            "data_point_period_seconds": 300, "warnings": [], "model": {"date": "2023-03-01", "type": "binned"},
        }  # fmt: skip
        return web.json_response({"data": data, "meta": meta})

    service = Service(answer, "DE")
    return service


def neso() -> Service:
    """/intensity/{from}/{to}, also below /regional with /regionid/{id}: half-hours, `actual` null when young."""

    def item(at: datetime, regional: bool) -> dict[str, Any]:
        young = at > NOW - timedelta(minutes=60)
        actual = {} if regional else {"actual": None if young else saw(at)}
        intensity = {"forecast": saw(at) + 5, **actual, "index": "moderate"}
        to = at + timedelta(minutes=30)
        return {"from": f"{at:%Y-%m-%dT%H:%MZ}", "to": f"{to:%Y-%m-%dT%H:%MZ}", "intensity": intensity}

    def answer(request: web.Request) -> web.Response:
        parts = request.path.strip("/").split("/")
        regional = parts[0] == "regional"
        start, end = (datetime.fromisoformat(part) for part in parts[1 + regional : 3 + regional])
        if end - start >= timedelta(days=14):
            message = {"code": "400 Bad Request", "message": "Please enter a range of less than 14 days."}
            return web.json_response({"error": message}, status=400)
        end = min(end, end - service.age)
        data: Any = [item(at, regional) for at in every(30, start, end)]
        if regional:
            data = {"regionid": int(parts[-1]), "dnoregion": "UKPN London", "shortname": "London", "data": data}
        return web.json_response({"data": data})

    service = Service(answer, "GB")
    return service


def carbon_aware_sdk() -> Service:
    """/emissions/bylocation and /emissions/forecasts/current of the web API: 400 for a location it does not know."""

    def answer(request: web.Request) -> web.Response:
        location = request.query["location"]
        if location != service.known:
            return web.json_response({"title": "ArgumentException", "status": 400}, status=400)
        now = NOW - service.age
        if request.path == "/emissions/bylocation":
            hours = every(60, datetime.fromisoformat(request.query["time"]), now)
            points = [
                {"location": location, "time": text(at), "rating": saw(at), "duration": "01:00:00"} for at in hours
            ]
            return web.json_response(points)
        coming = every(5, now, now + timedelta(hours=24))
        points = [{"location": location, "timestamp": text(at), "duration": 5, "value": saw(at)} for at in coming]
        return web.json_response([{"generatedAt": text(now), "location": location, "forecastData": points}])

    service = Service(answer, "DE")
    return service


def prometheus() -> Service:
    """/api/v1/query_range of the Prometheus HTTP API: a matrix of one series, empty for another zone."""

    def answer(request: web.Request) -> web.Response:
        form = request._post or {}
        start, end = (datetime.fromtimestamp(int(str(form[name])), UTC) for name in ("start", "end"))
        values = [[at.timestamp(), str(saw(at))] for at in every(5, start, end - service.age)]
        known = f'zone="{service.known}"' in str(form["query"])
        result = [{"metric": {}, "values": values}] if known else []
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})

    service = Service(answer, "DE")
    return service


def credentials(directory: Path) -> Path:
    """A mounted Secret with everything that a service may want."""
    for name, value in (("token", TOKEN), ("username", USER), ("password", PASSWORD)):
        (directory / name).write_text(f"{value}\n")
    return directory
