"""Whose electricity: a profile's own zone, else what its nodes say, else the installation's, and never a guess."""

from typing import Any

import pytest

from builders import make_profile
from coppice.accounting.zone import REGION_LABEL, Node, Whereabouts, zone_of, zones_of
from coppice.adapters.intensity.settings import links, sources
from coppice.adapters.intensity.static import StaticIntensity
from coppice.adapters.intensity.zones import rows, zone_of_region
from coppice.adapters.web import Web

GPU = make_profile("gpu").set("spec.nodeSelector", {"kind": "gpu"})


def node(name: str, zone: str = "", region: str = "", kind: str = "gpu") -> Node:
    """A node whose region is its zone's unless said otherwise."""
    return Node(name, {"kind": kind, REGION_LABEL: region or zone}, zone)


@pytest.mark.parametrize(
    ("region", "provider_id", "zone"),
    [
        ("europe-west9", "gce://project/europe-west9-a/node-1", "gcp/europe-west9"),
        ("eu-north-1", "aws:///eu-north-1a/i-0123", "aws/eu-north-1"),
        ("westeurope", "azure:///subscriptions/x", "azure/westeurope"),
        ("europe-west9", "", "europe-west9"),
        ("europe-west9", "kind://docker/kind/node", "europe-west9"),
        ("europe-west9", "aws:///x", ""),
        ("ap-southeast-3", "ap-southeast-3.i-0123", ""),
        ("ap-southeast-3", "", "ap-southeast-3"),
        ("eastus", "gce://project/x/y", ""),
        ("dc1", "", ""),
        ("dc2", "", "dc2"),
        ("eu-west-9", "aws:///x", "aws/eu-west-9"),
        ("", "gce://project/x/y", ""),
    ],
)
def test_a_region_is_its_own_clouds_and_an_unknown_one_is_no_zone(region: str, provider_id: str, zone: str) -> None:
    assert zone_of_region(region, provider_id, own={"dc2", "aws/eu-west-9"}) == zone


def test_every_region_has_one_row_and_a_country_that_the_table_prices() -> None:
    regions = list(rows("cloud-regions.csv"))
    names = [row["region"] for row in regions]
    assert sorted(names) == sorted(set(names)), "a bare name must be one region"
    countries = {row["zone"] for row in rows("grid-intensity.csv")}
    assert {row["country"] for row in regions} <= countries
    assert [row["region"] for row in regions if row["country"] != row["grid_zone"].split("-")[0]] == []


def test_a_zone_of_a_node_has_the_table_value_of_its_country() -> None:
    zone = zone_of_region("europe-west9", "gce://project/europe-west9-a/node-1")
    france = StaticIntensity().tabled("FR").grams_per_kilowatt_hour
    assert StaticIntensity().tabled(zone).grams_per_kilowatt_hour == france


@pytest.mark.parametrize(
    ("source", "zone", "place"),
    [
        ({"type": "ElectricityMaps", "credentials": "/s"}, "gcp/europe-west9", "FR"),
        ({"type": "WattTime", "credentials": "/s"}, "azure/westus", "CAISO_NORTH"),
        ({"type": "WattTime", "credentials": "/s"}, "gcp/europe-north2", None),
        ({"type": "NESO"}, "azure/uksouth", "GB"),
        ({"type": "NESO", "zones": {"azure/uksouth": "13"}}, "azure/uksouth", "13"),
        (
            {"type": "CarbonAwareSDK", "url": "http://x", "method": "Direct", "signal": "Marginal"},
            "azure/eastus",
            "eastus",
        ),
        (
            {
                "type": "PromQL",
                "url": "http://x",
                "method": "Direct",
                "signal": "Average",
                "expression": "g{z='$zone'}",
            },
            "aws/eu-west-3",
            "aws/eu-west-3",
        ),
    ],
)
def test_each_source_has_its_own_name_for_the_zone_that_a_node_says(
    source: dict[str, Any], zone: str, place: str | None
) -> None:
    [link] = links(sources({"providers": [source]}), Web())
    assert link.place(zone) == place


FR, SE = "gcp/europe-west9", "aws/eu-north-1"


@pytest.mark.parametrize(
    ("own", "default", "nodes", "zone", "because"),
    [
        ("DE", "PL", [node("a", FR)], "DE", ""),
        ("", "PL", [node("a", FR), node("b", FR)], FR, "zone by the nodes' region label"),
        ("", "PL", [node("a", FR), node("b", FR), node("c", SE)], FR, "zone by the region label of 2 of 3 nodes"),
        ("", SE, [node("a", FR), node("b", SE)], SE, "zone by the region label of 1 of 2 nodes"),
        ("", "", [node("a", FR), node("b", SE)], SE, "zone by the region label of 1 of 2 nodes"),
        ("", "PL", [node("a", FR), node("b", region="dc1")], FR, "zone by the region label of 1 of 2 nodes"),
        ("", "PL", [node("a", region="dc1")], "PL", "no table knows the nodes' region dc1"),
        ("", "", [node("a", region="dc1")], "", "no table knows the nodes' region dc1"),
        ("", "PL", [node("a")], "PL", ""),
        ("", "PL", [node("a", FR, kind="cpu")], "PL", ""),
        ("", "", [node("a", FR, kind="cpu")], FR, "zone by the cluster's other nodes: the profile has none now"),
        ("", "", [node("a", FR, kind="cpu"), node("b", SE, kind="cpu")], "", ""),
        ("", "", [node("a", FR, kind="cpu"), node("b")], "", ""),
        ("", "", [], "", ""),
    ],
)
def test_what_a_profile_names_wins_then_its_nodes_then_the_installation(
    own: str, default: str, nodes: list[Node], zone: str, because: str
) -> None:
    assert zone_of(GPU.set("spec.zone", own).build().spec, nodes, default) == Whereabouts(zone, because)


def test_zones_that_are_compared_are_those_of_the_profiles() -> None:
    named, looked_up = make_profile("named").set("spec.zone", "DE").build(), make_profile("open").build()
    assert zones_of([named, looked_up], "PL") == {"DE", "PL"}
    assert zones_of([named, looked_up], "PL", {"open": Whereabouts(FR), "named": Whereabouts("DE")}) == {"DE", FR}
    assert zones_of([], "PL") == {"PL"}
