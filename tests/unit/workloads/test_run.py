"""A run tells its pods everything they need, and nothing that is another's."""

from decimal import Decimal

import pytest

from attempts import ATTEMPTS, MODEL, AttemptBuilder, SourceRules, estimate, make_attempt
from builders import JobBuilder, ModelBuilder, digest, make_job, make_model, make_profile
from coppice.api.decision import ProbeRecord
from coppice.api.labels import RUN_ANNOTATION
from coppice.api.meta import BaseModelReference
from coppice.api.run import Run, parse_run
from coppice.api.vocabulary import Direction, Method
from coppice.workloads.run import ModelFiles, RunRules, probe_run
from coppice.workloads.storage import source_claims


def run_of(attempt: AttemptBuilder) -> Run:
    """The run as the pod reads it."""
    return parse_run(attempt.child()["spec"]["template"]["metadata"]["annotations"][RUN_ANNOTATION])


def test_every_file_of_the_base_model_comes_with_its_digest() -> None:
    model = run_of(make_attempt()).rung.base_model
    assert model is not None
    assert [file.uri for file in model.files] == [
        f"file:///opt/coppice/models/all-minilm-l6-v2/{name}"
        for name in ("config.json", "model.safetensors", "tokenizer.json")
    ]
    assert all(file.digest for file in model.files)


def test_a_trailing_slash_of_a_source_makes_no_empty_path() -> None:
    attempt = make_attempt().of(base=make_model().source("https://models.example.org/minilm/"))
    model = run_of(attempt).rung.base_model
    assert model is not None
    assert model.files[0].uri == "https://models.example.org/minilm/config.json"


def test_training_and_evaluation_data_never_share_a_name() -> None:
    job = make_job().dataset(uri="pvc://a/data.parquet", evaluationURI="pvc://b/data.parquet")
    dataset = run_of(make_attempt().of(job=job)).dataset
    assert dataset.evaluation is not None
    assert dataset.train.name != dataset.evaluation.name


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("pvc://a/b/r8.parquet", "train.parquet"),
        ("pvc://a/b/r8.csv.gz", "train.csv.gz"),
        ("pvc://a/b.c/r8", "train"),
        ("pvc://a/.hidden", "train.hidden"),
    ],
)
def test_data_keep_the_suffix_that_tells_their_form(uri: str, name: str) -> None:
    assert run_of(make_attempt().of(job=make_job().dataset(uri=uri))).dataset.train.name == name


def test_data_keep_their_digests_and_sizes() -> None:
    job = make_job().dataset(digest=digest("a"), sizeBytes=5, evaluationDigest=digest("b"), evaluationSizeBytes=6)
    dataset = run_of(make_attempt().of(job=job)).dataset
    assert dataset.evaluation is not None
    assert (dataset.train.digest, dataset.train.size_bytes) == (digest("a"), 5)
    assert (dataset.evaluation.digest, dataset.evaluation.size_bytes) == (digest("b"), 6)


def test_without_evaluation_data_none_is_named() -> None:
    assert run_of(make_attempt().of(job=make_job().dataset(evaluationURI=None))).dataset.evaluation is None


def test_what_a_user_says_of_hyperparameters_wins() -> None:
    job = make_job().hyperparameters(batchSize=8, learningRate="0.001")
    hyperparameters = run_of(make_attempt().of(job=job)).rung.hyperparameters
    assert (hyperparameters.batch_size, str(hyperparameters.learning_rate)) == (8, "0.001")


def test_what_a_decision_chose_stands_where_the_user_says_nothing() -> None:
    assert run_of(make_attempt()).rung.hyperparameters.batch_size == 32


@pytest.mark.parametrize(
    ("metric", "direction"),
    [("Accuracy", Direction.MAXIMIZE), ("MacroF1", Direction.MAXIMIZE), ("Loss", Direction.MINIMIZE)],
)
def test_a_known_metric_has_its_direction(metric: str, direction: Direction) -> None:
    assert run_of(make_attempt().of(job=make_job().target("0.9", metric=metric))).objective.direction is direction


def test_a_custom_metric_has_the_users_direction() -> None:
    job = make_job().target("5", metric="Custom").set("spec.objective.direction", "Minimize")
    assert run_of(make_attempt().of(job=job)).objective.direction is Direction.MINIMIZE


def test_from_scratch_the_tokenizer_comes_without_a_base_model() -> None:
    run = run_of(ATTEMPTS["from-scratch-with-own-claim"])
    assert run.rung.method is Method.FROM_SCRATCH
    assert run.rung.base_model is None
    assert run.from_scratch is not None
    assert run.from_scratch.tokenizer is not None


