"""The shipped catalogue and profiles: strict, sourced, and of one piece with what planning knows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from coppice.api.basemodel import ClusterBaseModel
from coppice.api.computeprofile import ComputeProfile
from coppice.api.vocabulary import Distribution
from coppice.cli.models.checking import duplicates, findings, needing_a_source, sourced
from coppice.planning.domains import DOMAINS
from coppice.planning.licenses import Use, judge
from coppice.planning.tasks import TASKS
from devcluster.paths import REPOSITORY_ROOT

CHART = REPOSITORY_ROOT / "charts" / "coppice"
MODELS = sorted((CHART / "catalogue").glob("*.yaml"))
PROFILES = sorted((CHART / "profiles").glob("*.yaml"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


def name_of(path: Path) -> str:
    return path.stem


def read(path: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(path.read_text())
    return manifest


@cache
def model_at(path: Path) -> ClusterBaseModel:
    return ClusterBaseModel.model_validate(read(path), extra="forbid")


def profile_at(path: Path) -> ComputeProfile:
    return ComputeProfile.model_validate(read(path), extra="forbid")


ENCODERS = [path for path in MODELS if model_at(path).spec.architecture.family in {"bert", "roberta", "xlm-roberta"}]


def test_there_are_forty_models_of_text_code_images_and_speech() -> None:
    specs = [model_at(path).spec for path in MODELS]
    modalities = [spec.modality for spec in specs]
    assert len(specs) >= 40
    assert modalities.count("text") >= 20
    assert modalities.count("image") >= 10
    assert modalities.count("audio") >= 5
    assert sum(spec.domains[0] == "code" for spec in specs) >= 4


def test_no_model_is_registered_twice() -> None:
    assert duplicates([model_at(path) for path in MODELS]) == []


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_a_model_keeps_every_rule_of_models_check_but_that_its_files_must_be_pinned(path: Path) -> None:
    found = [finding.sentence for finding in findings(model_at(path))]
    assert [text for text in found if "without digest" not in text and "languages: none" not in text] == []


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_a_model_says_where_every_figure_comes_from_and_how_it_was_counted(path: Path) -> None:
    model = model_at(path)
    assert model.metadata.name == path.stem
    assert "counted" in model.metadata.annotations["coppice.dev/sources"]
    assert set(needing_a_source(model.spec)) <= sourced(model.spec)
    assert all("http" in each.source for each in model.spec.evaluations)
    assert all(date.fromisoformat(each.retrieved) <= datetime.now(UTC).date() for each in model.spec.references)


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_a_reference_vouches_only_for_what_is_there(path: Path) -> None:
    spec = model_at(path).spec.wire()
    for field in sourced(model_at(path).spec):
        value: Any = spec
        for part in field.split("."):
            value = value.get(part)
            assert value not in (None, [], {}), f"{field} has a source and no value"


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_a_model_is_described_in_words_that_planning_knows(path: Path) -> None:
    spec = model_at(path).spec
    assert set(spec.domains) <= DOMAINS
    assert set(spec.tasks) <= set(TASKS)
    verdict = judge(spec.license, Use(commercial=False, distribution=Distribution.INTERNAL))
    assert (verdict.unknown, verdict.refusal) == ((), "")


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_a_model_has_the_figures_that_an_estimate_needs(path: Path) -> None:
    figures = model_at(path).spec.architecture
    assert figures.embedding_parameters is not None
    assert figures.embedding_parameters < figures.parameters
    assert figures.hidden_size
    if model_at(path).spec.modality == "image":
        assert figures.image_size
    if model_at(path).spec.modality != "text":
        assert figures.forward_flops_per_example
    else:
        assert figures.layers


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_the_shape_of_a_model_is_possible(path: Path) -> None:
    figures = model_at(path).spec.architecture
    if figures.attention_heads and figures.key_value_heads:
        assert figures.attention_heads % figures.key_value_heads == 0
    if figures.active_parameters:
        assert figures.active_parameters < figures.parameters
    if figures.vocabulary_size and figures.hidden_size and figures.embedding_parameters:
        assert figures.embedding_parameters >= figures.vocabulary_size * figures.hidden_size


LLAMAS = [path for path in MODELS if model_at(path).spec.architecture.family in {"llama", "mistral", "qwen2", "qwen3"}]


@pytest.mark.parametrize("path", LLAMAS, ids=name_of)
def test_a_decoders_parameters_are_about_those_of_its_shape(path: Path) -> None:
    # Per layer: queries and output h^2 each (wider where heads are), keys and values shared, three matrices of h x f.
    figures = model_at(path).spec.architecture
    assert figures.hidden_size
    assert figures.layers
    assert figures.intermediate_size
    assert figures.attention_heads
    width, shared = figures.hidden_size, (figures.key_value_heads or figures.attention_heads) / figures.attention_heads
    attention = 2 * width**2 * (1 + shared)
    least = figures.layers * (attention + 3 * width * figures.intermediate_size) + (figures.embedding_parameters or 0)
    most = least + figures.layers * attention + (figures.embedding_parameters or 0)
    assert least <= figures.parameters * 1.001
    assert figures.parameters <= most


@pytest.mark.parametrize("path", ENCODERS, ids=name_of)
def test_an_encoders_parameters_are_those_of_its_shape(path: Path) -> None:
    # BERT's layout (arXiv:1810.04805): per layer 12 h^2 + 13 h with a feed-forward part four times as wide, a layer
    # norm after the embeddings, and a pooler.
    figures = model_at(path).spec.architecture
    assert figures.hidden_size
    assert figures.layers
    width = figures.hidden_size
    blocks = figures.layers * (12 * width**2 + 13 * width)
    pooler = width**2 + width
    assert figures.parameters == (figures.embedding_parameters or 0) + 2 * width + blocks + pooler


@pytest.mark.parametrize("path", PROFILES, ids=name_of)
def test_a_profile_is_complete_ordered_and_sourced(path: Path) -> None:
    profile = profile_at(path)
    assert profile.metadata.name == path.stem
    parts = [profile.spec.host, *([profile.spec.accelerator] if profile.spec.accelerator else [])]
    for part in parts:
        assert 0 < part.idle_watts < part.peak_watts
        assert part.embodied_kilograms.low <= part.embodied_kilograms.mid <= part.embodied_kilograms.high
    told = " ".join(profile.spec.sources)
    assert all(word in told for word in ("watts", "Embodied", "Lifespan")), "each figure needs its source"


@pytest.mark.parametrize("path", [path for path in PROFILES if path.stem != "cpu-generic"], ids=name_of)
def test_an_accelerator_is_found_by_its_label_and_rated_without_sparsity(path: Path) -> None:
    spec = profile_at(path).spec
    assert spec.accelerator is not None
    assert set(spec.node_selector) == {"nvidia.com/gpu.product"}
    # Figures with 2:4 sparsity, which data sheets print first: never these.
    sparse = {"1979", "733", "624", "1513", "242"}
    assert not sparse & {format(peak.normalize(), "f") for peak in spec.accelerator.peak_tera_flops.values()}


def test_values_offer_exactly_the_shipped_profiles_and_enable_no_accelerator() -> None:
    assert set(VALUES["computeProfiles"]) == {path.stem for path in PROFILES}
    assert [name for name, chosen in VALUES["computeProfiles"].items() if chosen["enabled"]] == ["cpu-generic"]
