"""The account is conserved: parts, slots and attempts are three ways to write one sum."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_profile
from coppice.accounting.account import Account, attempt_account, combined
from coppice.accounting.use import PodUse
from coppice.api.result import MAX_SLOTS
from coppice.api.vocabulary import Component, Grade
from uses import at, make_energy, make_intensity, make_pod, make_result

CPU_NODE = make_profile().build()
GPU_NODE = make_profile("h100").accelerator().build()

joules = st.decimals(0, 10**6, places=1)


@st.composite
def pods(draw: st.DrawFn, accelerators: int = 0) -> list[PodUse]:
    """Up to four pods of any length and with any meter, or none."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        seconds, start = draw(st.integers(0, 400_000)), draw(st.integers(-10_000, 10**6))
        uid, result = f"pod-{number}", None
        if draw(st.booleans()):
            component = Component.ACCELERATOR if accelerators and draw(st.booleans()) else Component.CPU
            series = [float(value) for value in draw(st.lists(joules, max_size=9))]
            energy = make_energy(component, draw(st.sampled_from(Grade)), series, covered=draw(st.integers(0, seconds)))
            cpu = draw(st.one_of(st.none(), joules))
            result = make_result(uid, cpu_seconds=cpu, energy=energy, tokens_seen=draw(st.integers(0, 10**9)))
        init = at(start + draw(st.integers(0, 900))) if draw(st.booleans()) else None
        found.append(make_pod(uid, seconds, start=start, result=result, accelerators=accelerators, init_end=init))
    return found


intensities = st.decimals(0, 1000, places=3).map(lambda grams: make_intensity(str(grams)))
pues = st.decimals(1, 3, places=2)


@settings(max_examples=40, deadline=None)
@given(pods=st.one_of(pods(), pods(accelerators=2)), intensity=intensities, pue=pues)
def test_slots_and_parts_sum_to_the_same_energy(pods: list[PodUse], intensity: object, pue: Decimal) -> None:
    profile = GPU_NODE if pods[0].accelerators else CPU_NODE
    account = attempt_account(pods, profile, intensity, pue)  # type: ignore[arg-type]
    assert sum(slot.joules for slot in account.slots) == account.energy_joules
    assert all(joule > 0 for joule in account.parts.values())
    assert len(account.slots) <= MAX_SLOTS
    assert 0 <= account.coverage <= 1


@settings(max_examples=25, deadline=None)
@given(pods=pods(accelerators=1), pue=pues)
def test_pue_is_applied_once(pods: list[PodUse], pue: Decimal) -> None:
    account = attempt_account(pods, GPU_NODE, make_intensity(), pue)
    rest = attempt_account(pods, GPU_NODE, make_intensity(), Decimal(1))
    overhead = sum(joule for (component, _), joule in account.parts.items() if component is Component.FACILITY_OVERHEAD)
    assert account.energy_joules - overhead == rest.energy_joules
    assert abs(overhead - (pue - 1) * rest.energy_joules) <= Decimal("0.0001")


@settings(max_examples=25, deadline=None)
@given(groups=st.lists(pods(), min_size=1, max_size=4), intensity=intensities)
def test_the_account_of_all_attempts_is_the_sum_of_theirs(groups: list[list[PodUse]], intensity: object) -> None:
    accounts = [attempt_account(group, CPU_NODE, intensity, Decimal("1.3")) for group in groups]  # type: ignore[arg-type]
    total = combined(accounts)
    assert total.energy_joules == sum(account.energy_joules for account in accounts)
    assert total.operational_grams == sum(account.operational_grams for account in accounts)
    assert total.embodied_grams.high == sum(account.embodied_grams.high for account in accounts)
    assert total.work.tokens == sum(account.work.tokens for account in accounts)
    assert len(total.slots) <= MAX_SLOTS
    assert combined([combined(accounts[:1]), combined(accounts[1:])]).parts == total.parts


def test_nothing_that_ran_costs_nothing() -> None:
    empty = combined(())
    assert empty == Account()
    assert (empty.energy_joules, empty.carbon_grams, empty.coverage, empty.grams_per_kilowatt_hour) == (0, 0, 0, None)


def test_energy_falls_into_the_slots_in_which_it_was_used() -> None:
    energy = make_energy(Component.CPU, Grade.MEASURED, [100, 0, 300], covered=2700)
    idle_free = make_profile().host(idleWatts="0").build()
    account = attempt_account(
        [make_pod(seconds=2700, result=make_result(energy=energy))], idle_free, make_intensity(), Decimal(1)
    )
    assert [(slot.start - at(0), slot.joules) for slot in account.slots] == [
        (timedelta(0), 100),
        (timedelta(seconds=1800), 300),
    ]


def test_carbon_is_the_sum_over_slots_of_energy_times_intensity() -> None:
    pods = [make_pod("a", 900), make_pod("b", 900, start=900)]
    clean, dirty = make_intensity("50"), make_intensity("500")
    first, second = (
        attempt_account([pod], CPU_NODE, at_, Decimal(1)) for pod, at_ in zip(pods, (clean, dirty), strict=True)
    )
    total = combined((first, second))
    assert total.operational_grams == first.energy_joules / 3_600_000 * 50 + second.energy_joules / 3_600_000 * 500
    assert total.grams_per_kilowatt_hour == 275


def test_intensities_of_different_kinds_are_never_mixed_silently() -> None:
    one = attempt_account([make_pod("a")], CPU_NODE, make_intensity(), Decimal(1))
    other = attempt_account([make_pod("b")], CPU_NODE, make_intensity(method="Direct"), Decimal(1))
    assert "different kinds (Direct Average, LifeCycle Average)" in combined((one, other)).gaps[-1]
    assert not any("different kinds" in gap for gap in combined((one, one)).gaps)
