"""The README.md beside the model: what it is, from what, for what, and what binds its user.

The evaluation is not in it: the card is part of the model whose digests are fixed before the evaluation data is opened.
It stands in result.json, and the operator adds it, with energy and carbon, where the model is registered.
"""

from decimal import Decimal
from typing import Any

from huggingface_hub import ModelCardData

from coppice.api.run import Run


def model_card(run: Run, labels: tuple[str, ...], validation: Decimal | None, remark: str = "") -> str:
    """The card's text with its front matter."""
    name = run.card.name or run.job_name
    return f"---\n{_front_matter(run)}\n---\n\n# {name}\n\n{_text(run, labels, validation, remark)}"


def _front_matter(run: Run) -> str:
    base = run.rung.base_model
    values: dict[str, Any] = {
        "license": run.card.license or "other",
        "base_model": base.name if base else None,
        "datasets": [run.dataset.name] if run.dataset.name else None,
        "metrics": [run.objective.metric.value.lower()],
        "language": list(run.card.languages) or None,
        "pipeline_tag": run.task,
        "library_name": "transformers",
        "tags": ["coppice"],
    }
    return str(ModelCardData(**values, ignore_metadata_errors=True).to_yaml())


def _text(run: Run, labels: tuple[str, ...], validation: Decimal | None, remark: str) -> str:
    base = run.rung.base_model
    origin = f"the base model `{base.name}` ({base.license or 'licence not stated'})" if base else "fresh weights"
    lines = [
        f"Made by TrainingJob `{run.namespace}/{run.job_name}`, attempt {run.attempt}: method"
        f" {run.rung.method.value} from {origin}.",
        "",
        f"- Task: {run.task}, {len(labels)} classes: {', '.join(labels[:50])}",
        f"- Training data: {run.dataset.name or run.dataset.train.uri} ({run.dataset.license or 'licence not stated'})",
        f"- Seed: {run.seed}",
    ]
    if validation is not None:
        metric = run.objective.metric.value
        lines.append(f"- {metric} on the part held out of the training data: {validation} (not the evaluation)")
    lines += [f"- Obligation: {obligation}" for obligation in run.card.obligations]
    if remark:
        lines += ["", remark]
    lines += [
        "",
        "It loads with `transformers` and needs no code of its own. Energy and carbon stand in the TrainingReport.",
    ]
    return "\n".join(lines) + "\n"
