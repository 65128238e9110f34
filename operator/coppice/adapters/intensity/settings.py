"""The chain of live sources as the chart writes it: strict, and refused at the start with a sentence."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from coppice.accounting.grid import Kind
from coppice.adapters.intensity.carbon_aware_sdk import CarbonAwareSdk
from coppice.adapters.intensity.electricity_maps import URL as ELECTRICITY_MAPS_URL
from coppice.adapters.intensity.electricity_maps import ElectricityMaps
from coppice.adapters.intensity.live import Link
from coppice.adapters.intensity.neso import URL as NESO_URL
from coppice.adapters.intensity.neso import Neso
from coppice.adapters.intensity.promql import ZONE, PromQl
from coppice.adapters.intensity.provider import Provider
from coppice.adapters.intensity.watttime import URL as WATTTIME_URL
from coppice.adapters.intensity.watttime import WattTime
from coppice.adapters.web import Web
from coppice.api.base import Model
from coppice.api.vocabulary import IntensityMethod, IntensitySignal

ADDRESS = r"^https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/\-]*)?$"
"""No user, no query: credentials stand in a Secret."""

Type = Literal["ElectricityMaps", "WattTime", "NESO", "CarbonAwareSDK", "PromQL"]

NEEDED: Mapping[Type, tuple[str, ...]] = {
    "ElectricityMaps": ("credentials",),
    "WattTime": ("credentials",),
    "NESO": (),
    "CarbonAwareSDK": ("url", "method", "signal"),
    "PromQL": ("url", "expression", "method", "signal"),
}
OWN_KIND = {"CarbonAwareSDK", "PromQL"}


class Source(Model):
    """One source of the chain. `credentials` is the directory of its mounted Secret."""

    model_config = ConfigDict(extra="forbid")

    type: Type
    url: str | None = Field(default=None, pattern=ADDRESS, max_length=512)
    credentials: Path | None = None
    zones: dict[str, str] = Field(default_factory=dict)
    method: IntensityMethod | None = None
    signal: IntensitySignal | None = None
    expression: str | None = Field(default=None, max_length=2048)
    forecast: bool = True

    @model_validator(mode="after")
    def _complete(self) -> "Source":
        missing = [name for name in NEEDED[self.type] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{self.type} needs {', '.join(missing)}")
        if self.type in {"NESO", "WattTime"} and self.method is not None:
            raise ValueError(f"{self.type} has one method; leave method out")
        if self.type in {"NESO", "ElectricityMaps"} and self.signal is not None:
            raise ValueError(f"{self.type} has one signal; leave signal out")
        if self.expression and ZONE not in self.expression and len(self.zones) != 1:
            raise ValueError(f"the expression must contain {ZONE}, or zones name the one zone that it is for")
        return self

    @property
    def kind(self) -> Kind:
        """What the values are, where the installation says so."""
        assert self.method is not None
        assert self.signal is not None
        return self.method, self.signal


class Sources(Model):
    """The chain, best first."""

    model_config = ConfigDict(extra="forbid")

    providers: tuple[Source, ...] = Field(default=(), max_length=8)
    refresh_seconds: int = Field(default=300, ge=60, le=86400)
    stale_after_seconds: int = Field(default=7200, ge=60, le=604800)
    timeout_seconds: int = Field(default=10, ge=1, le=60)

    @property
    def refresh(self) -> timedelta:
        """Time between two questions for one zone."""
        return timedelta(seconds=self.refresh_seconds)

    @property
    def stale_after(self) -> timedelta:
        """Age at which a value is used no more."""
        return timedelta(seconds=self.stale_after_seconds)


def sources(content: Mapping[str, Any]) -> Sources:
    """The chain from a mapping. Raises ValueError with what to change."""
    try:
        return Sources.model_validate(content)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ValueError(f"the sources of carbon intensity cannot be used ({said})") from error


def links(chain: Sources, web: Web) -> list[Link]:
    """The chain's sources, ready to be asked."""
    return [Link(_MAKERS[source.type](source, web), source.zones) for source in chain.providers]


def _electricity_maps(source: Source, web: Web) -> Provider:
    method = source.method or IntensityMethod.LIFE_CYCLE
    url = source.url or ELECTRICITY_MAPS_URL
    return ElectricityMaps(web, source.credentials, url=url, method=method, forecast=source.forecast)


def _watttime(source: Source, web: Web) -> Provider:
    url = source.url or WATTTIME_URL
    average = source.signal is IntensitySignal.AVERAGE
    signal: Literal["co2_moer", "co2_aoer"] = "co2_aoer" if average else "co2_moer"
    return WattTime(web, source.credentials, url=url, signal=signal, forecast=source.forecast)


def _neso(source: Source, web: Web) -> Provider:
    return Neso(web, url=source.url or NESO_URL)


def _carbon_aware_sdk(source: Source, web: Web) -> Provider:
    assert source.url is not None
    return CarbonAwareSdk(web, source.kind, url=source.url, forecast=source.forecast, credentials=source.credentials)


def _promql(source: Source, web: Web) -> Provider:
    assert source.url is not None
    assert source.expression is not None
    return PromQl(web, source.kind, url=source.url, expression=source.expression, credentials=source.credentials)


_MAKERS: Mapping[Type, Callable[[Source, Web], Provider]] = {
    "ElectricityMaps": _electricity_maps,
    "WattTime": _watttime,
    "NESO": _neso,
    "CarbonAwareSDK": _carbon_aware_sdk,
    "PromQL": _promql,
}
