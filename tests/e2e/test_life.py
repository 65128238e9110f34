"""What befalls jobs on a real cluster: missed targets, evictions, a killed operator, strangers' containers, faults.

All jobs of this module are created at once and run side by side, so that each test also shows that the trouble of one
leaves the others alone. Models and data are tiny; only the wall clock of starting torch in pods is real.
COPPICE_E2E_INSTALLED=reuse takes Coppice as it is installed now instead of building it from the present source.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from builders import JobBuilder
from coppice.api.conditions import find
from coppice.api.result import Outcome, Result
from coppice.api.vocabulary import Component, Evidence, Method
from demo.installation import install_chart
from devcluster.cluster import Cluster
from devcluster.images.targets import provide_image
from devcluster.progress import Progress
from e2e import accelerators, operator_pod
from e2e.ground import (
    CORPORA,
    MODELS,
    NAMESPACE,
    OWN_IMAGE,
    Ground,
    claim,
    create,
    from_scratch,
    job,
    lay,
    make_inputs,
    namespace,
)
from e2e.life import PATIENCE_SECONDS, Life, ledger, settled, until

SHORT_LIVED = "coppice-life-short"
EPOCHS, BATCH = 20, 8
UNREACHABLE = "0.99"
OTHER_DIGEST = "sha256:" + "0" * 64

Lives = Mapping[str, Life]


@pytest.fixture(scope="module")
def ground(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A namespace of this module's own, removed afterwards with everything in it."""
    progress = Progress()
    inputs = make_inputs(tmp_path_factory.mktemp("claims"))
    reuse = os.environ.get("COPPICE_E2E_INSTALLED") == "reuse"
    trainer = cluster.images["trainer"] if reuse else install_chart(cluster, progress)
    remove(cluster)
    yield lay(cluster, inputs, trainer, provide_image(OWN_IMAGE, cluster, progress))
    remove(cluster)


def remove(cluster: Cluster) -> None:
    """What this run, or an earlier one, made."""
    cluster.kubectl("delete", "namespace", NAMESPACE, SHORT_LIVED, "--ignore-not-found", "--timeout=300s")
    cluster.kubectl("delete", f"computeprofile/{accelerators.PROFILE}", "--ignore-not-found")
    cluster.kubectl("delete", f"trainingpolicy/{NAMESPACE}", "--ignore-not-found")


@pytest.fixture(scope="module")
def lives(ground: Ground) -> Lives:
    """Every job that nothing has to be done for but to wait."""
    long = from_scratch(job("undisturbed"), EPOCHS).mode("Never").hyperparameters(batchSize=BATCH, patience=1000)
    own = job("own-container", cpu="200m").target("0.95").mode("Never").container(ground.own_image)
    pod = template(ground.own_image)
    templated = job("own-template").target("0.95").mode("Never").set("spec.trainer.template", pod)
    hungry = template(ground.own_image, "64Mi", ACT="eat")
    wanted = (
        long.named("evicted").set("spec.output.path", "out/evicted"),
        long,
        from_scratch(two_rungs("ladder"), epochs=2000).hyperparameters(patience=1),
        own,
        templated,
        from_scratch(job("wrong-digest"), 1).mode("Never").dataset(digest=OTHER_DIGEST),
        job("no-claim").container(ground.own_image).dataset(uri="pvc://nowhere/train.parquet"),
        job("out-of-memory").set("spec.trainer.template", hungry),
    )
    return {one.body()["metadata"]["name"]: Life.begin(ground.cluster, one) for one in wanted}


def two_rungs(name: str) -> JobBuilder:
    """Linear probes of both base models, one after the other, as no model can meet the target."""
    return job(name, "noise").target(UNREACHABLE).methods("LinearProbe").max_attempts(3)


def template(image: str, memory: str = "128Mi", **variables: str) -> dict[str, object]:
    """A user's own pod: one container that reserves what it says."""
    amounts = {"cpu": "100m", "memory": memory}
    environment = [{"name": name, "value": value} for name, value in variables.items()]
    resources = {"requests": amounts, "limits": amounts}
    container = {"name": "trainer", "image": image, "env": environment, "resources": resources}
    return {"spec": {"containers": [container]}}


def seen_in_training(life: Life) -> tuple[int, Result]:
    """Tokens over all pods of the only attempt, and the last pod's result."""
    result = life.results()[-1]
    return result.tokens_seen + sum(pod.tokens_seen for pod in result.earlier), result


