"""A watch that went silent while there is news is noticed, and a quiet cluster is not mistaken for one."""

from coppice.handlers.health import Health, Phase
from coppice.handlers.watches import Watches


class Now:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_quiet_watch_is_not_stalled() -> None:
    now = Now()
    watches = Watches(now, patience_seconds=60)
    watches.delivered("Pod", 10)
    watches.listed("Pod", 10)
    now.seconds += 3600
    assert watches.stalled() == []


def test_a_watch_that_owes_an_object_for_too_long_is_stalled() -> None:
    now = Now()
    watches = Watches(now, patience_seconds=60)
    watches.delivered("Pod", 10)
    watches.listed("Pod", 12)
    now.seconds += 60
    assert watches.stalled() == []
    now.seconds += 1
    assert watches.stalled() == ["Pod"]


def test_a_watch_that_never_delivered_is_stalled_too() -> None:
    now = Now()
    watches = Watches(now, patience_seconds=60)
    watches.listed("TrainingJob", 5)
    now.seconds += 61
    assert watches.stalled() == ["TrainingJob"]


def test_a_watch_that_catches_up_is_well_again() -> None:
    now = Now()
    watches = Watches(now, patience_seconds=60)
    watches.listed("Pod", 12)
    now.seconds += 61
    watches.delivered("Pod", 11)
    assert watches.stalled() == ["Pod"]
    watches.delivered("Pod", 13)
    assert watches.stalled() == []


def test_a_later_list_does_not_prolong_the_wait() -> None:
    now = Now()
    watches = Watches(now, patience_seconds=60)
    watches.listed("Pod", 12)
    now.seconds += 50
    watches.listed("Pod", 20)
    now.seconds += 11
    assert watches.stalled() == ["Pod"]


def stalled_watches() -> Watches:
    now = Now()
    watches = Watches(now, patience_seconds=1)
    watches.listed("Pod", 12)
    now.seconds += 2
    return watches


def test_a_stalled_watch_fails_the_liveness_probe_and_names_the_kind() -> None:
    health = Health(stalled_watches())
    health.phase = Phase.LEADING
    answer = health.live()
    assert not answer.healthy
    assert "Pod" in answer.text


def test_a_standby_watches_nothing_and_is_live_and_ready() -> None:
    health = Health(stalled_watches(), holder=lambda: "coppice-0")
    health.phase = Phase.STANDBY
    assert health.live().healthy
    assert health.ready().healthy
    assert "coppice-0 leads" in health.ready().text


def test_before_the_gate_the_process_is_not_ready_and_says_what_it_waits_for() -> None:
    health = Health(Watches(Now()))
    health.phase = Phase.FILLING
    health.obstacle = "a kind is not served"
    assert not health.ready().healthy
    assert health.ready().text == "a kind is not served"
    assert health.live().healthy
