"""The main container's first process: trains and evaluates (or probes) in others, meters them, and answers.

It stays small (no torch), so that it survives what kills its children and can still say what happened. The model's
digests are taken between the two and compared after the second, which alone opens the evaluation data.
"""

import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coppice.api.result import Fault, Outcome, Reason, Result, Stopped, TrainedModel, termination_message
from coppice.api.run import EXIT_DONE, EXIT_RESUME, INDEX_VARIABLE, POD_UID_VARIABLE, TERMINATION_LOG, WORK_MOUNT, Run
from coppice.api.vocabulary import AttemptKind
from coppice.trainer.faults import TrainerError, exit_code_of, fault_of
from coppice.trainer.fetch_usage import read_fetch_usage
from coppice.trainer.files import digest_of, listing
from coppice.trainer.meter.meter import Meter
from coppice.trainer.report import Report, read_report
from coppice.trainer.state import AttemptState

GRACE_SECONDS = 25
"""How long a child may take to checkpoint after SIGTERM: Kubernetes kills the pod after 30 s by default."""

log = logging.getLogger("coppice.run")


@dataclass(frozen=True)
class Surroundings:
    """What the pod's environment says, and where the program may write."""

    pod_uid: str
    index: int
    work: Path
    termination_log: Path
    child: tuple[str, ...] = (sys.executable, "-m", "coppice.trainer")

    @classmethod
    def of_pod(cls, work: str = WORK_MOUNT, termination_log: str = TERMINATION_LOG) -> "Surroundings":
        """Reads the pod's environment variables; outside a pod the process id stands in for the pod's uid."""
        uid = os.environ.get(POD_UID_VARIABLE) or f"local-{os.getpid()}"
        return cls(uid, int(os.environ.get(INDEX_VARIABLE) or 0), Path(work), Path(termination_log))


