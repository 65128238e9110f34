"""A job with its decision, its verdict in one word, and the document that programs read.

The document is the decision record with a few more keys, so that whoever reads a record can read a plan:

    job        {namespace, name}
    verdict    Substituted (a base model is tried), FromScratch, or Refused (nothing would run)
    digest     of the decision; absent where it was refused
    refused    reason and message where it was refused; what was looked at stands beside it
    waits      what must be there before some rung can start; absent without any
    unlike     sentences: where the operator knows something else and may decide otherwise; absent without any

With --what-if there is one more, `whatIf`: {changes, and the same keys of the changed plan}.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from coppice.api.decision import DecisionRecord
from coppice.api.trainingjob import TrainingJob
from coppice.planning.decision import Refusal


class Verdict(StrEnum):
    """What would become of a job."""

    SUBSTITUTED = "Substituted"
    FROM_SCRATCH = "FromScratch"
    REFUSED = "Refused"


class Expectation(StrEnum):
    """What a repository asks of its manifests."""

    SUBSTITUTED = "substituted"
    FROM_SCRATCH = "from-scratch"
    RUNS = "runs"


EXIT_CODES = {Verdict.FROM_SCRATCH: 3, Verdict.REFUSED: 4, Verdict.SUBSTITUTED: 5}
"""Of a plan that is not what was expected; of several the worst: refused, then from scratch, then substituted."""
WORST = (Verdict.REFUSED, Verdict.FROM_SCRATCH, Verdict.SUBSTITUTED)
MEETS = {
    Expectation.SUBSTITUTED: {Verdict.SUBSTITUTED},
    Expectation.FROM_SCRATCH: {Verdict.FROM_SCRATCH},
    Expectation.RUNS: {Verdict.SUBSTITUTED, Verdict.FROM_SCRATCH},
}


@dataclass(frozen=True)
class Planned:
    """One job and what the operator would decide for it."""

    job: TrainingJob
    decision: DecisionRecord | Refusal
    unlike: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()

    @property
    def record(self) -> DecisionRecord | None:
        """Everything that was looked at; None where nothing was."""
        return self.decision.record if isinstance(self.decision, Refusal) else self.decision

    @property
    def verdict(self) -> Verdict:
        """What would become of the job; a probe of base models counts as trying one."""
        if isinstance(self.decision, Refusal):
            return Verdict.REFUSED
        tries = self.decision.probe is not None or any(rung.base_model for rung in self.decision.ladder)
        return Verdict.SUBSTITUTED if tries else Verdict.FROM_SCRATCH

    def document(self) -> dict[str, Any]:
        """For programs; see the module's text."""
        metadata = self.job.metadata
        head: dict[str, Any] = {
            "job": {"namespace": metadata.namespace or "", "name": metadata.name},
            "verdict": self.verdict.value,
            **({"waits": list(self.waits)} if self.waits else {}),
            **({"unlike": list(self.unlike)} if self.unlike else {}),
        }
        if isinstance(self.decision, Refusal):
            found = self.record.wire() if self.record else {}
            told = {"refused": self.decision.reason.value, "message": self.decision.message}
            return {**head, **found, **told}
        return {**head, "digest": self.decision.digest, **self.decision.wire()}


def exit_code(verdicts: list[Verdict], expected: Expectation | None) -> int:
    """0 where every job is as expected, or nothing is expected."""
    missed = [verdict for verdict in verdicts if expected and verdict not in MEETS[expected]]
    return next((EXIT_CODES[verdict] for verdict in WORST if verdict in missed), 0)
