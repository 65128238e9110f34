"""What a pod answers: its result, and how that fits the 4,096 bytes of a termination message.

The whole result goes to the output volume first. The termination message is the same thing shortened, so that the
operator needs no access to volumes: energy slots are merged before anything else is given up, because a merged slot
loses only the time resolution of carbon, while a lost digest or a lost earlier pod loses a fact.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from coppice.api.base import DecimalString, Model, Sha256
from coppice.api.basemodel import ModelFile
from coppice.api.run import TERMINATION_LIMIT_BYTES
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import Component, Grade, Metric

SLOT_SECONDS = 900
MAX_SLOTS = 96
RESULT_FILE = "result.json"
MOST = 10**18
"""Of anything counted: what status can hold is a signed integer of 64 bits."""


class Outcome(StrEnum):
    """How far a pod came."""

    COMPLETED = "Completed"
    CHECKPOINTED = "Checkpointed"
    FAILED = "Failed"
    RUNNING = "Running"
    LOST = "Lost"


class Stopped(StrEnum):
    """Why training ended."""

    EPOCHS = "Epochs"
    EARLY = "EarlyStopping"
    RUN_SECONDS = "RunSeconds"
    SIGNAL = "Signal"
    NOT_TRAINED = "NotTrained"
    CONVERGED = "Converged"
    TARGET = "TargetReached"


class Reason(StrEnum):
    """Short codes of what went wrong, for programs; the message is for people."""

    INVALID_RUN = "InvalidRun"
    UNSUPPORTED = "Unsupported"
    MISSING_COLUMN = "MissingColumn"
    BAD_DATA = "BadData"
    UNKNOWN_LABEL = "UnknownLabel"
    TOO_FEW_EXAMPLES = "TooFewExamples"
    BAD_MODEL = "BadModel"
    MODEL_CHANGED = "ModelChanged"
    SOURCE_MISSING = "SourceMissing"
    SOURCE_UNREACHABLE = "SourceUnreachable"
    DIGEST_MISMATCH = "DigestMismatch"
    UNSAFE_PATH = "UnsafePath"
    HOST_DENIED = "HostDenied"
    PICKLE_REFUSED = "PickleRefused"
    REMOTE_CODE_REFUSED = "RemoteCodeRefused"
    OUT_OF_MEMORY = "OutOfMemory"
    NO_SPACE = "NoSpace"
    ACCELERATOR_FAULT = "AcceleratorFault"
    INTERNAL = "InternalError"


class Fault(Model):
    """One thing that went wrong, for the person who must act."""

    reason: Reason
    message: str = Field(max_length=1024)


class EnergySeries(Model):
    """Joules of one component by slot: joules[i] was spent in the i-th slot after the result's `slotsStart`."""

    component: Component
    grade: Grade
    source: str = Field(
        default="", max_length=64, description="Which meter: cpu-seconds, rapl, nvml-counter, nvml-power."
    )
    joules: tuple[DecimalString, ...] = Field(max_length=MAX_SLOTS)


class Energy(Model):
    """What this pod measured of itself: never host idle, which is a matter of reserved time and not seen from inside."""

    slots_start: datetime = Field(description="Start of the first slot, aligned to the slot length in UTC.")
    slot_seconds: int = Field(
        default=SLOT_SECONDS, ge=1, description="900 or, where slots were merged, a multiple of it."
    )
    covered_seconds: int = Field(default=0, ge=0, description="Seconds that the meter covered.")
    series: tuple[EnergySeries, ...] = Field(default=(), max_length=8)


class TrainedModel(Model):
    """The model as it was before the evaluation data was opened."""

    directory: str = Field(max_length=1024, description="In the pod's file system, below the output mount.")
    digest: Sha256 = Field(description="sha256 over the lines `<sha256 hex>  <name>` of its files, sorted by name.")
    parameters: int | None = Field(default=None, ge=0, le=MOST)
    labels: tuple[str, ...] = Field(default=(), max_length=1024)
    files: tuple[ModelFile, ...] = Field(
        default=(), max_length=256, description="Left out where the message is too long."
    )


class Usage(Model):
    """What one pod used."""

    started_at: datetime | None = None
    ended_at: datetime | None = None
    run_seconds: DecimalString | None = Field(
        default=None, description="From the start of this pod's first program to its last sign."
    )
    cpu_seconds: DecimalString | None = Field(
        default=None, description="User and system time of every process in the pod's containers."
    )
    examples_seen: int = Field(
        default=0, ge=0, le=MOST, description="Training examples that this pod processed, repeats included."
    )
    tokens_seen: int = Field(
        default=0,
        ge=0,
        le=MOST,
        description="Tokens (or image patches) that this pod processed in training, padding included.",
    )
    counted_teraflop: DecimalString | None = Field(
        default=None, description="10^12 floating-point operations of this pod."
    )
    energy: Energy | None = None


class EarlierPod(Usage):
    """What an earlier pod of the same attempt left on the volume; Lost means it stopped without a word."""

    pod_uid: str = Field(max_length=64)
    outcome: Outcome


