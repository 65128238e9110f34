"""Carbon intensity from the shipped table: country averages of a year, life cycle, with their source.

It needs no network and no key, and gives both arms of a comparison the same kind of figure; it knows neither the hour
nor the region within a country. A zone is a country (ISO 3166 alpha-2 or alpha-3), a grid zone that starts with one
(`US-CAL-CISO`) or a cloud region (`europe-west3`). What the table lacks gets the world's average, and says so.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from coppice.accounting.grid import Grid
from coppice.adapters.intensity.zones import rows, zone_table
from coppice.api.decision import Intensity
from coppice.api.vocabulary import IntensityMethod, IntensitySignal

WORLD = "WORLD"
LICENSE = "CC BY 4.0"


class StaticIntensity:
    """Intensities by zone: an administrator's own values first, then the shipped table, then the world's average."""

    def __init__(self, zones: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """`zones` replaces table rows: zone to gramsPerKilowattHour, method, signal, period and source.

        Raises ValueError, naming the zone, where an entry is incomplete.
        """
        self._own = {zone: _own_value(zone, value) for zone, value in (zones or {}).items()}
        self._table = {row["zone"]: row for row in rows("grid-intensity.csv")}
        self._countries = {row["iso3"]: row["zone"] for row in self._table.values() if row["iso3"]}
        self._countries |= {name: place.country for name, place in zone_table().items()}
        self._known: dict[str, Intensity] = {}
        self.grid = Grid(table=self.tabled, own=self.own)

    def current(self, zone: str, now: datetime) -> Intensity:
        """The value of a zone; an unknown or unset one gets the world's average, labelled as a fall-back."""
        return self.grid.prices(now, (zone,))(zone)

    def own(self, zone: str) -> Intensity | None:
        """What the administrator set for a zone or its country."""
        if zone in self._own:
            return self._own[zone]
        country = self._country(zone) if zone else ""
        return self._own[country].model_copy(update={"zone": zone}) if country in self._own else None

    def tabled(self, zone: str) -> Intensity:
        """The shipped table's value, the world's average where it has none."""
        if zone not in self._known:
            self._known[zone] = self._found(zone)
        return self._known[zone]

    def zones(self) -> tuple[str, ...]:
        """Every zone that has a value of its own."""
        return tuple(sorted({*self._own, *self._table} - {WORLD}))

    def knows(self, zone: str) -> bool:
        """Whether a zone or its country has a value; else it gets the world's average."""
        return self.own(zone) is not None or self._row(zone) is not None

    def _row(self, zone: str) -> Mapping[str, str] | None:
        country = self._country(zone)
        return self._table.get(country) if zone and country != WORLD else None

    def _country(self, zone: str) -> str:
        country = self._countries.get(zone) or _country_code(zone)
        return self._countries.get(country, country)

    def _found(self, zone: str) -> Intensity:
        row = self._row(zone)
        if row is not None:
            return _value(zone, row, "" if zone == row["zone"] else f", average of {row['name']}")
        why = f"zone {zone!r} is not in the table" if zone else "no zone is set"
        return _value(zone or WORLD, self._table[WORLD], f", world average as a fall-back: {why}")


def _country_code(zone: str) -> str:
    """The code that a country or a grid zone begins with; a cloud region's `sa-` or `af-` is no country's code."""
    return zone.split("-", maxsplit=1)[0] if zone.isupper() else zone.upper()


def _value(zone: str, row: Mapping[str, str], note: str) -> Intensity:
    return Intensity(
        zone=zone,
        grams_per_kilowatt_hour=Decimal(row["grams_per_kilowatt_hour"]),
        method=IntensityMethod(row["method"]),
        signal=IntensitySignal(row["signal"]),
        period=row["year"],
        source=f"{row['source']} ({LICENSE}){note}",
    )


def _own_value(zone: str, value: Mapping[str, Any]) -> Intensity:
    try:
        own = Intensity.model_validate({**value, "zone": zone})
    except ValidationError as error:
        missing = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ValueError(
            f"the carbon intensity set for zone {zone} cannot be used ({missing}): "
            "give gramsPerKilowattHour, method, signal, period and source"
        ) from error
    if own.grams_per_kilowatt_hour < 0:
        raise ValueError(f"the carbon intensity set for zone {zone} is below 0: give grams of CO2e per kilowatt-hour")
    return own
