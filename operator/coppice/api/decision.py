"""The decision record: everything that led to a choice, frozen when it is made.

The record is an annotation of the child, so it exists atomically with it and before any pod; status and report
copy it. It replays: the same record in, the same ladder out. Canonical JSON (sorted keys, no spaces) makes its
sha256 the name of the decision.
"""

import base64
import hashlib
import json
import zlib
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from coppice.api.base import DecimalString, Interval, Model
from coppice.api.meta import BaseModelReference
from coppice.api.reasons import DecisionReason
from coppice.api.vocabulary import Basis, IntensityMethod, IntensitySignal, Method, Mode, OptimizeFor

MAX_ENCODED_BYTES = 8192
MAX_CANDIDATES = 20


class Intensity(Model):
    """A carbon intensity with everything needed to compare it honestly with another."""

    zone: str
    grams_per_kilowatt_hour: DecimalString
    method: IntensityMethod
    signal: IntensitySignal
    period: str = Field(description="Year or time range that the value stands for.")
    source: str


class EstimateRecord(Model):
    """What a candidate is expected to use; facility energy, carbon operational plus embodied."""

    flops: Interval
    memory_bytes: Interval
    run_seconds: Interval
    energy_watt_hours: Interval
    operational_grams: Interval
    embodied_grams: Interval
    carbon_grams: Interval
    cost: Interval | None = None
    expected: DecimalString = Field(description="Mean in the unit of optimizeFor.")
    inputs: dict[str, DecimalString | str] = Field(default_factory=dict, description="Every input the estimate used.")


class ChanceRecord(Model):
    """Probability of meeting the objective: the prior, what moved it, and with how many observations."""

    value: DecimalString
    prior: DecimalString
    observations: int = 0
    basis: str = Field(description="'prior only', or where the observations come from.")
    inputs: dict[str, DecimalString | str] = Field(default_factory=dict)


class CandidateRecord(Model):
    """Base model x method x accelerator configuration, with its estimate and chance."""

    method: Method
    base_model: BaseModelReference | None = None
    profile: str
    accelerators_per_pod: int = 0
    pods: int = 1
    estimate: EstimateRecord
    chance: ChanceRecord
    hyperparameters: dict[str, DecimalString | int] = Field(default_factory=dict)


class CounterfactualRecord(Model):
    """What the job would cost from scratch."""

    basis: Basis
    estimate: EstimateRecord
    report: str = Field(default="", description="Report of the control, for basis Measured.")


class SpentRecord(Model):
    """What the job's earlier attempts used up before this decision."""

    energy_watt_hours: DecimalString = Decimal(0)
    carbon_grams: DecimalString = Decimal(0)
    run_seconds: int = 0
    train_attempts: int = 0


class DecisionRecord(Model):
    """One decision, whole."""

    software_version: str
    decided_at: datetime
    job_uid: str
    generation: int
    mode: Mode
    optimize_for: OptimizeFor
    reason: DecisionReason
    message: str
    resolved: dict[str, Any]
    policies: tuple[str, ...] = ()
    intensity: Intensity
    pue: DecimalString
    spent: SpentRecord = SpentRecord()
    ladder: tuple[CandidateRecord, ...] = ()
    forgone: CandidateRecord | None = None
    counterfactual: CounterfactualRecord | None = None
    expected_saving_grams: Interval | None = None
    limitations: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    unacknowledged: tuple[str, ...] = ()
    considered: int = 0
    rejected: dict[str, int] = Field(default_factory=dict)
    rejections: dict[str, str] = Field(default_factory=dict, description="First sentence per reason, for explanation.")
    candidates: tuple[CandidateRecord, ...] = ()
    candidates_left_out: int = 0
    catalogue_digest: str = ""

    def canonical(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        return json.dumps(self.wire(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def digest(self) -> str:
        """`sha256:` of the canonical JSON."""
        return "sha256:" + hashlib.sha256(self.canonical().encode()).hexdigest()

    def encoded(self) -> str:
        """zlib and base64 of the canonical JSON, as it stands in annotation and report."""
        return base64.b64encode(zlib.compress(self.canonical().encode(), 9)).decode()

    def fitted(self) -> "DecisionRecord":
        """This record with as many candidates as fit into 8 KiB encoded; the number left out is recorded."""
        record = self
        while len(record.encoded()) > MAX_ENCODED_BYTES and record.candidates:
            kept = record.candidates[:-1]
            left_out = record.candidates_left_out + 1
            record = record.model_copy(update={"candidates": kept, "candidates_left_out": left_out})
        return record


def decode_record(text: str) -> DecisionRecord:
    """The record from its annotation.

    Raises ValueError where the text is no record; whoever reads it says on which object it stood.
    """
    try:
        return DecisionRecord.model_validate_json(zlib.decompress(base64.b64decode(text, validate=True)))
    except (zlib.error, ValueError) as error:
        raise ValueError(f"not a decision record: {error}") from error