class Result(Usage):
    """What one pod has to say about one attempt."""

    job_uid: str = Field(default="", max_length=64)
    attempt: int = Field(ge=1)
    pod_uid: str = Field(max_length=64)
    index: int = Field(default=0, ge=0, description="Completion index; only index 0 carries a quality.")
    outcome: Outcome
    metric: Metric | None = None
    quality: DecimalString | None = Field(default=None, description="Of the saved model on the evaluation data.")
    n: int | None = Field(default=None, ge=0, le=MOST, description="Evaluation examples.")
    standard_error: DecimalString | None = None
    validation_quality: DecimalString | None = Field(
        default=None, description="On the part split from the training data."
    )
    steps: int = Field(default=0, ge=0, le=MOST, description="Optimiser steps of the attempt, continued over its pods.")
    epochs: DecimalString | None = Field(
        default=None, description="Passes over the training part, continued over its pods."
    )
    stopped: Stopped | None = None
    flop_method: str = Field(default="", max_length=64, description="How countedTeraflop came about.")
    peak_memory_bytes: int | None = Field(default=None, ge=0, le=MOST)
    peak_accelerator_memory_bytes: int | None = Field(default=None, ge=0, le=MOST)
    accelerator: str = Field(
        default="", max_length=64, description="What the program saw, such as NVIDIA H200; empty without one."
    )
    model: TrainedModel | None = None
    probed: tuple[ProbedModel, ...] = Field(
        default=(), max_length=8, description="What an attempt of kind Probe saw, one entry for each base model."
    )
    earlier: tuple[EarlierPod, ...] = Field(
        default=(), max_length=64, description="Other pods of this attempt, each once."
    )
    errors: tuple[Fault, ...] = Field(default=(), max_length=8)
    notes: tuple[str, ...] = Field(default=(), max_length=8, description="What a reader of the figures should know.")

    def to_json(self) -> str:
        """Compact JSON: aliases, no nulls, defaults left out."""
        return self.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True)


def parse_result(text: str) -> Result | None:
    """The result in a termination message, or None when it holds none (a user's program may print anything)."""
    try:
        return Result.model_validate_json(text)
    except ValueError:
        return None


def termination_message(result: Result, limit_bytes: int = TERMINATION_LIMIT_BYTES) -> str:
    """The result in at most so many bytes: first fewer energy slots, then less detail, never less than the outcome.

    The sums of energy, the quality and the model's digest survive every step but the last.
    """
    steps: Iterable[Callable[[Result], Result]] = (
        *(lambda value, n=n: _with_slots(value, n) for n in (48, 24, 12, 6)),
        _without_labels,
        *(lambda value, n=n: _with_slots(value, n) for n in (3, 1)),
        _with_short_texts,
        _with_earlier_short,
        _without_files,
        _bare,
    )
    text = result.to_json()
    for step in steps:
        if len(text.encode()) <= limit_bytes:
            return text
        result = step(result)
        text = result.to_json()
    return text


def slot_start(moment: datetime, slot_seconds: int = SLOT_SECONDS) -> datetime:
    """The start of the slot that a moment lies in, aligned to the UTC day."""
    seconds = int(moment.timestamp())
    return datetime.fromtimestamp(seconds - seconds % slot_seconds, tz=UTC)


def merged_slots(energy: Energy, at_most: int) -> Energy:
    """The same joules in at most so many slots: slot lengths double, starts stay aligned, sums stay equal."""
    while energy.series and max(len(series.joules) for series in energy.series) > at_most:
        energy = _halved(energy)
    return energy


def _halved(energy: Energy) -> Energy:
    seconds = energy.slot_seconds * 2
    start = slot_start(energy.slots_start, seconds)
    lead = (energy.slots_start - start) // timedelta(seconds=energy.slot_seconds)
    series = tuple(item.model_copy(update={"joules": _pairs(item.joules, lead)}) for item in energy.series)
    return energy.model_copy(update={"slots_start": start, "slot_seconds": seconds, "series": series})


def _pairs(values: Sequence[Decimal], lead: int) -> tuple[Decimal, ...]:
    padded = [Decimal(0)] * lead + list(values)
    padded += [Decimal(0)] * (len(padded) % 2)
    return tuple(first + second for first, second in zip(padded[::2], padded[1::2], strict=True))


def _with_slots(result: Result, at_most: int) -> Result:
    if result.energy is None:
        return result
    return result.model_copy(update={"energy": merged_slots(result.energy, at_most)})


def _without_labels(result: Result) -> Result:
    if result.model is None:
        return result
    return result.model_copy(update={"model": result.model.model_copy(update={"labels": ()})})


def _with_short_texts(result: Result) -> Result:
    errors = tuple(fault.model_copy(update={"message": fault.message[:200]}) for fault in result.errors[:2])
    probed = tuple(_told_briefly(item, 60) for item in result.probed)
    notes = tuple(note[:120] for note in result.notes[:1])
    return result.model_copy(update={"errors": errors, "notes": notes, "probed": probed})


def _told_briefly(item: ProbedModel, length: int) -> ProbedModel:
    return item.model_copy(update={"message": item.message[:length]})


def _with_earlier_short(result: Result) -> Result:
    return result.model_copy(update={"earlier": tuple(_one_slot(pod) for pod in result.earlier)})


def _one_slot(pod: EarlierPod) -> EarlierPod:
    energy = merged_slots(pod.energy, 1) if pod.energy else None
    return EarlierPod(
        pod_uid=pod.pod_uid,
        outcome=pod.outcome,
        started_at=pod.started_at,
        cpu_seconds=pod.cpu_seconds,
        tokens_seen=pod.tokens_seen,
        energy=energy,
    )


def _without_files(result: Result) -> Result:
    if result.model is None:
        return result
    return result.model_copy(update={"model": result.model.model_copy(update={"files": ()})})


def _bare(result: Result) -> Result:
    kept = {"job_uid", "attempt", "pod_uid", "index", "outcome", "metric", "quality", "n", "standard_error"}
    kept |= {"started_at", "ended_at", "cpu_seconds", "steps"}
    probed = tuple(_told_briefly(item, 0) for item in result.probed)
    return Result(**{name: getattr(result, name) for name in kept}, probed=probed)
