"""The zone of a job: decided where its nodes are, accounted where its pods ran, also when the node is gone."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from builders import make_job, make_profile
from coppice.accounting.account import account_of
from coppice.accounting.course import Span
from coppice.accounting.grid import Course
from coppice.accounting.record import account_record
from coppice.accounting.report import recompute
from coppice.accounting.use import AttemptUse, Price
from coppice.accounting.zone import REGION_LABEL
from coppice.adapters.intensity.static import StaticIntensity
from coppice.adapters.nodes import Nodes
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import IntensityMethod, IntensitySignal
from coppice.lifecycle import situation_of
from loop import Loop
from uses import make_intensity, make_pod

PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
FR, SE = "gcp/europe-west9", "gcp/europe-north2"


class Placed(Loop):
    """A loop that reads nodes, and the shipped table."""

    def restart(self) -> None:
        super().restart()
        self.nodes = Nodes(self.cluster, "DE")
        self.reconciler._nodes = self.nodes
        self.reconciler._intensity = StaticIntensity()

    def add_node(self, name: str, region: str) -> None:
        spec = {"providerID": "gce://project/zone/name"}
        self.cluster.add(
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": {REGION_LABEL: region}},
                "spec": spec,
            }
        )


def job() -> Any:
    return make_job("newswire-topics").methods("LinearProbe").scratch(epochs=30, **PLAN).max_attempts(2)


async def begun(loop: Placed) -> Any:
    """A job whose child is there, decided with the nodes of now."""
    await loop.nodes.read()
    key = loop.apply(job())
    await loop.turn()
    return key


async def test_a_decision_is_priced_where_the_profiles_nodes_are_and_the_account_where_the_pod_ran() -> None:
    loop = Placed()
    loop.add_node("other", "europe-north2")
    key = await begun(loop)
    record = loop.reconciler.observe(loop.job(key)).world
    profile = record.profiles[0]
    assert record.intensity_of(profile).zone == SE
    loop.add_node("node-1", "europe-west9")
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    status = loop.job(key).status
    assert [pod.zone for pod in status.attempts[0].pods] == [FR]
    france = StaticIntensity().tabled("FR").grams_per_kilowatt_hour
    assert status.totals.intensity_grams_per_kilowatt_hour == france
    assert status.totals.intensity_source.startswith(f"{FR} LifeCycle Average")
    assert status.totals.intensity_source.endswith("zone by the node's region label")
    report = TrainingReport.model_validate(loop.reports()[0])
    assert recompute(report).operational_grams.quantize(Decimal("0.000001")) == status.totals.operational_grams


async def test_a_profile_that_names_its_zone_keeps_it() -> None:
    loop = Placed(make_profile().set("spec.zone", "PL").body())
    loop.add_node("node-1", "europe-west9")
    key = await begun(loop)
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    source = loop.job(key).status.totals.intensity_source
    assert source.startswith("PL LifeCycle Average")
    assert "label" not in source


async def test_a_node_that_is_gone_after_a_restart_is_remembered_by_the_status() -> None:
    loop = Placed()
    loop.add_node("node-1", "europe-west9")
    key = await begun(loop)
    loop.cluster.run(loop.cluster.jobs()[0], "0.90")
    await loop.turn()
    pod = next(body for body in loop.cluster.objects.values() if body["kind"] == "Pod")
    loop.cluster.remove("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
    loop.cluster.remove("Node", "", "node-1")
    loop.restart()
    await loop.nodes.read()
    loop.cluster.feed(loop.index, ("TrainingJob", "Job", "Pod", "ComputeProfile", "ClusterBaseModel", "Namespace"))
    [use] = situation_of(loop.reconciler.observe(loop.job(key))).books.uses[:1]
    assert use.intensity.zone == FR


async def test_a_region_that_no_table_knows_falls_back_and_says_so() -> None:
    loop = Placed()
    loop.add_node("node-1", "dc1")
    key = await begun(loop)
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    totals = loop.job(key).status.totals
    assert totals.intensity_source.startswith("DE LifeCycle Average")
    assert totals.intensity_source.endswith("no table knows the nodes' region dc1")
    assert totals.operational_grams > 0


def test_pods_of_one_attempt_in_two_zones_are_each_priced_where_they_ran() -> None:
    pods = (make_pod("a"), make_pod("b"))
    profile = make_profile().build()
    clean, dirty = make_intensity("50", "FR"), make_intensity("700", "PL")
    mixed = AttemptUse(1, pods, profile, clean, Decimal(1), elsewhere={"b": Price(dirty)})
    alone = [
        account_of((AttemptUse(1, (pod,), profile, price, Decimal(1)),)).operational_grams
        for pod, price in zip(pods, (clean, dirty), strict=True)
    ]
    assert account_of((mixed,)).operational_grams == sum(alone)
    assert account_of(account_record((mixed,)).uses()) == account_of((mixed,))


async def test_a_zone_that_lacks_the_decisions_kind_is_said_not_to_be_comparable() -> None:
    loop = Placed()
    static = StaticIntensity()
    kind = (IntensityMethod.DIRECT, IntensitySignal.MARGINAL)
    hours = timedelta(hours=3)
    now = loop.clock.now()
    span = Span(start=now - hours, end=now + hours, grams_per_kilowatt_hour=Decimal(700))
    course = Course(*kind, "Watts", (span,), now)
    static.grid = replace(static.grid, courses={"DE": (course,)}, kinds=(kind,))
    loop.reconciler._intensity = static
    key = await begun(loop)
    loop.add_node("node-1", "europe-west9")
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    totals = loop.job(key).status.totals
    assert totals.intensity_source.startswith(f"{FR} LifeCycle Average")
    assert totals.intensity_source.endswith("not to be compared with what the decision used")
