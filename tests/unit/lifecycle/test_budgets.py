"""Budgets: what a job reserves before it starts, what it gives back, and who waits for it meanwhile."""

from datetime import datetime
from typing import Any

import pytest

from coppice.index import Key
from fake_cluster import CrashError
from loop import Loop
from waiting import approval, change, policy, probe_job, say, seen, suspended, written


async def test_two_jobs_that_would_each_just_fit_one_runs_and_one_is_refused_with_the_numbers() -> None:
    high = await measured()
    loop = Loop(policy().budget(energyWattHours=int(high * 3 / 2) + 1).body())
    first, second = loop.apply(probe_job("first")), loop.apply(probe_job("second"))
    await loop.turn()
    assert [child["metadata"]["labels"]["coppice.dev/trainingjob"] for child in loop.cluster.jobs()] == ["first"]
    reason, message = suspended(loop, second)
    assert reason == "BudgetExhausted"
    numbers = f"0 used, {high:.6g} reserved by open jobs"
    assert numbers in message
    assert "monthlyBudget.energyWattHours of 2026-03" in message
    assert "(policy research-rules)" in message
    assert "2026-04-01T00:00Z" in message
    assert suspended(loop, first)[0] == "NotSuspended"


def held(loop: Loop, key: Key) -> float:
    """Watt-hours that the job's entry reserves."""
    [entry] = [one for one in loop.ledger.specs["research"].entries if one.name == key.name]
    return float(entry.reserved.energy_watt_hours)


MEASURED: list[float] = []


async def measured() -> float:
    """Watt-hours that one job reserves; asked of the loop once."""
    if not MEASURED:
        MEASURED.append(held(*await seen(policy().budget(energyWattHours=10**9))))
    return MEASURED[0]


async def contended() -> tuple[Loop, Key, Key]:
    """Two jobs and a budget that holds only one of them."""
    loop = Loop(policy().budget(energyWattHours=int(await measured() * 3 / 2) + 1).body())
    keys = loop.apply(probe_job("first")), loop.apply(probe_job("second"))
    await loop.turn()
    return loop, *keys


async def test_what_a_settled_job_did_not_use_is_there_for_the_next() -> None:
    loop, first, second = await contended()
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    assert loop.state(first) == "ObjectiveMet"
    assert suspended(loop, second)[0] == "NotSuspended"
    [month] = loop.ledger.specs["research"].months
    joules = loop.job(first).status.totals.energy_joules
    assert month.month == "2026-03"
    assert float(month.energy_watt_hours) == pytest.approx(float(joules) / 3600, abs=1e-6)


async def test_a_settled_job_says_what_is_left_of_the_budget_also_after_a_crash() -> None:
    said = []
    for crash in (None, "ledger", "create TrainingReport"):
        loop = Loop(policy().budget(energyWattHours=10_000).body())
        key = loop.apply(probe_job())
        await loop.turn()
        loop.cluster.run(loop.cluster.jobs()[0], "0.957")
        if crash is not None:
            loop.cluster.crash_after = {"ledger": 0, "create TrainingReport": 1}[crash]
            with pytest.raises(CrashError):
                await loop.turn()
            assert loop.cluster.writes[-1] == crash
            loop.cluster.crash_after = None
            loop.restart()
        await loop.turn()
        said.append(next(one.message for one in loop.job(key).status.conditions if one.type == "Accounted"))
    used = float(loop.job(key).status.totals.energy_joules) / 3600
    assert f"Left of the budget of 2026-03: {10_000 - used:.6g} of 10000 Wh (policy research-rules)." in said[0]
    assert len(set(said)) == 1


async def test_a_deleted_job_gives_back_what_it_did_not_use() -> None:
    loop, first, second = await contended()
    loop.cluster.remove(*first)
    await loop.turn()
    loop.clock.advance(120)
    await loop.turn()
    assert suspended(loop, second)[0] == "NotSuspended"


async def test_a_job_waits_for_the_next_month_and_then_starts() -> None:
    loop, _, second = await contended()
    body = loop.ledger.specs["research"]
    used = {"month": "2026-03", "energyWattHours": "1000000", "carbonGrams": "0", "cost": "0"}
    loop.ledger.specs["research"] = type(body).model_validate({**body.wire(), "months": [used], "entries": []})
    await loop.turn()
    assert suspended(loop, second)[0] == "BudgetExhausted"
    loop.clock.moment = datetime.fromisoformat("2026-04-01T00:00:01+00:00")
    await loop.turn()
    assert suspended(loop, second)[0] == "NotSuspended"


