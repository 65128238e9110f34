"""Nodes: listed, fetched once when news comes between two lists, remembered when gone, and done without if need be."""

import logging
from collections import Counter
from typing import Any

import pytest

from builders import make_profile
from coppice.accounting.zone import REGION_LABEL, Whereabouts
from coppice.adapters.nodes import Nodes
from coppice.ports import Forbidden, Unavailable
from fake_cluster import FakeClock, FakeCluster

PROFILES = (make_profile("cpu").build(),)


class Asked(FakeCluster):
    """Counts the questions, and refuses them with `error`."""

    def __init__(self) -> None:
        super().__init__(FakeClock())
        self.asked: Counter[str] = Counter()
        self.error: Exception | None = None

    async def list(self, kind: str, namespace: str | None = None) -> tuple[list[dict[str, Any]], str]:
        self._ask("list")
        return await super().list(kind, namespace)

    async def get(self, kind: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        self._ask(f"get {name}")
        return await super().get(kind, namespace, name)

    def _ask(self, what: str) -> None:
        self.asked[what] += 1
        if self.error is not None:
            raise self.error

    def node(self, name: str, region: str = "europe-west9") -> None:
        metadata = {"name": name, "labels": {REGION_LABEL: region}}
        self.add({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"providerID": "gce://p/z/n"}})


async def test_a_node_is_asked_for_once_and_remembered_when_it_is_gone() -> None:
    cluster = Asked()
    cluster.node("listed")
    nodes = Nodes(cluster, "PL")
    await nodes.read()
    cluster.node("later")
    for _ in range(3):
        await nodes.know(["listed", "later", "never", ""])
    assert cluster.asked == {"list": 1, "get later": 1, "get never": 1}
    cluster.remove("Node", "", "later")
    await nodes.read()
    assert [nodes.zone(name) for name in ("listed", "later", "never")] == ["gcp/europe-west9"] * 2 + [""]
    assert nodes.labels("later") == {REGION_LABEL: "europe-west9"}
    assert nodes.labels("never") is None, "nobody knows its labels"


async def test_where_profiles_are_follows_the_nodes_that_are_there() -> None:
    cluster = Asked()
    nodes = Nodes(cluster, "PL")
    await nodes.read()
    assert nodes.whereabouts(PROFILES) == {"cpu": Whereabouts("PL")}
    cluster.node("new")
    await nodes.know(["new"])
    assert nodes.whereabouts(PROFILES)["cpu"].zone == "gcp/europe-west9"
    assert nodes.whereabouts(PROFILES) is nodes.whereabouts(PROFILES)
    cluster.remove("Node", "", "new")
    await nodes.read()
    assert nodes.whereabouts(PROFILES) == {"cpu": Whereabouts("PL")}


async def test_without_the_right_it_says_so_once_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    cluster = Asked()
    cluster.node("there")
    cluster.error = Forbidden("nodes is forbidden")
    nodes = Nodes(cluster, "PL")
    with caplog.at_level(logging.WARNING):
        await nodes.read()
        await nodes.know(["there"])
        await nodes.know(["there"])
    assert [record.message for record in caplog.records] == [
        "zones come from profiles and the installation alone, for nodes may not be read: nodes is forbidden"
    ]
    assert cluster.asked == {"list": 1}
    assert nodes.whereabouts(PROFILES) == {"cpu": Whereabouts("PL")}
    cluster.error = None
    await nodes.read()
    assert nodes.zone("there") == "gcp/europe-west9"


async def test_an_api_server_that_does_not_answer_is_asked_again() -> None:
    cluster = Asked()
    cluster.node("there")
    cluster.error = Unavailable("no answer")
    nodes = Nodes(cluster, "PL")
    with pytest.raises(Unavailable):
        await nodes.know(["there"])
    cluster.error = None
    await nodes.know(["there"])
    assert nodes.zone("there") == "gcp/europe-west9"
