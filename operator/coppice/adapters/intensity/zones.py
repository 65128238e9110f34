"""What the world calls one place: a cloud region has a country, an Electricity Maps zone and a WattTime region.

A profile or the chart names a zone: a country, a grid zone, a cloud region such as `europe-west9`, or one with its
provider, `gcp/europe-west9`, as a node's label `topology.kubernetes.io/region` has it. The table's sources stand in
data/README.md.
"""

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

PROVIDERS = {"gce": "gcp", "aws": "aws", "azure": "azure"}
"""The table's providers by the scheme of a node's spec.providerID, as their cloud controllers write it."""


@dataclass(frozen=True)
class Place:
    """One cloud region: its grid zone (Electricity Maps), WattTime region (may be unknown: empty) and country."""

    grid_zone: str
    watttime_region: str
    country: str


@cache
def zone_table() -> dict[str, Place]:
    """Cloud regions by name, and by provider and name."""
    table = {}
    for row in rows("cloud-regions.csv"):
        place = Place(row["grid_zone"], row["watttime_region"], row["country"])
        table[row["region"]] = table[f"{row['provider']}/{row['region']}"] = place
    return table


def grid_zone(zone: str) -> str:
    """The Electricity Maps zone; what is no cloud region is taken for one."""
    place = zone_table().get(zone)
    return place.grid_zone if place else zone


def watttime_region(zone: str) -> str:
    """The WattTime region: empty for a cloud region without one; what is no cloud region is taken for one."""
    place = zone_table().get(zone)
    return place.watttime_region if place else zone


def country(zone: str) -> str:
    """ISO 3166 alpha-2 code of a cloud region's country, else the letters that a grid zone begins with."""
    place = zone_table().get(zone)
    return place.country if place else zone.split("-", maxsplit=1)[0]


def zone_of_region(region: str, provider_id: str, own: Collection[str] = ()) -> str:
    """The zone that a node's region label means, such as `gcp/europe-west9`; empty where nobody knows it.

    `own` are zones that the installation has given a value or a name. A region of one cloud is never taken for one of
    the same name in another: two clouds have an ap-southeast-3, in two countries. A bare name counts where the node
    says no provider, or kind's, whose nodes are labelled by hand.
    """
    provider = PROVIDERS.get(provider_id.partition("://")[0], "")
    names = (region, f"{provider}/{region}") if region else ()
    named = next((name for name in names if name in own), "")
    if named or not region:
        return named
    if not provider and provider_id and not provider_id.startswith("kind://"):
        return ""
    name = f"{provider}/{region}" if provider else region
    return name if name in zone_table() else ""


def rows(name: str) -> Iterator[dict[str, str]]:
    """Rows of a data file that ships with Coppice."""
    text = (files("coppice") / "data" / name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())
