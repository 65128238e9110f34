"""Where a plan made here is unlike what the operator would decide, said with the plan.

A plan is the operator's own function, asked with what this program can see. Two inputs may differ, and both are told
instead of made equal: live carbon intensity takes an operator that has asked for it for a while, and counting an
unknown network takes torch, which the operator does without. The price of the second is one more decision.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coppice.api.decision import DecisionRecord
from coppice.api.trainingjob import TrainingJobSpec
from coppice.planning.decision import Refusal
from coppice.planning.network import Network

Count = Callable[[TrainingJobSpec], Network | None]


@dataclass
class NotedCount:
    """Counts unknown networks, and knows afterwards whether it did."""

    count: Count
    used: bool = False

    def __call__(self, spec: TrainingJobSpec) -> Network | None:
        """The network of the job's plan from scratch, if it can be counted."""
        network = self.count(spec)
        self.used = self.used or network is not None
        return network


def unlike(uncounted: DecisionRecord | Refusal | None, sources: Sequence[str]) -> tuple[str, ...]:
    """Sentences for what differs: the decision without a count, where one was used, and the operator's live sources."""
    said = []
    if sources:
        said.append(
            f"priced with the shipped table; the operator asks {', '.join(sources)} first, so that its grams and its "
            "digest differ"
        )
    if uncounted is not None:
        said.append(
            "torch counted the network of fromScratch.config here; the operator, which has no torch, would decide "
            f"{_brief(uncounted)}"
        )
    return tuple(said)


def _brief(decision: DecisionRecord | Refusal) -> str:
    if isinstance(decision, Refusal):
        return f"{decision.reason}: {decision.message}"
    basis = decision.counterfactual.basis.lower() if decision.counterfactual else "no"
    return f"{decision.reason}, against {'an' if basis == 'assumed' else 'a'} {basis} plan from scratch"
