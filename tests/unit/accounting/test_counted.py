"""Every pod counts once, by its uid, whoever speaks of it and however often."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_profile
from coppice.accounting.account import Account, attempt_account
from coppice.accounting.use import PodUse
from coppice.api.result import Result
from coppice.api.vocabulary import Component, Grade
from uses import NOON, at, make_earlier, make_intensity, make_pod, make_result

NODE = make_profile().host(cores=4, memory="16Gi", idleWatts="40", peakWatts="80").build()
CPU = (Component.CPU, Grade.MODELLED)


def account(*pods: PodUse) -> Account:
    return attempt_account(pods, NODE, make_intensity(), Decimal("1.2"))


def chain(seconds: list[int]) -> list[PodUse]:
    """Pods that resume each other; each repeats what all before it left."""
    pods: list[PodUse] = []
    earlier: list[object] = []
    for number, cpu in enumerate(seconds):
        uid = f"pod-{number}"
        pods.append(make_pod(uid, 600, start=700 * number, result=make_result(uid, cpu_seconds=cpu, earlier=earlier)))
        earlier = [*earlier, make_earlier(uid, cpu_seconds=cpu, tokens_seen=10)]
    return pods


@settings(max_examples=40, deadline=None)
@given(seconds=st.lists(st.integers(0, 600), min_size=1, max_size=6), data=st.data())
def test_a_resumed_attempt_counts_every_pod_once_even_where_pods_lost_their_word(
    seconds: list[int], data: st.DataObject
) -> None:
    pods = chain(seconds)
    silent = data.draw(st.sets(st.integers(0, len(pods) - 2))) if len(pods) > 1 else set()
    left = [without_result(pod) if number in silent else pod for number, pod in enumerate(pods)]
    found = account(*data.draw(st.permutations(left)))
    assert found.parts.get(CPU, 0) == sum(seconds) * 10
    assert found.reserved_seconds == 600 * len(pods)


def without_result(pod: PodUse) -> PodUse:
    return PodUse(pod.uid, pod.start, pod.end, None, pod.accelerators, pod.cpu_request, pod.memory_request_bytes)


def test_a_pod_listed_twice_counts_once_with_the_result_it_has() -> None:
    said = make_pod(result=make_result(cpu_seconds="100"))
    assert account(make_pod(), said, make_pod(seconds=3599)) == account(said)


def test_a_pods_own_word_wins_over_what_a_later_pod_repeats() -> None:
    later = make_result("pod-2", cpu_seconds="1", earlier=[make_earlier("pod-1", cpu_seconds="999")])
    found = account(make_pod(result=make_result(cpu_seconds="100")), make_pod("pod-2", start=4000, result=later))
    assert found.parts[CPU] == 101 * 10


def test_a_pod_that_only_its_successor_knows_is_counted_and_labelled() -> None:
    unseen = make_earlier("pod-0", cpu_seconds="50", started_at=NOON, ended_at=at(100))
    found = account(make_pod("pod-1", 60, start=200, result=make_result(cpu_seconds="5", earlier=[unseen])))
    assert found.parts[CPU] == 55 * 10
    assert found.reserved_seconds == 160
    assert found.gaps == ("Pod pod-0 is known from pod pod-1 alone: the time before its first program is missing.",)


def test_a_users_container_cannot_invent_pods() -> None:
    unseen = make_earlier("pod-0", cpu_seconds="50", started_at=NOON, ended_at=at(100))
    result: Result = make_result(cpu_seconds="5", earlier=[unseen])
    found = account(make_pod(self_reported=True, result=result))
    assert found.parts[CPU] == 5 * 10
    assert found.gaps == ("Pod pod-1 speaks of a pod pod-0 that the cluster never showed: it is not counted.",)
