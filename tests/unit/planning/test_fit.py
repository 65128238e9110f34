"""Every fit check, by the reason that it gives and the case that must pass it."""

import pytest

from builders import Builder, JobBuilder, make_job, make_model, make_policy, make_profile
from coppice.api.reasons import FitReason
from coppice.planning.survey import survey
from worlds import Case, make_intensity

JOB, MODEL = make_job(), make_model()
OWN = JOB.template().set("spec.trainer.fineTuneWith", "Template")
EVALUATED = MODEL.head("text-classification", *"abcdefgh")
GPU = make_profile("h100").accelerator()


def case(job: JobBuilder = JOB, model: Builder = MODEL, *policies: Builder, profile: Builder | None = None) -> Case:  # type: ignore[type-arg]
    return Case(job, [model], [profile or make_profile()], policies)


TABLE: list[tuple[FitReason, Case, Case]] = [
    (FitReason.TASK_MISMATCH, case(model=MODEL.tasks("fill-mask")), case()),
    (FitReason.NOT_PINNED, case(JOB.base_models("other")), case(JOB.base_models("all-minilm-l6-v2"))),
    (FitReason.NOT_PINNED, case(JOB.base_models("all-minilm-l6-v2", kind="BaseModel")), case()),
    (FitReason.SCOPE_DENIED, case(JOB, MODEL, make_policy().scopes("BaseModel")), case()),
    (FitReason.REMOTE_CODE, case(model=MODEL.architecture(trustRemoteCode=True)), case()),
    (FitReason.DIGEST_MISSING, case(model=MODEL.files("model.safetensors", pinned=False)), case()),
    (FitReason.NOT_SAFETENSORS, case(model=MODEL.files("config.json")), case()),
    (FitReason.NOT_READY, case(model=MODEL.not_ready()), case()),
    (FitReason.MODALITY_MISMATCH, case(model=MODEL.modality("image")), case(model=MODEL.modality("text"))),
    (FitReason.LANGUAGE_MISMATCH, case(JOB.languages("de")), case(JOB.languages("de", "en"))),
    (FitReason.LANGUAGE_MISMATCH, case(model=MODEL.languages("fr")), case(model=MODEL.languages())),
    (
        FitReason.DOMAIN_EXCLUDED,
        case(model=MODEL.excluded_domains("text/news")),
        case(model=MODEL.excluded_domains("text/law")),
    ),
    (FitReason.DOMAIN_EXCLUDED, case(model=MODEL.excluded_domains("text")), case()),
    (
        FitReason.LICENSE_DENIED,
        case(model=MODEL.license("cc-by-nc-4.0")),
        case(JOB.use(commercial=False), MODEL.license("cc-by-nc-4.0")),
    ),
    (
        FitReason.LICENSE_DENIED,
        case(model=MODEL.license("other")),
        case(JOB, MODEL.license("other"), make_policy().allow_licenses("other", "cc0-1.0")),
    ),
    (
        FitReason.LICENSE_DENIED,
        case(model=MODEL.lineage(baseLicense="cc-by-nc-4.0")),
        case(model=MODEL.lineage(baseLicense="mit")),
    ),
    (FitReason.LICENSE_DENIED, case(JOB, MODEL, make_policy().deny_licenses("Apache-2.0")), case()),
    (
        FitReason.DATASET_LICENSE_DENIED,
        case(model=MODEL.lineage(datasetLicense="cc-by-nc-4.0")),
        case(model=MODEL.lineage(datasetLicense="cc-by-4.0")),
    ),
    (
        FitReason.SOURCE_DENIED,
        case(model=MODEL.source("https://models.example.org/m")),
        case(JOB, MODEL.source("https://models.example.org/m"), make_policy().hosts("*.example.org")),
    ),
    (
        FitReason.TOO_LARGE,
        case(JOB, MODEL, make_policy().max_parameters(10**6)),
        case(JOB, MODEL, make_policy().max_parameters(10**8)),
    ),
    (FitReason.METHOD_NOT_ALLOWED, case(JOB.methods("LoRA")), case()),
    (FitReason.METHOD_NOT_ALLOWED, case(JOB, MODEL, make_policy().methods("LoRA")), case()),
    (
        FitReason.METHOD_UNSUPPORTED,
        case(OWN, MODEL.methods("LinearProbe")),
        case(OWN, MODEL),
    ),
    (
        FitReason.METHOD_UNSUPPORTED,
        case(JOB.methods("LoRA"), MODEL.architecture(family="resnet")),
        case(JOB.methods("LoRA")),
    ),
    (
        FitReason.METHOD_UNSUPPORTED,
        case(JOB.task("summarization"), MODEL.tasks("summarization")),
        case(OWN, MODEL),
    ),
    (FitReason.HEAD_MISMATCH, case(), case(model=MODEL.head("text-classification", *"abcdefgh"))),
    (
        FitReason.HEAD_MISMATCH,
        case(model=MODEL.head("text-classification", "a", "b")),
        case(JOB.dataset(labels=2), MODEL.head("text-classification", "a", "b")),
    ),
    (
        FitReason.EVALUATED_BELOW_TARGET,
        case(model=EVALUATED.evaluation("text-classification", "0.94", dataset="pvc://corpora/r8/train.parquet")),
        case(model=EVALUATED.evaluation("text-classification", "0.95", dataset="pvc://corpora/r8/train.parquet")),
    ),
    (FitReason.FIGURES_MISSING, case(model=MODEL.architecture(layers=None)), case()),
    (
        FitReason.FIGURES_MISSING,
        case(JOB.optimize_for("Cost")),
        case(JOB.optimize_for("Cost"), profile=make_profile().price("1")),
    ),
    (
        FitReason.FIGURES_MISSING,
        case(JOB.optimize_for("Cost")),
        case(JOB.optimize_for("Cost"), profile=make_profile().set("spec.energyPricePerKilowattHour", "0.3")),
    ),
    (FitReason.MEMORY_TOO_SMALL, case(JOB.resources(memory="100Mi")), case()),
    (
        FitReason.MEMORY_TOO_SMALL,
        case(model=MODEL.set("spec.minMemory", "1Ti")),
        case(model=MODEL.set("spec.minMemory", "1Gi")),
    ),
    (
        FitReason.PROFILE_NOT_ALLOWED,
        case(JOB.resources(profiles=["other"])),
        case(JOB.resources(profiles=["cpu-generic"])),
    ),
    (FitReason.PROFILE_NOT_ALLOWED, case(JOB.resources(acceleratorsPerPod=0), profile=GPU), case(profile=GPU)),
]


