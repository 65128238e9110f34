"""The base model whose tokenizer or preprocessor the plan from scratch takes: it is fetched when that plan starts."""

from coppice.api.decision import Runnable
from coppice.api.trainingjob import TrainingJob
from coppice.api.vocabulary import Method
from coppice.planning.catalogue import Catalogue


def tokenizer_missing(job: TrainingJob, rung: Runnable, catalogue: Catalogue) -> str | None:
    """What must be there before a rung can start, in words; None where nothing lacks."""
    plan = job.spec.from_scratch
    if rung.method is not Method.FROM_SCRATCH or plan is None or plan.tokenizer_from is None:
        return None
    found = catalogue.get(plan.tokenizer_from, job.metadata.namespace or "")
    name = f"{plan.tokenizer_from.kind} {plan.tokenizer_from.name} (spec.fromScratch.tokenizerFrom)"
    if found is None:
        return f"register {name}"
    return None if found.ready else f"{name} is not Ready: {found.reason}"
