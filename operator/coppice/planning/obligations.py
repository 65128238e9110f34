"""What the licences of base models and data ask of a job's use, in sentences that name their subject.

One list for the decision, the model's card and the registered model, computed from the chain each time: a decision
record is shortened to fit its annotation, and what was left out there must not be lost where it binds.
"""

from collections.abc import Iterable

from coppice.api.basemodel import BaseModelSpec
from coppice.planning.catalogue import Registered
from coppice.planning.licenses import Use, Verdict, judge, judge_data

MAX_SENTENCE = 256
"""Length of a limitation or obligation in status."""


def chain_verdict(spec: BaseModelSpec, use: Use) -> Verdict:
    """The licence gate's verdict on a model and the one it was derived from."""
    lineage = spec.lineage
    base = f" AND ({lineage.base_license})" if lineage and lineage.base_license else ""
    return judge(f"({spec.license}){base}", use)


def obligations(models: Iterable[Registered], dataset_license: str | None, use: Use) -> tuple[str, ...]:
    """What is owed, each sentence once: first for the job's data, then for each model, its own data included."""
    found = dict.fromkeys(text[:MAX_SENTENCE] for text in judge_data(dataset_license, use).obligations)
    for model in models:
        name = model.reference.name
        found |= dict.fromkeys(f"{name}: {text}"[:MAX_SENTENCE] for text in _of_model(model.spec, use))
    return tuple(found)


def _of_model(spec: BaseModelSpec, use: Use) -> tuple[str, ...]:
    own = chain_verdict(spec, use).obligations
    stated = spec.lineage.dataset_license if spec.lineage else None
    data = judge_data(stated, use).obligations if stated else ()
    return (*own, *(text for text in data if text.removeprefix("data: ") not in own))