def test_a_fine_tuning_rung_is_not_told_of_the_plan_from_scratch() -> None:
    assert run_of(make_attempt().of(job=make_job().scratch())).from_scratch is None


def test_no_two_attempts_share_a_directory() -> None:
    first, second = make_attempt(), make_attempt().of(number=2)
    other_life = make_attempt().of(job=make_job("newswire-topics", "elsewhere"))
    assert len({run_of(each).output_directory for each in (first, second, other_life)}) == 3


def test_features_are_kept_beside_the_attempts_of_the_job() -> None:
    job = make_job().set("spec.output", {"claimName": "models", "path": "team/topics/"})
    run = run_of(make_attempt().of(job=job))
    assert run.cache_directory == "/coppice/output/team/topics/features"
    assert run.output_directory.startswith("/coppice/output/team/topics/")


def test_the_output_is_named_after_the_job_where_it_says_nothing() -> None:
    assert run_of(make_attempt()).output_directory.startswith("/coppice/output/newswire-topics/")


def test_what_is_left_of_the_run_time_is_passed_on() -> None:
    assert run_of(make_attempt().of(seconds_left=90)).limits.run_seconds == 90


def test_only_hosts_of_the_policy_may_be_asked() -> None:
    assert run_of(make_attempt()).fetch.allowed_hosts == ()
    rules = SourceRules(hosts=("models.example.org",), allowed_networks=("10.0.0.0/8",))
    fetch = run_of(make_attempt().of(rules=rules)).fetch
    assert fetch.allowed_hosts == ("models.example.org",)
    assert fetch.allowed_networks == ("10.0.0.0/8",)


def test_the_meter_knows_the_profiles_watts() -> None:
    meter = run_of(make_attempt()).meter
    assert (str(meter.host_idle_watts), str(meter.host_peak_watts), meter.host_cores) == ("1.42", "8.52", 2)
    assert meter.accelerator_peak_watts is None


def test_the_card_carries_the_computed_licence_and_the_obligations() -> None:
    card = run_of(make_attempt()).card
    assert card.license == "Apache-2.0"
    assert card.obligations == ("name the authors",)


def test_the_largest_run_fits_beside_a_decision_in_an_objects_annotations() -> None:
    names = [f"shard-{number:03}-{'x' * 200}.safetensors" for number in range(128)]
    model = make_model().source(f"https://models.example.org/{'d' * 700}").files(*names)
    text = make_attempt().of(base=model).child()["spec"]["template"]["metadata"]["annotations"][RUN_ANNOTATION]
    assert len(text) < 256 * 1024


def probing(job: JobBuilder, *models: ModelBuilder) -> Run:
    """The run of a probe of these models."""
    reference = [BaseModelReference(kind=one.get("kind"), name=one.get("metadata.name")) for one in models]
    probe = ProbeRecord(
        base_models=tuple(reference), examples=512, held_out=300, profile="p", estimate=estimate(), value=Decimal(1)
    )
    files = [ModelFiles(name, one.build().spec) for name, one in zip(reference, models, strict=True)]
    return probe_run(job.build(), probe, files, make_profile().build(), 1, RunRules())


def test_a_probe_looks_at_every_base_model_in_the_order_decided() -> None:
    run = probing(make_job(), make_model("b"), make_model("a"))
    assert [rung.base_model.name for rung in run.rungs if rung.base_model] == ["b", "a"]
    assert run.probe is not None
    assert (run.kind, run.probe.examples, run.probe.held_out) == ("Probe", 512, 300)


def test_a_probe_mounts_what_its_models_need_and_not_the_evaluation_data() -> None:
    job = make_job().dataset(uri="pvc://train/a.parquet", evaluationURI="pvc://secret/b.parquet")
    models = [make_model(name).source(f"pvc://{name}/m") for name in ("one", "two")]
    assert source_claims(probing(job, *models)) == ("one", "train", "two")


def test_a_linear_probe_after_it_finds_its_features() -> None:
    job = make_job().set("spec.trainer.seed", 11).hyperparameters(maxSequenceLength=64)
    look, rung = probing(job, MODEL), run_of(make_attempt().of(job=job, base=MODEL))
    assert look.cache_directory == rung.cache_directory
    assert look.seed == rung.seed
    assert look.dataset == rung.dataset
    assert look.rung.base_model == rung.rung.base_model
    assert look.rung.hyperparameters.max_sequence_length == rung.rung.hyperparameters.max_sequence_length
    assert look.output_directory == rung.output_directory