@pytest.mark.parametrize(("reason", "failing", "passing"), TABLE, ids=[f"{row[0]}-{n}" for n, row in enumerate(TABLE)])
def test_a_check_rejects_its_case_and_lets_the_other_pass(reason: FitReason, failing: Case, passing: Case) -> None:
    assert survey(failing.request).rejected[reason] > 0
    assert survey(passing.request).rejected[reason] == 0
    assert len(survey(passing.request).candidates) > 0


def test_every_fit_reason_has_a_case() -> None:
    assert {reason for reason, _, _ in TABLE} == set(FitReason)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row[0]))
def test_a_rejection_says_what_and_which(row: tuple[FitReason, Case, Case]) -> None:
    reason, failing, _ = row
    sentence = survey(failing.request).sentences[reason]
    assert len(sentence) > 20
    assert sentence[-1] != "."


def test_a_rejection_by_policy_names_the_policy() -> None:
    found = survey(case(JOB, MODEL, make_policy("frugal").max_parameters(1)).request)
    assert "policy frugal" in found.sentences[FitReason.TOO_LARGE]


def test_a_pinned_model_that_nobody_registered_is_named() -> None:
    sentence = survey(case(JOB.base_models("mistyped")).request).sentences[FitReason.NOT_PINNED]
    assert sentence.endswith("; for text-classification nobody registered ClusterBaseModel/mistyped")
    pinned = Case(JOB.base_models("other"), [MODEL, make_model("other")]).request
    assert survey(pinned).sentences[FitReason.NOT_PINNED].endswith("substitution.baseModels of the job")


def test_rejections_and_candidates_add_up_to_what_was_considered() -> None:
    models = [
        MODEL,
        make_model("a").license("other"),
        make_model("b").tasks("fill-mask"),
        make_model("c").methods("LoRA"),
    ]
    found = survey(Case(JOB, models).request)
    assert found.considered == len(found.candidates) + sum(found.rejected.values())
    assert found.rejected[FitReason.TASK_MISMATCH] == 1
    assert found.rejected[FitReason.LICENSE_DENIED] == 1


def test_models_of_other_tasks_are_counted_without_being_looked_at() -> None:
    ask = Case(JOB, [make_model(f"m{n}").tasks("fill-mask") for n in range(3)]).request
    for model in ask.world.catalogue:
        object.__setattr__(model, "spec", None)
    assert survey(ask).rejected == {FitReason.TASK_MISMATCH: 3}


def test_the_cheapest_configuration_that_holds_the_model_is_taken() -> None:
    clean = make_profile("clean").zone("SE")
    found = survey(Case(JOB, [MODEL], [make_profile("dirty"), clean], zones={"SE": "20"}).request)
    assert {one.hardware.profile.metadata.name for one in found.candidates} == {"clean"}
    assert make_intensity("20").grams_per_kilowatt_hour == 20


def test_a_wildcard_host_covers_subdomains_only() -> None:
    model, policy = MODEL.source("https://evil-example.org/m"), make_policy().hosts("*.example.org")
    assert survey(case(JOB, model, policy).request).rejected[FitReason.SOURCE_DENIED] == 1


def test_what_fits_only_where_nothing_is_priced_lacks_a_price_and_not_memory() -> None:
    small, large = make_profile("small").price("1").host(memory="100Mi"), make_profile("large")
    found = survey(Case(JOB.optimize_for("Cost"), [MODEL], [small, large]).request)
    assert not found.candidates
    assert "MemoryTooSmall" not in found.rejected
    assert "energyPricePerKilowattHour" in found.sentences["FiguresMissing"]