async def test_a_plan_larger_than_the_whole_budget_is_told_that_it_never_fits() -> None:
    loop, key = await seen(policy().budget(carbonGrams=0))
    reason, message = suspended(loop, key)
    assert reason == "BudgetExhausted"
    assert "it fits no month" in message


async def test_the_money_of_a_job_is_in_its_totals_and_in_the_ledger() -> None:
    """One licence of 2 and data for 3 are more than what minutes of two cores cost."""
    loop = Loop(policy().budget(cost="100000").body())
    loop.cluster.objects["ComputeProfile", "", "cpu-generic"]["spec"]["pricePerHour"] = "0.05"
    loop.cluster.objects["ClusterBaseModel", "", "all-minilm-l6-v2"]["spec"]["pricePerJob"] = "2"
    key = loop.apply(probe_job().set("spec.dataset.price", "3"))
    await loop.turn()
    assert float(loop.ledger.specs["research"].entries[0].reserved.cost) > 5
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    cost = loop.job(key).status.totals.cost
    spec = loop.ledger.specs["research"]
    assert 5 < cost < 5.1
    assert spec.totals.cost == cost
    assert [month.cost for month in spec.months] == [cost]


async def test_money_that_is_not_known_is_in_no_sum_though_the_data_has_a_price() -> None:
    loop = Loop()
    key = loop.apply(probe_job().set("spec.dataset.price", "3"))
    await loop.turn()
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    spec = loop.ledger.specs["research"]
    assert loop.job(key).status.totals.cost is None
    assert spec.totals.cost == 0
    assert [month.cost for month in spec.months] == [0]


async def test_a_budget_in_money_asks_for_a_price() -> None:
    loop, key = await seen(policy().budget(cost="5"))
    assert suspended(loop, key)[0] == "BudgetExhausted"
    assert "ComputeProfile cpu-generic has no price" in suspended(loop, key)[1]


async def test_a_waiting_job_causes_no_write() -> None:
    loop, _, _ = await contended()
    writes = len(loop.cluster.writes)
    await loop.turn()
    assert loop.cluster.writes[writes:] == []


async def test_a_budget_that_grows_lets_the_job_go() -> None:
    loop, _, second = await contended()
    body = loop.cluster.objects["TrainingPolicy", "", "research-rules"]
    body["spec"]["monthlyBudget"] = {"energyWattHours": 10**9}
    loop.cluster.touch(body)
    await loop.turn()
    assert suspended(loop, second)[0] == "NotSuspended"


async def test_a_job_keeps_its_reservation_from_rung_to_rung() -> None:
    loop, first, _ = await contended()
    before = held(loop, first)
    loop.cluster.run(loop.cluster.jobs()[0], "0.90")
    await loop.turn()
    assert len(loop.job(first).status.attempts) == 2
    assert held(loop, first) == before


async def opened_and_killed() -> tuple[Loop, Key]:
    """A job whose entry reserves two thirds of the budget and whose child was never made, suspended meanwhile."""
    loop = Loop(policy().budget(energyWattHours=int(await measured() * 3 / 2) + 1).body())
    key = loop.apply(probe_job("first"))
    loop.cluster.crash_after = 0
    with pytest.raises(CrashError):
        await loop.turn()
    assert loop.cluster.writes == ["ledger"]
    loop.cluster.crash_after = None
    loop.restart()
    await change(loop, key, suspend=True)
    return loop, key


async def test_a_job_suspended_before_its_first_child_gives_its_reservation_back() -> None:
    loop, first = await opened_and_killed()
    assert suspended(loop, first)[0] == "UserSuspended"
    assert held(loop, first) == 0
    second = loop.apply(probe_job("second"))
    await loop.turn()
    assert suspended(loop, second)[0] == "NotSuspended"


async def test_a_job_that_may_go_on_takes_its_reservation_again() -> None:
    loop, first = await opened_and_killed()
    await change(loop, first, suspend=False)
    assert suspended(loop, first)[0] == "NotSuspended"
    assert held(loop, first) == await measured()
    assert len(loop.cluster.jobs()) == 1


