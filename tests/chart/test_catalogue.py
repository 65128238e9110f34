"""The shipped catalogue and profiles: strict, sourced, and of one piece with what planning knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from coppice.api.basemodel import ClusterBaseModel
from coppice.api.computeprofile import ComputeProfile
from coppice.api.vocabulary import Distribution
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


def model_at(path: Path) -> ClusterBaseModel:
    return ClusterBaseModel.model_validate(read(path), extra="forbid")


def profile_at(path: Path) -> ComputeProfile:
    return ComputeProfile.model_validate(read(path), extra="forbid")


ENCODERS = [path for path in MODELS if model_at(path).spec.architecture.family in {"bert", "roberta", "xlm-roberta"}]


def test_there_are_models_of_text_and_of_images() -> None:
    modalities = [model_at(path).spec.modality for path in MODELS]
    assert modalities.count("text") >= 8
    assert modalities.count("image") >= 4


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_a_model_is_complete_and_says_where_its_figures_come_from(path: Path) -> None:
    model = model_at(path)
    assert model.metadata.name == path.stem
    assert "https://" in model.metadata.annotations["coppice.dev/sources"]
    assert "counted" in model.metadata.annotations["coppice.dev/sources"]
    assert all("http" in each.source for each in model.spec.evaluations)
    assert model.spec.pretraining is None or model.spec.pretraining.source
    assert model.spec.limitations, "every model has limits: say them"


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
    if model_at(path).spec.modality == "image":
        assert figures.image_size
        assert figures.forward_flops_per_example
    else:
        assert figures.layers
        assert figures.hidden_size
        assert figures.max_sequence_length


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
