"""What the ledger remembers of pods that vanished is in four notes all that they reserved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import make_profile
from coppice.api.trainingledger import LedgerEntry
from coppice.lifecycle.gone_pods import gone_pods, remembered
from coppice.workloads.accounted import WorkloadPod
from coppice.workloads.seen import SeenPod

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROFILE = make_profile().build()


def pod(number: int, seconds: int, cores: int = 1, zone: str = "") -> WorkloadPod:
    return WorkloadPod(
        SeenPod(
            namespace="research",
            name=f"nightly-{number}",
            uid=f"{number:08}-0000",
            job_uid="",
            attempt=0,
            zone=zone,
            phase="Running",
            scheduled_at=NOON + timedelta(seconds=number),
            gone_at=NOON + timedelta(seconds=number + seconds),
            cpu_request_cores=Decimal(cores),
        )
    )


def after_restarts(pods: list[WorkloadPod], times: int = 1) -> list[WorkloadPod]:
    for _ in range(times):
        notes = gone_pods(pods, {pod.seen.uid: PROFILE for pod in pods})
        entry = LedgerEntry(uid="w", name="nightly", kind="Job", opened=NOON, gone=notes)
        pods = list(remembered(LedgerEntry.model_validate(entry.wire()), "research").values())
    return pods


def reserved(pods: list[WorkloadPod]) -> dict[tuple[Decimal, str], float]:
    sums: dict[tuple[Decimal, str], float] = {}
    for each in pods:
        kind = (each.seen.cpu_request_cores, each.seen.zone)
        sums[kind] = sums.get(kind, 0) + (each.seen.ended_at - each.seen.scheduled_at).total_seconds()
    return sums


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from([1, 8]), st.sampled_from(["", "FR"])), max_size=60),
    st.integers(1, 3),
)
def test_no_pod_and_no_second_is_lost_however_often_the_operator_restarts(
    kinds: list[tuple[int, int, str]], times: int
) -> None:
    pods = [pod(number, *kind) for number, kind in enumerate(kinds)]
    found = after_restarts(pods, times)
    assert len(found) == len(pods)
    assert reserved(found) == reserved(pods)


def test_up_to_four_keep_their_names_and_of_more_the_longest_three() -> None:
    pods = [pod(number, 60 + number) for number in range(5)]
    assert {each.seen.name for each in after_restarts(pods[:4])} == {f"nightly-{number}" for number in range(4)}
    assert [each.seen.name for each in after_restarts(pods)] == ["", "", "nightly-2", "nightly-3", "nightly-4"]


def test_of_more_than_four_kinds_the_four_that_held_nodes_longest_are_kept() -> None:
    pods = [pod(number, seconds=100 * cores, cores=cores) for number, cores in enumerate([1, 2, 3, 4, 5] * 2)]
    assert set(reserved(after_restarts(pods))) == {(Decimal(cores), "") for cores in (2, 3, 4, 5)}


def test_what_still_runs_or_has_no_profile_is_not_noted() -> None:
    running = pod(1, 60)
    running = replace(running, seen=replace(running.seen, gone_at=None))
    assert gone_pods([running], {running.seen.uid: PROFILE}) is None
    assert gone_pods([pod(2, 60)], {}) is None


@pytest.mark.parametrize("number", [5, 40])
def test_notes_are_never_more_than_an_entry_holds(number: int) -> None:
    pods = [pod(each, 60) for each in range(number)]
    assert len(gone_pods(pods, {each.seen.uid: PROFILE for each in pods}) or ()) == 4
