"""What an attempt keeps on the output volume, so that any pod of it can go on where the last one stopped.

    model/            the trained model, complete or absent
    checkpoints/      of a training in progress; removed when the attempt has its result
    trained.json      training is over: its report and the model's digests
    pods/<uid>.json   each pod's own result; Running until it says otherwise
    result.json       the final result, emitted again by a pod that finds it

Files of another job or attempt are not believed: every one carries job uid and attempt number.
"""

from collections.abc import Iterator
from pathlib import Path

from coppice.api.base import Model
from coppice.api.result import RESULT_FILE, EarlierPod, Outcome, Result, TrainedModel, parse_result
from coppice.api.run import MODEL_DIRECTORY, Run
from coppice.trainer.files import write_whole
from coppice.trainer.report import Report


class Trained(Model):
    """A training that is over."""

    job_uid: str
    attempt: int
    report: Report
    model: TrainedModel


class AttemptState:
    """The directory of one attempt on the output volume."""

    def __init__(self, run: Run, pod_uid: str) -> None:
        self._run = run
        self.pod_uid = pod_uid
        self.root = Path(run.output_directory)
        self.model = self.root / MODEL_DIRECTORY
        self.checkpoints = self.root / "checkpoints"
        self.pods = self.root / "pods"

    def finished(self) -> Result | None:
        """The final result, if an earlier pod or an earlier start of this one wrote it."""
        found = self._result(self.root / RESULT_FILE)
        return found if found and found.outcome is Outcome.COMPLETED else None

    def write_pod(self, result: Result) -> None:
        """Leaves this pod's own word on the volume."""
        write_whole(self.pods / f"{self.pod_uid}.json", result.model_copy(update={"earlier": ()}).to_json())

    def write_final(self, result: Result) -> None:
        """Leaves the final result on the volume, before anybody else hears of it."""
        write_whole(self.root / RESULT_FILE, result.to_json())

    def earlier(self) -> tuple[EarlierPod, ...]:
        """What other pods of this attempt left; one that never said it ended is Lost."""
        return tuple(sorted(self._others(), key=lambda pod: (str(pod.started_at), pod.pod_uid)))

    def trained(self) -> Trained | None:
        """The training, if it is over."""
        try:
            found = Trained.model_validate_json((self.root / "trained.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if (found.job_uid, found.attempt) == (self._run.job_uid, self._run.attempt) else None

    def write_trained(self, report: Report, model: TrainedModel) -> None:
        """Notes that training is over, with what the model then was."""
        value = Trained(job_uid=self._run.job_uid, attempt=self._run.attempt, report=report, model=model)
        write_whole(self.root / "trained.json", value.model_dump_json(by_alias=True, exclude_none=True))

    def _others(self) -> Iterator[EarlierPod]:
        for path in self.pods.glob("*.json"):
            found = self._result(path)
            if found and found.pod_uid != self.pod_uid:
                outcome = Outcome.LOST if found.outcome is Outcome.RUNNING else found.outcome
                fields = {name: getattr(found, name) for name in EarlierPod.model_fields}
                yield EarlierPod(**{**fields, "outcome": outcome})

    def _result(self, path: Path) -> Result | None:
        try:
            found = parse_result(path.read_text(encoding="utf-8"))
        except OSError:
            return None
        ours = found is not None and (found.job_uid, found.attempt) == (self._run.job_uid, self._run.attempt)
        return found if ours else None
