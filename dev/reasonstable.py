"""The tables of reasons in docs/operations.md, made from the reasons themselves, so that no reason lacks its sentence.

What stands between the two marks is generated; the rest of the page is written by hand.
"""

from __future__ import annotations

import re

from coppice.api import reasons

BEGIN, END = "<!-- generated from api/reasons.py by `make generate` -->", "<!-- end of what is generated -->"
WHERE: dict[type[reasons.Reason], str] = {
    reasons.StateReason: "State of a job: the reason of `Succeeded`, `Failed`, `Finished` and `Running`",
    reasons.SuspendReason: "What a job waits for: the reason of `Suspended`",
    reasons.AccountReason: "The account: the reason of `Accounted`",
    reasons.AttemptOutcome: "How an attempt ended: `status.attempts[].outcome`",
    reasons.DecisionReason: "Why this plan: `status.decision.reason`",
    reasons.FitReason: "Why a candidate is no candidate: `status.decision.rejected` and the decision's record",
    reasons.WorkloadReason: "How a workload that nobody decided about ended: `spec.state` of its TrainingReport",
    reasons.ModelReason: "Whether a base model can be used: the reason of its `Ready`",
    reasons.EventReason: "Events",
}


def filled(page: str) -> str:
    """The page with the tables as they must be; without marks they come at its end."""
    between = f"{BEGIN}\n\n{tables()}\n{END}"
    if BEGIN not in page:
        return f"{page.rstrip()}\n\n{between}\n"
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: between, page, flags=re.DOTALL)


def tables() -> str:
    """One table for each kind of reason. Raises KeyError for a kind that has no place yet."""
    kinds = reasons.Reason.__subclasses__()
    missing = [kind.__name__ for kind in kinds if kind not in WHERE]
    if missing:
        raise KeyError(f"say in dev/reasonstable.py where these stand: {missing}")
    return "\n".join(table(kind) for kind in WHERE)


def table(kind: type[reasons.Reason]) -> str:
    """Words and sentences of one kind."""
    rows = "\n".join(f"| `{reason.value}` | {reason.sentence} |" for reason in kind)
    return f"### {WHERE[kind]}\n\n| reason | meaning |\n| --- | --- |\n{rows}\n"
