"""A registered model carries what the next job must know of where it comes from."""

import pytest

from builders import digest, make_job, make_model
from coppice.api.attempt import AttemptRecord
from coppice.api.base import DECIMAL_PATTERN
from coppice.api.basemodel import BaseModelObject, ModelFile
from coppice.api.result import Outcome, Result, TrainedModel
from coppice.api.trainingjob import TrainingJob
from coppice.api.vocabulary import Evidence, Method
from coppice.planning.catalogue import registered
from coppice.planning.lineage import registered_model
from coppice.planning.recorded import trusted

FILES = (ModelFile(name="model.safetensors", size_bytes=5, digest=digest("m")),)
TRAINED = TrainedModel(directory="/x", digest=digest("d"), parameters=1234567, labels=("a", "b"), files=FILES)
RESULT = Result(attempt=1, pod_uid="p", outcome=Outcome.COMPLETED, quality="0.96", model=TRAINED)


def finished(job=None) -> TrainingJob:  # type: ignore[no-untyped-def]
    builder = (job or make_job()).scratch().register("topics")
    result = {"attempt": 1, "quality": "0.96", "output": "pvc://models/topics/model", "license": "Apache-2.0"}
    totals = {"energyJoules": "100", "coverage": "0", "operationalGrams": "2", "embodiedGrams": "0.5"}
    return builder.set("status", {"result": result, "totals": totals}).build()


def made(base: bool, evidence: Evidence = Evidence.EVALUATED, **job: object) -> BaseModelObject:
    model = make_model().limitations("English only.").build()
    entry = registered(model, True) if base else None
    method = Method.LORA if base else Method.FROM_SCRATCH
    attempt = AttemptRecord(
        number=1,
        method=method,
        base_model=entry.reference if entry else None,
        profile="cpu-generic",
        claim_name="models",
        output_path="topics",
        evidence=evidence,
    )
    owed = ("minilm: apache-2.0: say that the files were changed",) if base else ()
    return registered_model(finished(**job), attempt, RESULT, entry, owed)  # type: ignore[arg-type]


def test_a_fine_tuned_model_inherits_architecture_tasks_and_limitations() -> None:
    spec = made(base=True).spec
    assert spec.architecture == make_model().build().spec.architecture
    assert spec.tasks == ["text-classification", "feature-extraction"]
    assert spec.limitations == ["English only."]
    assert spec.lineage is not None
    assert spec.lineage.base_model is not None
    assert (spec.lineage.base_license, spec.lineage.method) == ("apache-2.0", Method.LORA)


def test_what_its_licences_ask_goes_along() -> None:
    lineage = made(base=True).spec.lineage
    assert lineage is not None
    assert lineage.obligations == ["minilm: apache-2.0: say that the files were changed"]


def test_a_model_from_scratch_is_described_by_its_configuration() -> None:
    spec = made(base=False).spec
    assert (spec.architecture.family, spec.architecture.layers, spec.architecture.hidden_size) == ("bert", 4, 256)
    assert spec.architecture.parameters == 1234567
    assert spec.lineage is not None
    assert (spec.lineage.base_model, spec.lineage.method) == (None, None)


def test_it_is_pinned_evaluated_and_accounted() -> None:
    model = made(base=True)
    assert (model.metadata.name, model.metadata.namespace) == ("topics", "research")
    assert model.spec.source.uri == "pvc://models/topics/model"
    assert model.spec.source.files == list(FILES)
    assert (model.spec.head, model.spec.head_labels) == ("text-classification", ["a", "b"])
    assert str(model.spec.evaluations[0].value) == "0.96"
    assert model.spec.lineage is not None
    assert (str(model.spec.lineage.energy_joules), str(model.spec.lineage.carbon_grams)) == ("100", "2.5")
    assert DECIMAL_PATTERN


def test_what_a_user_s_container_reported_is_marked() -> None:
    spec = made(base=False, evidence=Evidence.SELF_REPORTED).spec
    assert "user's own container" in spec.limitations[0]
    assert list(trusted(spec.evaluations)) == []
    assert len(list(trusted(made(base=False).spec.evaluations))) == 1


def test_without_files_there_is_nothing_to_register() -> None:
    attempt = AttemptRecord(number=1, method=Method.LORA, profile="p", claim_name="c", output_path="o")
    with pytest.raises(ValueError, match="no trained model"):
        registered_model(finished(), attempt, RESULT.model_copy(update={"model": None}), None)
