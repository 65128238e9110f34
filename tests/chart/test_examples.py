"""The examples are what a user copies first, so each one is read as strictly as can be."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from coppice.api.base import Model
from coppice.api.crd import KINDS
from coppice.api.trainingjob import TrainingJob
from devcluster.paths import REPOSITORY_ROOT

EXAMPLES = sorted((REPOSITORY_ROOT / "examples").glob("*.yaml"))
MODELS: dict[str, type[Model]] = {kind.model_fields["kind"].default: kind for kind in KINDS}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_no_key_that_its_kind_does_not_know(path: Path) -> None:
    manifest = yaml.safe_load(path.read_text())
    MODELS[manifest["kind"]].model_validate(manifest, extra="forbid")


def test_there_is_an_example_of_everything_that_people_write() -> None:
    written = {yaml.safe_load(path.read_text())["kind"] for path in EXAMPLES}
    assert written == {"TrainingJob", "BaseModel", "TrainingPolicy", "TrainingApproval", "ComputeProfile"}


def test_the_control_is_one() -> None:
    job, control = (
        TrainingJob.model_validate(yaml.safe_load((REPOSITORY_ROOT / "examples" / name).read_text())).spec
        for name in ("newswire-topics.yaml", "newswire-control.yaml")
    )
    assert (job.task, job.dataset, job.objective, job.from_scratch) == (
        control.task,
        control.dataset,
        control.objective,
        control.from_scratch,
    )
    assert control.substitution is not None
    assert control.substitution.mode == "Never"
