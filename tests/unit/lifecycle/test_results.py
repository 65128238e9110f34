"""What a pod's termination messages say of its attempt."""

from datetime import UTC, datetime

from coppice.api.result import Fault, Outcome, Reason, Result
from coppice.lifecycle.attempts import result_of
from coppice.workloads.seen import ContainerEnd, SeenPod

END = datetime(2026, 3, 1, tzinfo=UTC)


def pod(**messages: str) -> SeenPod:
    ends = tuple(ContainerEnd(name=name, finished_at=END, message=text) for name, text in messages.items())
    return SeenPod(namespace="research", name="pod", uid="uid-1", job_uid="job", attempt=1, containers=ends)


def test_a_fetch_step_that_failed_says_why() -> None:
    fault = Fault(reason=Reason.DIGEST_MISMATCH, message="model.safetensors is not what was registered")
    failed = Result(attempt=1, pod_uid="", outcome=Outcome.FAILED, errors=(fault,))
    result = result_of(pod(fetch=failed.to_json()))
    assert result is not None
    assert (result.pod_uid, result.errors) == ("uid-1", (fault,))


def test_the_trainers_result_goes_before_that_of_the_fetch_step() -> None:
    done = Result(attempt=1, pod_uid="", outcome=Outcome.COMPLETED, quality="0.9")
    earlier = Result(attempt=1, pod_uid="", outcome=Outcome.FAILED)
    result = result_of(pod(fetch=earlier.to_json(), trainer=done.to_json()))
    assert result is not None
    assert result.outcome is Outcome.COMPLETED


def test_what_a_users_program_prints_is_no_result() -> None:
    assert result_of(pod(trainer="all good, thanks")) is None