def test_a_pod_evicted_in_the_middle_goes_on_from_its_checkpoint_and_what_it_used_is_counted(lives: Lives) -> None:
    evicted, undisturbed = lives["evicted"], lives["undisturbed"]
    evicted.until_state("Running")
    until(lambda: epochs_in(evicted.log()) >= 0.6 * EPOCHS, "60 % of the training")
    first = evicted.pod()["metadata"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction"}
    eviction |= {"metadata": {"name": first["name"], "namespace": NAMESPACE}}
    where = f"/api/v1/namespaces/{NAMESPACE}/pods/{first['name']}/eviction"
    evicted.cluster.kubectl("create", "--raw", where, "-f", "-", stdin=json.dumps(eviction))
    evicted.until_accounted()
    undisturbed.until_accounted()
    [child] = evicted.children()
    [attempt] = evicted.status.attempts
    assert (evicted.state, attempt.outcome) == ("Completed", "Unjudged")
    assert attempt.child.name == child["metadata"]["name"]
    tokens, result = seen_in_training(evicted)
    tokens_undisturbed, whole = seen_in_training(undisturbed)
    assert result.steps == whole.steps == attempt.steps
    assert 0 < result.tokens_seen < 0.6 * tokens_undisturbed
    assert tokens < 1.15 * tokens_undisturbed
    [earlier] = result.earlier
    assert (earlier.pod_uid, earlier.outcome) == (first["uid"], Outcome.CHECKPOINTED)
    assert len(attempt.pods) == 2
    assert earlier.cpu_seconds is not None
    assert result.cpu_seconds is not None
    assert attempt.cpu_seconds == pytest.approx(earlier.cpu_seconds + result.cpu_seconds, abs=Decimal("0.1"))
    assert earlier.energy is not None
    metered = sum(sum(series.joules) for series in earlier.energy.series)
    totals = evicted.status.totals
    assert totals is not None
    assert totals.energy_joules > metered > 0


def epochs_in(log: str) -> float:
    """The last epoch that a trainer's log tells of."""
    return max((float(found) for found in re.findall(r"epoch ([0-9.]+), step", log)), default=0.0)


@pytest.mark.skipif(os.geteuid() != 0, reason="killing the operator's process needs root on its node")
def test_an_operator_killed_twice_finishes_the_job_with_one_child_for_each_attempt(
    ground: Ground, lives: Lives
) -> None:
    before = settled(ground.cluster, NAMESPACE).get("MissedAccepted", 0)
    life = Life.begin(ground.cluster, two_rungs("survivor").on_miss("Accept"))
    until(lambda: len(life.status.attempts) == 1, "the first attempt")
    operator_pod.delete_by_force(life.cluster)
    until(lambda: len(life.status.attempts) == 2, "the second attempt")
    if life.cluster.provider == "local":
        operator_pod.kill_process(life.cluster)
    life.until_accounted()
    attempts = life.status.attempts
    assert (life.state, [one.outcome for one in attempts]) == ("MissedAccepted", ["Missed", "Missed"])
    assert [one.child.name for one in attempts] == [child["metadata"]["name"] for child in life.children()]
    assert len(life.pods()) == len(attempts)
    assert life.report().spec.totals == life.status.totals
    until(lambda: settled(life.cluster, NAMESPACE).get("MissedAccepted", 0) > before, "the ledger to count the job")
    assert settled(life.cluster, NAMESPACE)["MissedAccepted"] == before + 1


def test_the_ladder_falls_through_two_base_models_to_scratch_and_accounts_for_every_attempt(lives: Lives) -> None:
    life = lives["ladder"].until_accounted()
    status = life.status
    assert life.state == "ObjectiveMissed"
    tried = [(one.method, one.base_model.name if one.base_model else None) for one in status.attempts]
    assert sorted(tried[:2]) == [(Method.LINEAR_PROBE, "narrow"), (Method.LINEAR_PROBE, "wide")]
    assert tried[2:] == [(Method.FROM_SCRATCH, None)]
    assert {one.outcome for one in status.attempts} == {"Missed"}
    assert status.result is not None
    assert status.result.met is False
    assert status.result.quality == max(one.quality for one in status.attempts if one.quality is not None)
    report = life.report().spec
    assert (report.state, report.totals, report.attempts) == (life.state, status.totals, status.attempts)
    assert status.totals is not None
    spent = [one.energy_joules for one in status.attempts if one.energy_joules]
    assert len(spent) == len(tried)
    assert status.totals.energy_joules == pytest.approx(sum(spent), rel=Decimal("0.01"))


def test_a_users_own_container_and_template_keep_the_pod_contract_and_vouch_for_themselves(lives: Lives) -> None:
    for name in ("own-container", "own-template"):
        life = lives[name].until_accounted()
        assert life.state == "ObjectiveMet", life
        [attempt] = life.status.attempts
        assert (attempt.quality, attempt.evidence) == (Decimal("0.97"), Evidence.SELF_REPORTED)
        result = life.status.result
        assert result is not None
        assert result.evidence is Evidence.SELF_REPORTED
        assert result.output.startswith(f"pvc://{MODELS}/out/{name}/")
        assert f"trained {name} for text-classification" in life.log()


def test_faults_of_one_job_stand_in_its_conditions_and_trouble_no_other(lives: Lives) -> None:
    wrong, missing, hungry = lives["wrong-digest"], lives["no-claim"], lives["out-of-memory"]
    wrong.until_accounted()
    assert wrong.state == "AttemptFailed"
    assert "topics/train.parquet" in wrong.message
    assert "sha256" in wrong.message
    hungry.until_accounted()
    assert hungry.state == "OutOfMemory"
    assert "memory" in hungry.message
    missing.until_state("Unschedulable")
    assert '"nowhere"' in missing.message
    assert find(missing.status.conditions, "Running").status == "False"  # type: ignore[union-attr]
    missing.kubectl("delete", "trainingjob", missing.name, "--timeout=120s")
    assert lives["own-container"].until_accounted().state == "ObjectiveMet"


def test_a_job_for_accelerators_waits_for_them_lands_on_them_and_is_accounted_with_them(ground: Ground) -> None:
    create(ground.cluster, accelerators.profile())
    asked = {"profiles": [accelerators.PROFILE], "acceleratorsPerPod": 2, "cpu": "100m", "memory": "128Mi"}
    wanted = job("on-gpus").set("spec.resources", asked).container(ground.own_image, env=[])
    life = Life.begin(ground.cluster, wanted).until_state("Unschedulable")
    assert accelerators.RESOURCE in life.message
    with accelerators.advertised(ground.cluster):
        life.until_accounted()
    assert life.state == "Completed"
    [pod] = life.pods()
    [main] = pod["spec"]["containers"]
    assert main["resources"]["limits"][accelerators.RESOURCE] == "2"
    assert pod["spec"]["nodeName"]
    [attempt] = life.status.attempts
    assert (attempt.profile, attempt.accelerators) == (accelerators.PROFILE, 2)
    totals = life.status.totals
    assert totals is not None
    joules = {part.component: part.joules for part in totals.parts}
    assert joules[Component.ACCELERATOR] > 0


def test_deleting_the_namespace_of_a_running_job_hangs_nowhere_and_settles_its_account(ground: Ground) -> None:
    cluster = ground.cluster
    before = settled(cluster, SHORT_LIVED).get("Deleted", 0)
    create(cluster, namespace(SHORT_LIVED), claim(SHORT_LIVED, CORPORA), claim(SHORT_LIVED, MODELS))
    sleeper = (
        job("sleeper").namespace(SHORT_LIVED).set("spec.trainer.template", template(ground.own_image, ACT="sleep"))
    )
    Life.begin(cluster, sleeper).until_state("Running")
    cluster.kubectl("delete", "namespace", SHORT_LIVED, "--timeout=300s")
    until(lambda: settled(cluster, SHORT_LIVED).get("Deleted", 0) == before + 1, "the ledger to count the job")
    until(lambda: (found := ledger(cluster, SHORT_LIVED)) and not found.spec.entries, "the ledger to drop its entry")


def test_kubectl_and_its_plugin_tell_the_story(lives: Lives, cluster: Cluster, tmp_path: Path) -> None:
    patience = f"--timeout={PATIENCE_SECONDS}s"
    waited = lives["undisturbed"].kubectl("wait", "--for=condition=Finished", "trainingjob/undisturbed", patience)
    assert "condition met" in waited
    line = r"epoch 1\.0, step \d+: Accuracy [01]\.\d+ \(\+-0\.\d+\) on validation"
    assert re.search(line, lives["undisturbed"].log())
    described = lives["own-container"].kubectl("describe", "trainingjob", "own-container")
    for word in ("ObjectiveMet", "SelfReported", "AttemptStarted", "Accounted"):
        assert word in described
    manifest = tmp_path / "job.json"
    manifest.write_text(json.dumps(job("planned").target("0.9").methods("LinearProbe").body()))
    planned = json.loads(coppice(cluster, "plan", "-f", str(manifest), "-o", "json"))
    assert {rung["baseModel"]["name"] for rung in planned["ladder"]} <= {"narrow", "wide"}
    assert "NoScratchPlan" in coppice(cluster, "plan", "-f", str(manifest))
    assert "SelfReported" in coppice(cluster, "explain", "own-container", "-n", NAMESPACE)
    assert "own-container-2 created" in coppice(cluster, "retry", "own-container", "-n", NAMESPACE)
    again = Life(cluster, NAMESPACE, "own-container-2").until_accounted()
    assert again.state == "ObjectiveMet"
    assert again.report().metadata.name != lives["own-container"].report().metadata.name


def coppice(cluster: Cluster, *arguments: str) -> str:
    """`kubectl coppice …`, found on the PATH as kubectl finds its plugins."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{cluster.variables['PATH']}"
    command = (cluster.tools.program("kubectl"), "coppice", *arguments)
    environment = {**os.environ, **cluster.variables, "PATH": path, "COLUMNS": "200"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
