"""Kopf's settings: each one that a measurement or an accident taught, and doors that keep no state in objects."""

import kopf

from coppice.adapters.kinds import KINDS as PLACES
from coppice.api.labels import CHILD_SELECTOR
from coppice.handlers.doors import open_doors
from coppice.handlers.intake import Intake
from coppice.handlers.settings import settings_for
from coppice.handlers.watches import PATIENCE_SECONDS, Watches
from coppice.index import Index
from coppice.index.index import KINDS
from coppice.queue import WorkQueue
from fake_cluster import FakeClock

WATCHED = {kind: PLACES[kind] for kind in KINDS}


def settings() -> kopf.OperatorSettings:
    return settings_for(WATCHED.values())


def test_workers_are_limited_together_with_their_idle_time_or_not_at_all() -> None:
    queueing = settings().queueing
    assert queueing.worker_limit is not None
    assert queueing.worker_limit / queueing.idle_timeout >= 500


def test_kopf_writes_nothing_and_pauses_for_nobody() -> None:
    assert not settings().posting.enabled
    assert settings().peering.standalone
    diff_base = settings().persistence.diffbase_storage
    assert diff_base.build(body=kopf.Body({"spec": {"a": 1}})) == {}


def test_lists_come_in_chunks_and_dead_streams_end() -> None:
    watching = settings().watching
    assert watching.chunk_size == 500
    assert watching.inactivity_timeout < PATIENCE_SECONDS
    assert settings().networking.enforce_retry_after


def test_of_jobs_and_pods_only_ours_are_watched() -> None:
    selectors = settings().watching.label_selectors
    assert selectors["batch", "v1", "jobs"] == CHILD_SELECTOR
    assert selectors["", "v1", "pods"] == CHILD_SELECTOR
    assert len(selectors) == 2


def test_there_is_one_event_door_per_kind_and_no_other_handler() -> None:
    registry = kopf.OperatorRegistry()

    async def nothing(_: object) -> None:
        return None

    intake = Intake(Index(FakeClock()), WorkQueue(nothing), Watches(lambda: 0.0))
    open_doors(registry, WATCHED, intake)
    assert len(list(registry._watching.get_all_handlers())) == len(KINDS)
    for others in (registry._changing, registry._spawning, registry._indexing, registry._webhooks):
        assert not list(others.get_all_handlers())