@dataclass
class Supervisor:
    """One pod of one attempt, from its first process to its last word."""

    run: Run
    run_file: Path
    surroundings: Surroundings
    _child: subprocess.Popen[bytes] | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _report_file: Path | None = None
    _done: Report = field(default_factory=Report)
    _writing: threading.Lock = field(default_factory=threading.Lock)
    _answered: bool = False

    def __post_init__(self) -> None:
        self.state = AttemptState(self.run, self.surroundings.pod_uid)
        self.meter = Meter(self.run.meter, beat=self._beat)

    def execute(self) -> int:
        """Does what is left of the attempt and returns the exit code."""
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        signal.signal(signal.SIGINT, lambda *_: self._stop())
        self.meter.add_init_step(*read_fetch_usage(self.surroundings.work))
        with self.meter:
            try:
                return self._answer()
            except Exception as error:
                fault = fault_of(error)
                if fault.reason is Reason.INTERNAL:
                    log.exception("unexpected error")
                return self._failed(fault)

    def _answer(self) -> int:
        finished = self.state.finished()
        if finished is not None:
            log.info("the result is on the volume already; it is emitted again")
            return self._emit_again(finished)
        if self.surroundings.index > 0:
            raise TrainerError(Reason.UNSUPPORTED, "the built-in trainer runs on one pod; set resources.pods to 1")
        self._beat()
        if self.run.kind is AttemptKind.PROBE:
            report = self._run_child("probe", self._deadline())
            return self._checkpointed() if report is None else self._probed(report)
        model = self._trained_model()
        if model is None:
            return self._checkpointed()
        evaluation = self._run_child("evaluate", ())
        if evaluation is None:
            return self._checkpointed()
        if digest_of(listing(self.state.model)) != model.digest:
            raise TrainerError(Reason.MODEL_CHANGED, "the model's files changed while it was evaluated")
        return self._completed(model, evaluation)

    def _trained_model(self) -> TrainedModel | None:
        """The trained model with its digests, from this pod or an earlier one; None when asked to stop first."""
        trained = self.state.trained()
        if trained and self.state.model.is_dir() and digest_of(listing(self.state.model)) == trained.model.digest:
            log.info("training was over before this pod started")
            self._done = trained.report.model_copy(
                update={"examples_seen": 0, "tokens_seen": 0, "counted_teraflop": None}
            )
            return trained.model
        report = self._run_child("train", self._deadline())
        if report is None:
            return None
        self._done = report
        files = listing(self.state.model)
        model = TrainedModel(
            directory=str(self.state.model),
            digest=digest_of(files),
            files=files,
            parameters=report.parameters,
            labels=report.labels,
        )
        self.state.write_trained(report, model)
        return model

    def _deadline(self) -> Sequence[str]:
        if self.run.limits.run_seconds is None:
            return ()
        before = sum(float(pod.run_seconds or 0) for pod in self.state.earlier())
        before += float(self.meter.usage().run_seconds or 0)
        return ("--seconds-left", str(max(0, int(self.run.limits.run_seconds - before))))

    def _run_child(self, command: str, arguments: Sequence[str]) -> Report | None:
        """Runs one process to its end; None when it stopped because it was asked to.

        Raises TrainerError with the child's own reason, or OutOfMemory when the kernel killed it.
        """
        if self._stopping.is_set():
            return None
        report_file = self.surroundings.work / f"{command}-report.json"
        report_file.unlink(missing_ok=True)
        self._report_file = None if command == "evaluate" else report_file
        line = [*self.surroundings.child, command, "--run", str(self.run_file), "--report", str(report_file)]
        # Threads that wait by spinning use energy for nothing and starve their neighbours.
        surroundings = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        self._child = subprocess.Popen([*line, *arguments], env=surroundings)  # noqa: S603 (our own program)
        if self._stopping.is_set():
            self._child.terminate()
        code = self._child.wait()
        report = read_report(report_file)
        if command != "evaluate":
            self._done, self._report_file = report, None
        if code == EXIT_DONE:
            return report
        if code == EXIT_RESUME or self._stopping.is_set():
            return None
        raise _child_error(command, code, report)

    def _stop(self) -> None:
        """Asks the child to checkpoint; what it has not written after the grace period is lost."""
        self._stopping.set()
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
            killer = threading.Timer(GRACE_SECONDS, child.kill)
            killer.daemon = True
            killer.start()

    def _beat(self) -> None:
        """Leaves a sign of life on the volume, unless the pod has had its last word."""
        with self._writing:
            if not self._answered:
                try:
                    self.state.write_pod(self._result(Outcome.RUNNING))
                except OSError as error:
                    log.warning("the output volume takes no sign of life: %s", error)

    def _write_last(self, result: Result) -> None:
        with self._writing:
            self._answered = True
            self.state.write_pod(result)

    def _result(self, outcome: Outcome, **more: object) -> Result:
        done = read_report(self._report_file) if self._report_file else self._done
        fields = {name: getattr(done, name) for name in _REPORTED}
        return Result.model_validate(
            {
                **dict(self.meter.usage()),
                **fields,
                "job_uid": self.run.job_uid,
                "attempt": self.run.attempt,
                "pod_uid": self.surroundings.pod_uid,
                "index": self.surroundings.index,
                "outcome": outcome,
                "accelerator": self.meter.accelerator,
                "peak_memory_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
                **more,
            }
        )

    def _completed(self, model: TrainedModel, evaluation: Report) -> int:
        result = self._result(
            Outcome.COMPLETED,
            model=model,
            metric=self.run.objective.metric,
            quality=evaluation.quality,
            n=evaluation.n,
            standard_error=evaluation.standard_error,
            earlier=self.state.earlier(),
            notes=(*self._done.notes, *evaluation.notes),
        )
        self._write_last(result)
        self.state.write_final(result)
        shutil.rmtree(self.state.checkpoints, ignore_errors=True)
        metric = self.run.objective.metric.value
        log.info("done: %s %s on %s examples", metric, evaluation.quality, evaluation.n)
        return self._say(result, EXIT_DONE)

    def _probed(self, report: Report) -> int:
        earlier = self.state.earlier()
        result = self._result(Outcome.COMPLETED, probed=report.probed, earlier=earlier, notes=report.notes)
        self._write_last(result)
        self.state.write_final(result)
        shutil.rmtree(self.state.checkpoints, ignore_errors=True)
        log.info("done: looked at %d base models", len(report.probed))
        return self._say(result, EXIT_DONE)

    def _emit_again(self, finished: Result) -> int:
        if finished.pod_uid == self.surroundings.pod_uid:
            return self._say(finished, EXIT_DONE)
        own = {**dict(self.meter.usage()), "examples_seen": 0, "tokens_seen": 0, "counted_teraflop": None}
        own |= {"pod_uid": self.surroundings.pod_uid, "earlier": self.state.earlier()}
        again = finished.model_copy(update=own)
        self._write_last(again)
        return self._say(again, EXIT_DONE)

    def _checkpointed(self) -> int:
        result = self._result(Outcome.CHECKPOINTED, stopped=Stopped.SIGNAL, earlier=self.state.earlier())
        self._write_last(result)
        log.info("stopped on request after step %d; the next pod goes on from the last checkpoint", result.steps)
        return self._say(result, EXIT_RESUME)

    def _failed(self, fault: Fault) -> int:
        log.error("%s: %s", fault.reason.value, fault.message)
        result = self._result(Outcome.FAILED, errors=(fault,), earlier=self.state.earlier())
        try:
            self._write_last(result)
        except OSError as error:
            log.warning("the output volume takes no result: %s", error)
        return self._say(result, exit_code_of(fault))

    def _say(self, result: Result, code: int) -> int:
        write_termination_message(self.surroundings.termination_log, result)
        return code


_REPORTED = (
    "steps",
    "epochs",
    "examples_seen",
    "tokens_seen",
    "counted_teraflop",
    "flop_method",
    "stopped",
    "validation_quality",
    "peak_accelerator_memory_bytes",
)


def write_termination_message(path: Path, result: Result) -> None:
    """The pod's last word; outside a pod there is nowhere to say it, and the volume has it anyway."""
    try:
        path.write_text(termination_message(result), encoding="utf-8")
    except OSError as error:
        log.info("no termination message: %s", error)


def _child_error(command: str, code: int, report: Report) -> TrainerError:
    if report.fault is not None:
        return TrainerError(report.fault.reason, report.fault.message)
    if code == -signal.SIGKILL:
        message = f"{command} was killed by the kernel, most likely for memory: ask for more, or use a smaller batch"
        return TrainerError(Reason.OUT_OF_MEMORY, message)
    return TrainerError(Reason.INTERNAL, f"{command} ended with code {code}; its log says why")
