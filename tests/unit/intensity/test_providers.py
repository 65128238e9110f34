"""Each source of carbon intensity against a local server of its wire format: what it reads, and how it fails.

The servers stand in for Electricity Maps, WattTime v3, the NESO API, a carbon-aware-sdk and a Prometheus.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as server

import intensity_services as services
from coppice.adapters.intensity.live import LiveIntensity
from coppice.adapters.intensity.settings import links, sources
from coppice.adapters.intensity.static import StaticIntensity
from coppice.adapters.web import Web
from coppice.api.decision import Intensity
from coppice.api.vocabulary import IntensityMethod, IntensitySignal
from fake_cluster import FakeClock
from intensity_services import NOW, Service, saw

pytestmark = pytest.mark.thorough

MARGINAL, AVERAGE = IntensitySignal.MARGINAL, IntensitySignal.AVERAGE
LIFE_CYCLE, DIRECT = IntensityMethod.LIFE_CYCLE, IntensityMethod.DIRECT


@dataclass(frozen=True)
class Sort:
    """One kind of source: its stand-in, its settings, a zone that it knows and what it says of noon."""

    service: Callable[[], Service]
    settings: dict[str, Any]
    label: str
    kind: tuple[IntensityMethod, IntensitySignal]
    noon: str
    zone: str = "DE"


HOURS = timedelta(hours=4)
OWN = {"method": "Direct", "signal": "Marginal"}
SORTS = {
    "ElectricityMaps": Sort(services.electricity_maps, {}, "Electricity Maps", (LIFE_CYCLE, AVERAGE), "220"),
    "WattTime": Sort(services.watttime, {}, "WattTime", (DIRECT, MARGINAL), "199.580643"),
    "NESO": Sort(services.neso, {}, "UK NESO", (DIRECT, AVERAGE), "225", zone="europe-west2"),
    "CarbonAwareSDK": Sort(services.carbon_aware_sdk, OWN, "carbon-aware-sdk", (DIRECT, MARGINAL), "220"),
    "PromQL": Sort(
        services.prometheus, {**OWN, "expression": 'grid_grams{zone="$zone"}'}, "PromQL", (DIRECT, MARGINAL), "220"
    ),
}
ALL = pytest.mark.parametrize("name", list(SORTS))


class Bench:
    """A chain of one source against its stand-in."""

    def __init__(self, name: str, service: Service, web: Web, secret: Path | None, **more: Any) -> None:
        needs_secret = name in {"ElectricityMaps", "WattTime"}
        source = {"type": name, "url": service.url, **SORTS[name].settings, **more}
        if needs_secret and secret is not None:
            source["credentials"] = str(secret)
        self.service = service
        self.clock = FakeClock(NOW)
        self.live = LiveIntensity(
            StaticIntensity(), links(sources({"providers": [source]}), web), self.clock, kept=HOURS
        )

    async def price(self, zone: str) -> Intensity:
        """What a decision now would be priced with, after a round."""
        await self.live.round({zone})
        return self.live.grid.prices(self.clock.now(), {zone})(zone)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return services.credentials(tmp_path)


async def priced(name: str, secret: Path, zone: str = "", **fails: Any) -> Intensity:
    """The price that a fresh chain gives, with a stand-in that fails as said."""
    sort = SORTS[name]
    service = sort.service()
    for key, value in fails.items():
        setattr(service, key, value)
    async with service.serving(), Web() as web:
        return await Bench(name, service, web, secret).price(zone or sort.zone)


@ALL
async def test_a_value_of_now_comes_with_its_kind_source_time_and_unit(name: str, secret: Path) -> None:
    found = await priced(name, secret)
    sort = SORTS[name]
    assert (found.grams_per_kilowatt_hour, found.zone) == (Decimal(sort.noon), sort.zone)
    assert (found.method, found.signal) == sort.kind
    assert found.source.startswith(sort.label)
    assert found.as_of is not None
    assert timedelta(0) <= NOW - found.as_of <= timedelta(hours=1)
    assert found.period.startswith("2026-03-01T12:")


def refused(status: int, **headers: str) -> services.Answer:
    return lambda _: server.Response(status=status, text="no", headers=headers)


def said(body: str, content_type: str = "application/json") -> services.Answer:
    return lambda _: server.Response(text=body, content_type=content_type)


TROUBLES = {
    "401": (refused(401), "refused the credentials"),
    "403": (refused(403), "refused the credentials"),
    "429": (refused(429), "asked for fewer requests"),
    "429 for two minutes": (refused(429, **{"Retry-After": "120"}), "asked for fewer requests"),
    "429 until a date": (refused(429, **{"Retry-After": "Sun, 01 Mar 2099 12:15:00 GMT"}), "asked for fewer requests"),
    "500": (refused(500), "did not answer"),
    "503": (refused(503), "did not answer"),
    "a redirect": (refused(302, Location="http://169.254.169.254/"), "gave an unusable answer"),
    "HTML": (said("<html>Sign in</html>", "text/html"), "gave an unusable answer"),
    "a torn answer": (said('{"data": [{"va'), "gave an unusable answer"),
    "an empty object": (said("{}"), "gave an unusable answer"),
    "null": (said("null"), "gave an unusable answer"),
    "a number": (said("0"), "gave an unusable answer"),
}


@ALL
async def test_every_trouble_ends_in_a_labelled_fall_back(name: str, secret: Path) -> None:
    sort, table = SORTS[name], StaticIntensity()
    service = sort.service()
    async with service.serving(), Web(5.0) as web:
        for trouble, words in TROUBLES.values():
            service.trouble = trouble
            found = await Bench(name, service, web, secret).price(sort.zone)
            assert found.grams_per_kilowatt_hour == table.current(sort.zone, NOW).grams_per_kilowatt_hour
            assert found.source.endswith(f"a fall-back: {sort.label} {words}"), found.source
            assert (found.method, found.signal) == (LIFE_CYCLE, AVERAGE)


@ALL
@pytest.mark.parametrize(("wished", "seconds"), [(None, 30), ("120", 120), ("99999", 3600), ("soon", 30)])
async def test_a_source_that_asks_for_fewer_requests_gets_them(
    name: str, wished: str | None, seconds: int, secret: Path
) -> None:
    sort = SORTS[name]
    service = sort.service()
    service.trouble = refused(429, **({"Retry-After": wished} if wished else {}))
    async with service.serving(), Web() as web:
        bench = Bench(name, service, web, secret)
        asked = []
        for wait in (0, seconds - 1, 1):
            bench.clock.advance(wait)
            await bench.price(sort.zone)
            asked.append(len(service.asked))
        service.trouble = None
        bench.clock.advance(3600)
        assert (await bench.price(sort.zone)).source.startswith(sort.label)
    assert asked[0] == asked[1] < asked[2]


@ALL
async def test_a_slow_answer_and_no_server_end_in_a_fall_back(name: str, secret: Path) -> None:
    sort = SORTS[name]
    service = sort.service()
    async with Web(0.05) as web:
        async with service.serving():
            service.hangs = True
            slow = await Bench(name, service, web, secret).price(sort.zone)
        gone = await Bench(name, service, web, secret).price(sort.zone)
    assert slow.source.endswith(f"a fall-back: {sort.label} did not answer")
    assert gone.source == slow.source


@ALL
async def test_values_that_are_too_old_are_used_no_more(name: str, secret: Path) -> None:
    found = await priced(name, secret, age=timedelta(days=2))
    assert (found.method, found.signal) == (LIFE_CYCLE, AVERAGE)
    assert "a fall-back: " in found.source
    assert SORTS[name].label in found.source


@pytest.mark.parametrize(
    ("name", "zone", "words"),
    [
        ("ElectricityMaps", "FR", "knows no such zone or address"),
        ("WattTime", "FR", "knows no such zone or address"),
        ("NESO", "FR", "has no name for the zone"),
        ("CarbonAwareSDK", "FR", "knows no such zone or address"),
        ("PromQL", "FR", "knows no such zone or address"),
        ("PromQL", 'x"} or vector(0) #', "has no name for the zone"),
        ("WattTime", "europe-north2", "has no name for the zone"),
    ],
)
async def test_a_zone_that_a_source_does_not_know_is_told(name: str, zone: str, words: str, secret: Path) -> None:
    found = await priced(name, secret, zone)
    assert f"{SORTS[name].label} {words}" in found.source
    assert found.grams_per_kilowatt_hour > 0


@pytest.mark.parametrize("name", ["ElectricityMaps", "WattTime"])
async def test_an_answer_about_another_zone_is_refused(name: str, secret: Path) -> None:
    service = SORTS[name].service()
    honest = service.answer
    service.answer = lambda request: server.Response(
        text=(honest(request).text or "").replace('"DE"', '"SE"'), content_type="application/json"
    )
    async with service.serving(), Web() as web:
        found = await Bench(name, service, web, secret).price("DE")
    assert found.source.endswith(f"{SORTS[name].label} gave an unusable answer")


async def test_an_answer_about_another_region_of_great_britain_is_refused(secret: Path) -> None:
    service = services.neso()
    honest = service.answer
    service.answer = lambda request: server.Response(
        text=(honest(request).text or "").replace('"regionid": 13', '"regionid": 14'), content_type="application/json"
    )
    async with service.serving(), Web() as web:
        found = await Bench("NESO", service, web, secret, zones={"london": "13"}).price("london")
    assert found.source.endswith("UK NESO gave an unusable answer")
    assert found.grams_per_kilowatt_hour > 0


async def test_another_unit_is_refused(secret: Path) -> None:
    service = services.watttime()
    honest = service.answer
    service.answer = lambda request: server.Response(
        text=(honest(request).text or "").replace("lbs_co2_per_mwh", "percentile"), content_type="application/json"
    )
    async with service.serving(), Web() as web:
        found = await Bench("WattTime", service, web, secret).price("DE")
    assert found.source.endswith("WattTime gave an unusable answer")


async def test_a_carbon_aware_sdk_without_data_has_no_value(secret: Path) -> None:
    found = await priced("CarbonAwareSDK", secret, trouble=lambda _: server.Response(status=204))
    assert found.source.endswith("a fall-back: carbon-aware-sdk has no value")


NULLS = {
    "ElectricityMaps": '"carbonIntensity": ',
    "WattTime": '"value": ',
    "NESO": '"forecast": ',
    "CarbonAwareSDK": '"rating": ',
}


@pytest.mark.parametrize("name", list(NULLS))
async def test_nulls_and_numbers_that_no_grid_has_are_never_a_price(name: str, secret: Path) -> None:
    service = SORTS[name].service()
    honest = service.answer
    async with service.serving(), Web() as web:
        for value in ("null", "0", "-3", "1e9", '"n/a"', "true", "[]"):
            number = re.compile(f'({NULLS[name]}|"actual": |"value": )[0-9.]+')

            def spoiled(request: server.Request, value: str = value, number: re.Pattern[str] = number) -> Any:
                body = number.sub(rf"\g<1>{value}", honest(request).text or "")
                return server.Response(text=body, content_type="application/json")

            service.answer = spoiled
            found = await Bench(name, service, web, secret).price(SORTS[name].zone)
            if value == "0" and SORTS[name].kind[1] is MARGINAL:
                assert found.grams_per_kilowatt_hour == 0, "the next kilowatt-hour may be one that would be thrown away"
                assert found.source.startswith(SORTS[name].label)
            else:
                assert "a fall-back: " in found.source, value
                assert found.grams_per_kilowatt_hour > 0


@pytest.mark.parametrize("samples", [["NaN"], ["+Inf"], []])
async def test_samples_of_prometheus_that_are_no_numbers_are_no_price(samples: list[str], secret: Path) -> None:
    values = [[NOW.timestamp() - 60, text] for text in samples]
    result = {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}
    answer = lambda _: server.json_response({"status": "success", "data": result})  # noqa: E731
    found = await priced("PromQL", secret, answer=answer)
    assert found.source.endswith("a fall-back: PromQL has no value")


@pytest.mark.parametrize("sample", [None, "-3", "1e9", "n/a", True, []])
async def test_a_sample_of_prometheus_that_no_grid_has_is_never_a_price(sample: object, secret: Path) -> None:
    result = {"resultType": "matrix", "result": [{"metric": {}, "values": [[NOW.timestamp() - 60, sample]]}]}
    answer = lambda _: server.json_response({"status": "success", "data": result})  # noqa: E731
    found = await priced("PromQL", secret, answer=answer)
    assert found.source.endswith("a fall-back: PromQL gave an unusable answer")
    assert found.grams_per_kilowatt_hour > 0


async def test_two_series_of_prometheus_are_refused_because_nobody_says_which_holds(secret: Path) -> None:
    series = {"metric": {}, "values": [[NOW.timestamp() - 60, "100"]]}
    result = {"resultType": "matrix", "result": [series, series]}
    answer = lambda _: server.json_response({"status": "success", "data": result})  # noqa: E731
    assert (await priced("PromQL", secret, answer=answer)).source.endswith("PromQL gave an unusable answer")


async def test_a_token_that_expired_is_renewed_once(secret: Path) -> None:
    service = services.watttime()
    honest, expired = service.answer, False

    def answer(request: server.Request) -> server.Response:
        nonlocal expired
        if request.path != "/login" and expired:
            expired = False
            return server.json_response({"error": "token expired"}, status=401)
        return honest(request)

    async with service.serving(), Web() as web:
        bench = Bench("WattTime", service, web, secret)
        service.answer = answer
        await bench.price("DE")
        expired = True
        bench.clock.advance(1800)
        assert (await bench.price("DE")).source.startswith("WattTime")
        assert sum(request.path == "/login" for request in service.asked) == 2


@pytest.mark.parametrize("name", ["ElectricityMaps", "WattTime"])
async def test_a_secret_that_is_missing_is_told_and_nothing_is_asked(name: str, tmp_path: Path) -> None:
    service = SORTS[name].service()
    async with service.serving(), Web() as web:
        found = await Bench(name, service, web, tmp_path / "nowhere").price("DE")
    assert found.source.endswith("refused the credentials")
    assert service.asked == []


@ALL
async def test_no_credential_ever_shows(name: str, secret: Path, caplog: pytest.LogCaptureFixture) -> None:
    texts = [(await priced(name, secret, trouble=trouble)).model_dump_json() for trouble in (None, refused(401))]
    shown = " ".join([*texts, caplog.text])
    assert not any(canary in shown for canary in (services.TOKEN, services.USER, services.PASSWORD))


async def test_electricity_maps_direct_factors_are_asked_for_and_labelled(secret: Path) -> None:
    service = services.electricity_maps()
    async with service.serving(), Web() as web:
        found = await Bench("ElectricityMaps", service, web, secret, method="Direct").price("DE")
    assert found.method is DIRECT
    assert {request.query["emissionFactorType"] for request in service.asked} == {"direct"}


async def test_a_region_of_great_britain_has_forecasts_alone_and_says_so(secret: Path) -> None:
    service = services.neso()
    async with service.serving(), Web() as web:
        found = await Bench("NESO", service, web, secret, zones={"london": "13"}).price("london")
    assert (found.grams_per_kilowatt_hour, found.source) == (225, "UK NESO, forecast")


@pytest.mark.parametrize("name", ["ElectricityMaps", "WattTime", "NESO", "CarbonAwareSDK"])
async def test_what_is_expected_of_the_next_hours_is_known(name: str, secret: Path) -> None:
    service = SORTS[name].service()
    async with service.serving(), Web() as web:
        bench = Bench(name, service, web, secret)
        await bench.price(SORTS[name].zone)
    spans = bench.live.grid.forecast(SORTS[name].zone, NOW)
    assert all(span.forecast for span in spans if span.start > NOW)
    assert max(span.end for span in spans) >= NOW + timedelta(hours=20)


async def test_a_plan_without_forecasts_still_has_values(secret: Path) -> None:
    service = services.electricity_maps()
    honest = service.answer
    service.answer = lambda request: refused(403)(request) if "forecast" in request.path else honest(request)
    async with service.serving(), Web() as web:
        found = await Bench("ElectricityMaps", service, web, secret).price("DE")
    assert found.source == "Electricity Maps"


async def test_the_past_is_read_so_that_a_job_can_be_priced_after_it_ended(secret: Path) -> None:
    service = services.electricity_maps()
    async with service.serving(), Web() as web:
        bench = Bench("ElectricityMaps", service, web, secret)
        await bench.price("DE")
    found = bench.live.grid.past("DE", (LIFE_CYCLE, AVERAGE), NOW - timedelta(hours=2, minutes=10), NOW)
    assert found is not None
    price, course = found
    assert {span.grams_per_kilowatt_hour for span in course} == {saw(NOW - timedelta(hours=n)) for n in (0, 1, 2)}
    assert price.grams_per_kilowatt_hour == Decimal("206.153846"), "(200 x 60 + 210 x 60 + 220 x 10) / 130"
