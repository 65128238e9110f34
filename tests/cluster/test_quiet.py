"""An unchanged world is quiet: whatever jobs are held in, nothing is written but the Lease."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from builders import make_model, make_policy
from cluster.stage import Stage, probe_job
from cluster.states import forbid_status, in_every_state
from coppice.api.labels import ACCOUNT_SELECTOR
from devcluster.controlplane import ControlPlane

MEASURED_SECONDS = 32.0
CALM_SECONDS = 18.0
"""Longer than a round of the accountant."""
RENEWAL = {"update/leases"}


@pytest.fixture(scope="module")
def restless(control_plane: ControlPlane, kinds: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage whose operator looks at everything every two seconds, in a world without other modules' jobs.

    One that ended with a pod still alive is closed a quarter of an hour later, which may be now.
    """
    control_plane.kubectl("delete", "trainingjobs", "--all", "--all-namespaces")
    control_plane.kubectl("delete", "jobs", "--selector", ACCOUNT_SELECTOR, "--all-namespaces")
    with Stage(control_plane, tmp_path_factory.mktemp("restless"), "--resync-seconds=2") as stage:
        yield stage


def written(stage: Stage) -> Counter[str]:
    """Mutating requests but for the Lease's renewal."""
    return Counter({what: count for what, count in stage.written().items() if what not in RENEWAL})


def until_calm(stage: Stage) -> None:
    """Wait until nothing has been written for a while."""
    seen, since = written(stage), time.monotonic()

    def calm() -> bool:
        nonlocal seen, since
        now = written(stage)
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > CALM_SECONDS

    stage.until(calm, lambda: f"writes to end: {seen}")


def test_an_unchanged_world_causes_no_mutating_request_but_the_leases(restless: Stage) -> None:
    forbid_status(restless)
    lives = in_every_state(restless)
    for name in ("unwritten", "finishing", "refused"):
        lives[name].delete()
    tenant = restless.tenant(careful="yes")
    restless.add(make_policy("quiet").selecting(careful="yes").require_acknowledgement().body())
    restless.api.create(make_model("biased").namespaced(tenant).limitations("Knows English only.").body())
    waiting = restless.apply(probe_job("waiting", tenant).base_models("biased", kind="BaseModel"))
    waiting.until_state("Suspended")
    until_calm(restless)
    before, leases = written(restless), restless.written()["update/leases"]
    time.sleep(MEASURED_SECONDS)
    assert written(restless) - before == Counter()
    assert restless.written()["update/leases"] > leases, "it was alive"
    assert restless.operator.running


def test_a_job_whose_child_is_refused_asks_again_and_writes_nothing_else(restless: Stage) -> None:
    tenant = restless.tenant()
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota", "namespace": tenant}}
    restless.api.create({**quota, "spec": {"hard": {"count/jobs.batch": "0"}}})
    restless.apply(probe_job("refused", tenant)).until_state("CreateRefused")
    restless.until(lambda: restless.written(tenant)["create/jobs"] > 1, lambda: "a second try")
    before, tries = restless.written(tenant), restless.written(tenant)["create/jobs"]
    restless.until(lambda: restless.written(tenant)["create/jobs"] > tries + 1, lambda: "more tries")
    assert set(restless.written(tenant) - before) == {"create/jobs"}
