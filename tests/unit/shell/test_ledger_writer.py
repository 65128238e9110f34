"""The ledger's writer: one write for all that wait, each job settled once, totals that never fall."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from coppice.accounting import ledger as arithmetic
from coppice.accounting.budget import BudgetExhausted
from coppice.accounting.settlement import Settlement
from coppice.adapters.ledger import ApiLedger
from coppice.api.trainingledger import LedgerEntry, Reservation
from coppice.api.trainingpolicy import Amounts
from coppice.api.vocabulary import Method
from coppice.ports import AlreadyExists, Unavailable
from fake_cluster import FakeClock, FakeCluster

HOME = "coppice-system"


def entry(uid: str) -> LedgerEntry:
    return LedgerEntry(uid=uid, name=f"job-{uid}", opened=datetime(2026, 1, 1, tzinfo=UTC))


def settlement(uid: str, grams: str = "2") -> Settlement:
    return Settlement(
        uid=uid, name=f"job-{uid}", method=Method.LORA, reason="ObjectiveMet", operational_grams=Decimal(grams)
    )


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(FakeClock())


@pytest.fixture
def ledger(cluster: FakeCluster) -> ApiLedger:
    return ApiLedger(cluster, HOME)


def grams(cluster: FakeCluster) -> Decimal:
    """Operational carbon stored in all ledgers."""
    bodies = [body for (kind, _, _), body in cluster.objects.items() if kind == "TrainingLedger"]
    return sum((Decimal(body["spec"]["totals"]["operationalGrams"]) for body in bodies), Decimal(0))


def entries(cluster: FakeCluster, name: str = "research") -> list[str]:
    return [item["uid"] for item in cluster.objects["TrainingLedger", HOME, name]["spec"]["entries"]]


async def test_the_first_entry_of_a_namespace_makes_its_ledger(cluster: FakeCluster, ledger: ApiLedger) -> None:
    await ledger.open("research", entry("a"))
    assert entries(cluster) == ["a"]
    assert cluster.writes == ["create TrainingLedger"]


async def test_all_that_wait_go_into_one_write(cluster: FakeCluster, ledger: ApiLedger) -> None:
    await ledger.open("research", entry("first"))
    cluster.writes.clear()
    await asyncio.gather(*(ledger.open("research", entry(f"{number}")) for number in range(100)))
    assert len(entries(cluster)) == 101
    assert len(cluster.writes) <= 2


async def test_a_call_returns_only_when_its_effect_is_stored(cluster: FakeCluster, ledger: ApiLedger) -> None:
    async def open_one(uid: str) -> bool:
        await ledger.open("research", entry(uid))
        return uid in entries(cluster)

    assert all(await asyncio.gather(*(open_one(f"{number}") for number in range(20))))


async def test_each_job_is_settled_once_however_often_it_is_asked(cluster: FakeCluster, ledger: ApiLedger) -> None:
    await ledger.open("research", entry("a"))
    await asyncio.gather(*(ledger.settle("research", settlement("a")) for _ in range(5)))
    await ledger.settle("research", settlement("a"))
    assert grams(cluster) == 2
    await ledger.prune("research", "a")
    await ledger.settle("research", settlement("a"))
    assert grams(cluster) == 2
    assert entries(cluster) == []


async def test_what_is_done_already_writes_nothing(cluster: FakeCluster, ledger: ApiLedger) -> None:
    await ledger.open("research", entry("a"))
    cluster.writes.clear()
    await ledger.open("research", entry("a"))
    await ledger.prune("research", "unknown")
    await ledger.prune("elsewhere", "unknown")
    assert cluster.writes == []


async def test_a_new_process_goes_on_where_the_last_one_stopped(cluster: FakeCluster, ledger: ApiLedger) -> None:
    await ledger.open("research", entry("a"))
    await ledger.settle("research", settlement("a"))
    successor = ApiLedger(cluster, HOME)
    await successor.load()
    assert [item.settled for item in successor.entries()["research"]] == [True]
    await successor.settle("research", settlement("a"))
    assert grams(cluster) == 2


async def test_a_write_of_somebody_else_is_read_and_kept(cluster: FakeCluster, ledger: ApiLedger) -> None:
    await ledger.open("research", entry("a"))
    rival = ApiLedger(cluster, HOME)
    await rival.load()
    await rival.open("research", entry("b"))
    await ledger.open("research", entry("c"))
    assert entries(cluster) == ["a", "b", "c"]


async def test_two_that_make_the_first_ledger_at_once_end_with_one(cluster: FakeCluster, ledger: ApiLedger) -> None:
    rival = ApiLedger(cluster, HOME)
    await rival.open("research", entry("a"))
    await ledger.open("research", entry("b"))
    assert entries(cluster) == ["a", "b"]


async def test_a_ledger_that_was_deleted_is_made_again_with_its_totals(cluster: FakeCluster, ledger: ApiLedger) -> None:
    await ledger.open("research", entry("a"))
    await ledger.settle("research", settlement("a"))
    cluster.remove("TrainingLedger", HOME, "research")
    await ledger.open("research", entry("b"))
    assert grams(cluster) == 2
    assert entries(cluster) == ["a", "b"]


async def test_a_full_ledger_gets_a_second_object(
    cluster: FakeCluster, ledger: ApiLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "MAX_ENTRIES", 3)
    for number in range(7):
        await ledger.open("research", entry(f"{number}"))
    assert [len(entries(cluster, name)) for name in ("research", "research.1", "research.2")] == [3, 3, 1]
    for number in range(7):
        await ledger.settle("research", settlement(f"{number}"))
    assert grams(cluster) == 14
    successor = ApiLedger(cluster, HOME)
    await successor.load()
    await successor.settle("research", settlement("6"))
    assert grams(cluster) == 14


async def test_a_ledger_name_that_is_taken_by_another_namespace_is_told(
    cluster: FakeCluster, ledger: ApiLedger
) -> None:
    foreign = {"kind": "TrainingLedger", "metadata": {"name": "research", "namespace": HOME}}
    cluster.add({**foreign, "spec": {"namespace": "other"}})
    with pytest.raises(AlreadyExists):
        await ledger.open("research", entry("a"))


class Flaky(FakeCluster):
    """A cluster that fails the next so many creates."""

    failures = 0

    async def create(self, manifest: Any) -> dict[str, Any]:
        if self.failures:
            self.failures -= 1
            raise Unavailable("down")
        return await super().create(manifest)


async def test_a_failed_batch_fails_for_all_who_waited_and_the_next_works() -> None:
    cluster = Flaky(FakeClock())
    cluster.failures = 1
    ledger = ApiLedger(cluster, HOME)
    told = await asyncio.gather(
        *(ledger.open("research", entry(uid)) for uid in ("a", "b")), return_exceptions=True
    )  # fmt: skip
    assert [type(error) for error in told] == [Unavailable, Unavailable]
    await ledger.open("research", entry("a"))
    assert entries(cluster) == ["a"]


async def test_one_callers_mistake_is_no_other_callers(
    cluster: FakeCluster, ledger: ApiLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careful(spec: Any, item: LedgerEntry) -> Any:
        if item.uid == "bad":
            raise ValueError("a bug")
        return arithmetic.opened(spec, item)

    monkeypatch.setattr("coppice.adapters.ledger.opened", careful)
    told = await asyncio.gather(
        *(ledger.open("research", entry(uid)) for uid in ("bad", "good")), return_exceptions=True
    )  # fmt: skip
    assert [type(error) for error in told] == [ValueError, type(None)]
    assert entries(cluster) == ["good"]


async def test_a_caller_that_gives_up_does_not_undo_its_wish(cluster: FakeCluster, ledger: ApiLedger) -> None:
    waiting = asyncio.create_task(ledger.open("research", entry("a")))
    await asyncio.sleep(0)
    waiting.cancel()
    await ledger.drain()
    assert entries(cluster) == ["a"]


# Budgets.

BUDGET = Amounts(energy_watt_hours=100)


def claim(uid: str, watt_hours: int = 60, month: str = "2026-01") -> LedgerEntry:
    held = Reservation(month=month, energy_watt_hours=Decimal(watt_hours))
    return entry(uid).model_copy(update={"reserved": held})


async def test_of_two_that_would_each_just_fit_one_is_refused_with_the_numbers(ledger: ApiLedger) -> None:
    first, second = await asyncio.gather(
        ledger.open("research", claim("a"), BUDGET), ledger.open("research", claim("b"), BUDGET), return_exceptions=True
    )
    assert first is None
    assert isinstance(second, BudgetExhausted)
    [lacking] = second.shortfalls
    assert (lacking.name, lacking.used, lacking.reserved, lacking.wanted, lacking.budget) == (
        "energy_watt_hours", 0, 60, 60, 100
    )  # fmt: skip


async def test_two_operators_at_once_cannot_both_reserve_the_same_room(cluster: FakeCluster) -> None:
    one, other = ApiLedger(cluster, HOME), ApiLedger(cluster, HOME)
    await one.open("research", entry("seed"))
    await other.load()
    await one.open("research", claim("a"), BUDGET)
    with pytest.raises(BudgetExhausted):
        await other.open("research", claim("b"), BUDGET)
    assert entries(cluster) == ["seed", "a"]


async def test_a_refused_job_leaves_no_trace_and_keeps_nobody_else_out(cluster: FakeCluster, ledger: ApiLedger) -> None:
    outcomes = await asyncio.gather(
        *(ledger.open("research", claim(uid, size), BUDGET) for uid, size in (("a", 60), ("b", 60), ("c", 40))),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), BudgetExhausted, type(None)]
    assert entries(cluster) == ["a", "c"]


async def test_a_job_that_holds_its_reservation_goes_on_whatever_others_used(ledger: ApiLedger) -> None:
    await ledger.open("research", claim("a"), BUDGET)
    await ledger.open("research", claim("a"), Amounts(energy_watt_hours=1))


async def test_a_later_decision_may_reserve_more_and_counts_what_it_holds_once(
    cluster: FakeCluster, ledger: ApiLedger
) -> None:
    await ledger.open("research", claim("a", 60), BUDGET)
    await ledger.open("research", claim("a", 90), BUDGET)
    with pytest.raises(BudgetExhausted):
        await ledger.open("research", claim("a", 110), BUDGET)
    [stored] = cluster.objects["TrainingLedger", HOME, "research"]["spec"]["entries"]
    assert stored["reserved"]["energyWattHours"] == "90"


async def test_the_budget_is_that_of_all_the_ledgers_of_a_namespace(
    cluster: FakeCluster, ledger: ApiLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "MAX_ENTRIES", 1)
    await ledger.open("research", claim("a", 60), BUDGET)
    with pytest.raises(BudgetExhausted):
        await ledger.open("research", claim("b", 60), BUDGET)
    await ledger.open("research", claim("c", 40), BUDGET)
    assert entries(cluster, "research.1") == ["c"]


async def test_whoever_fits_when_something_is_freed_is_called_in_the_order_of_asking(cluster: FakeCluster) -> None:
    called: list[tuple[str, list[str]]] = []
    ledger = ApiLedger(cluster, HOME, lambda namespace, jobs: called.append((namespace, list(jobs))))
    await ledger.open("research", claim("a", 90), BUDGET)
    for uid, size in (("b", 70), ("c", 60), ("d", 30)):
        with pytest.raises(BudgetExhausted):
            await ledger.open("research", claim(uid, size), BUDGET)
    await ledger.settle("research", settlement("a"))
    assert called == [("research", ["job-b", "job-d"])]
    await ledger.open("research", claim("b", 70), BUDGET)
    await ledger.withdraw("research", "c")
    called.clear()
    await ledger.withdraw("research", "b")
    assert called == [("research", ["job-d"])]


async def test_what_a_waiting_job_gives_back_calls_whoever_fits_then(cluster: FakeCluster) -> None:
    called: list[tuple[str, list[str]]] = []
    ledger = ApiLedger(cluster, HOME, lambda namespace, jobs: called.append((namespace, list(jobs))))
    await ledger.open("research", claim("a", 90), BUDGET)
    with pytest.raises(BudgetExhausted):
        await ledger.open("research", claim("b", 70), BUDGET)
    await ledger.release("research", "a", Reservation(month="2026-01", energy_watt_hours=Decimal(20)))
    assert called == [("research", ["job-b"])]
    [stored] = cluster.objects["TrainingLedger", HOME, "research"]["spec"]["entries"]
    assert stored["reserved"]["energyWattHours"] == "20"


async def test_whoever_asked_again_under_another_budget_is_called_by_that_one(cluster: FakeCluster) -> None:
    called: list[tuple[str, list[str]]] = []
    ledger = ApiLedger(cluster, HOME, lambda namespace, jobs: called.append((namespace, list(jobs))))
    await ledger.open("research", claim("a", 90), BUDGET)
    await ledger.open("research", claim("b", 100), Amounts(energy_watt_hours=200))
    for budget in (BUDGET, Amounts(energy_watt_hours=200)):
        with pytest.raises(BudgetExhausted):
            await ledger.open("research", claim("c", 60), budget)
    await ledger.settle("research", settlement("a"))
    assert called == [("research", ["job-c"])]


async def test_what_a_job_between_two_rungs_holds_does_not_stand_in_its_own_way(cluster: FakeCluster) -> None:
    called: list[tuple[str, list[str]]] = []
    ledger = ApiLedger(cluster, HOME, lambda namespace, jobs: called.append((namespace, list(jobs))))
    await ledger.open("research", claim("a", 40), BUDGET)
    await ledger.open("research", claim("b", 50), BUDGET)
    with pytest.raises(BudgetExhausted):
        await ledger.open("research", claim("a", 70), BUDGET)
    await ledger.settle("research", settlement("b"))
    assert called == [("research", ["job-a"])]
