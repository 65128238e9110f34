"""What /metrics shows: counters of the process always, accounts only of the leader, live accounts without harm."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders import make_job, make_policy
from coppice.accounting.account import Account
from coppice.adapters.intensity.static import StaticIntensity
from coppice.adapters.ledger import ApiLedger
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingledger import LedgerEntry, Reservation
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.api.vocabulary import Component, Grade
from coppice.app.exposition import Exposition
from coppice.app.live_accounts import accounts_of, unsettled
from coppice.index import Index, Key
from coppice.queue import WorkQueue
from fake_cluster import FakeClock, FakeCluster

ATTEMPT = {"number": 1, "kind": "Train", "method": "LoRA", "profile": "p", "child": {"kind": "Job", "name": "c"}}


class Stand:
    """An exposition over a fake cluster."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.index = Index(self.clock)
        self.ledger = ApiLedger(FakeCluster(self.clock), "coppice-system")
        self.exposition = Exposition(self.index, self.ledger, StaticIntensity(), self.clock, lambda: frozenset({"SE"}))

    def add(self, name: str = "newswire-topics", **status: Any) -> None:
        body = make_job(name).body()
        body["metadata"]["resourceVersion"] = "1"
        self.index.put("TrainingJob", {**body, "status": status})

    @property
    def text(self) -> str:
        return self.exposition.render().decode()


@pytest.mark.parametrize("leads", [True, False])
def test_only_the_leader_exports_accounts(leads: bool) -> None:
    stand = Stand()
    stand.add()
    stand.exposition.leads = leads
    assert ("coppice_trainingjob_info{" in stand.text) is leads
    assert ("coppice_grid_intensity_grams_per_kilowatt_hour{" in stand.text) is leads


def test_the_process_tells_of_itself_whether_it_leads_or_not() -> None:
    stand = Stand()

    async def nothing(_: Key) -> float | None:
        return None

    stand.exposition.show_queue(WorkQueue(nothing))
    assert "coppice_leader 0.0" in stand.text
    assert 'coppice_work_queue_keys{state="waiting"} 0.0' in stand.text
    stand.exposition.leads = True
    assert "coppice_leader 1.0" in stand.text
    assert "process_resident_memory_bytes" in stand.text


def test_a_job_that_is_gone_is_gone_from_the_metrics() -> None:
    stand = Stand()
    stand.exposition.leads = True
    stand.add()
    assert "newswire-topics" in stand.text
    stand.index.put_list("TrainingJob", [], 9)
    assert "newswire-topics" not in stand.text


def test_a_finished_job_retires_after_a_while() -> None:
    stand = Stand()
    stand.exposition.leads = True
    stand.add(completionTime="2026-03-01T12:00:00Z")
    assert "newswire-topics" in stand.text
    stand.clock.moment += timedelta(days=1)
    assert "newswire-topics" not in stand.text


def test_a_running_job_shows_its_live_account() -> None:
    stand = Stand()
    stand.exposition.leads = True
    stand.add(attempts=[ATTEMPT])
    (job,) = unsettled(stand.index)
    account = Account(parts={(Component.CPU, Grade.MODELLED): Decimal(1234)})
    stand.exposition.show_accounts({job.metadata.uid: account})
    series = [line for line in stand.text.splitlines() if line.startswith("coppice_trainingjob_energy_joules{")]
    assert any(line.endswith(" 1234.0") and 'component="cpu"' in line for line in series)


def test_only_jobs_that_run_or_show_no_totals_are_priced() -> None:
    stand = Stand()
    stand.add("waiting")
    stand.add("running", attempts=[ATTEMPT])
    totals = {"energyJoules": "1", "coverage": "0", "operationalGrams": "1", "embodiedGrams": "1"}
    stand.add("settled", attempts=[ATTEMPT], totals=totals)
    assert [job.metadata.name for job in unsettled(stand.index)] == ["running"]


async def test_an_account_that_cannot_be_made_is_told_and_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    stand = Stand()
    stand.add("bad", attempts=[ATTEMPT])

    def observe(_: TrainingJob) -> Any:
        raise KeyError("a bug")

    assert await accounts_of(stand.index, observe) == {}
    assert "research/bad" in caplog.text


async def test_a_namespace_shows_how_much_of_its_budget_is_used_and_reserved() -> None:
    stand = Stand()
    stand.exposition.show_budgets(TrainingPolicySpec())
    rules = make_policy("rules").selecting(team="a").budget(energyWattHours=200, carbonGrams=0)
    stand.index.put("TrainingPolicy", rules.set("metadata.resourceVersion", "1").body())
    labels = {"name": "research", "labels": {"team": "a"}, "resourceVersion": "1"}
    stand.index.put("Namespace", {"metadata": labels})
    for name, namespace in (("job", "research"), ("other", "free")):
        held = Reservation(month="2026-03", energy_watt_hours=Decimal(50))
        entry = LedgerEntry(uid=name, name=name, opened=stand.clock.now(), reserved=held)
        await stand.ledger.open(namespace, entry)
    assert "coppice_namespace_budget_used_ratio{" not in stand.text
    stand.exposition.leads = True
    assert 'coppice_namespace_budget_reserved_ratio{amount="energy",namespace="research"} 0.25' in stand.text
    assert 'coppice_namespace_budget_used_ratio{amount="energy",namespace="research"} 0.0' in stand.text
    assert 'coppice_namespace_budget_used_ratio{amount="carbon",namespace="research"} 1.0' in stand.text
    assert 'namespace="free"' not in "".join(line for line in stand.text.splitlines() if "_budget_" in line)