async def test_a_job_that_may_go_on_is_refused_with_the_numbers_where_others_took_its_place() -> None:
    loop, first = await opened_and_killed()
    second = loop.apply(probe_job("second"))
    await loop.turn()
    await change(loop, first, suspend=False)
    reason, message = suspended(loop, first)
    assert reason == "BudgetExhausted"
    assert f"0 used, {await measured():.6g} reserved by open jobs" in message
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    assert loop.state(second) == "ObjectiveMet"
    assert suspended(loop, first)[0] == "NotSuspended"


async def test_a_job_suspended_between_two_rungs_holds_what_it_has_used() -> None:
    loop, first, second = await contended()
    written(loop, first, suspend=True)
    loop.cluster.run(loop.cluster.jobs()[0], "0.90")
    await loop.turn()
    [attempt] = loop.job(first).status.attempts
    assert held(loop, first) == pytest.approx(float(attempt.energy_joules) / 3600, rel=1e-3)
    assert suspended(loop, second)[0] == "NotSuspended"


async def test_a_job_that_gave_all_back_and_was_deleted_unseen_counts_nothing() -> None:
    loop, first = await opened_and_killed()
    loop.cluster.remove(*first)
    loop.restart()
    await loop.turn()
    spec = loop.ledger.specs["research"]
    assert (spec.entries, spec.months, loop.finished_jobs()) == ([], [], 0)


async def test_a_suspended_job_causes_no_write() -> None:
    loop, _ = await opened_and_killed()
    writes = len(loop.cluster.writes)
    await loop.turn()
    assert loop.cluster.writes[writes:] == []


async def live(loop: Loop, turn: Any) -> dict[str, Any]:
    """A job that waits for an approval, reserves its budget and comes to its second rung."""
    key = loop.apply(probe_job())
    await turn()
    loop.cluster.add(approval(loop, key))
    await turn()
    loop.cluster.run(loop.cluster.jobs()[-1], "0.90")
    await turn()
    spec = loop.ledger.specs["research"]
    return {
        "state": loop.state(key),
        "children": len(loop.cluster.jobs()),
        "entries": spec.entries,
        "attempts": [(one.method, one.outcome) for one in loop.job(key).status.attempts],
    }


async def interrupted(loop: Loop, turn: Any) -> dict[str, Any]:
    """A job that is suspended while its first rung ends, and goes on with its second."""
    key = loop.apply(probe_job())
    await turn()
    written(loop, key, suspend=True)
    loop.cluster.run(loop.cluster.jobs()[-1], "0.90")
    await turn()
    waiting = held(loop, key)
    written(loop, key, suspend=False)
    await turn()
    return {
        "while suspended": waiting,
        "after": held(loop, key),
        "children": len(loop.cluster.jobs()),
        "attempts": [(one.method, one.outcome) for one in loop.job(key).status.attempts],
    }


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
async def test_a_kill_at_every_write_of_an_interrupted_life_changes_nothing(when: str) -> None:
    rules = policy().budget(energyWattHours=10**6).body()
    calm = Loop(rules)
    expected = await interrupted(calm, calm.turn)
    assert 0 < expected["while suspended"] < expected["after"]
    assert expected["children"] == 2
    for number in range(len(calm.cluster.writes)):
        loop = Loop(rules)
        setattr(loop.cluster, when, number)
        assert await interrupted(loop, loop.turn_of_two_lives) == expected, f"killed {when} write {number}"


@pytest.mark.thorough
async def test_a_kill_after_every_write_of_an_approved_life_changes_nothing() -> None:
    rules = policy().approval_above(energyWattHours=0).budget(energyWattHours=10**6).body()
    calm = Loop(rules)
    expected = await live(calm, calm.turn)
    assert expected["children"] == 2
    for number in range(len(calm.cluster.writes)):
        loop = Loop(rules)
        loop.cluster.crash_after = number
        assert await live(loop, loop.turn_of_two_lives) == expected, f"killed after write {number}"


async def test_a_price_that_is_set_lets_a_job_under_a_budget_in_money_go() -> None:
    loop, key = await seen(policy().budget(cost="5000"))
    assert suspended(loop, key)[0] == "BudgetExhausted"
    body = loop.cluster.objects["ComputeProfile", "", "cpu-generic"]
    body["spec"]["pricePerHour"] = "0.05"
    await say(loop, loop.cluster.objects["ComputeProfile", "", "cpu-generic"])
    assert len(loop.cluster.jobs()) == 1
    assert loop.ledger.specs["research"].entries[0].reserved.cost > 0
