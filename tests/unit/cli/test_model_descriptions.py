"""What a model's own files say of it, and what is refused: read from a shelf in memory."""

from __future__ import annotations

import asyncio
import json
import struct
from datetime import date
from typing import Any

import pytest

from coppice.cli.errors import UsageError
from coppice.cli.models.card import front_matter, languages
from coppice.cli.models.describing import Described, describe, object_name
from coppice.cli.models.shape import active_share, head, labels, modality, sizes
from hub import safetensors
from model_files import CARD, TENSORS, Shelf, config, files

TODAY = date(2026, 5, 17)


def described(held: dict[str, bytes], card: dict[str, Any] | None = None, uri: str = "") -> Described:
    shelf = Shelf(held, CARD if card is None else card)
    return asyncio.run(describe(shelf, uri=uri, license_expression="", today=TODAY))


def test_shards_are_counted_together_by_their_index() -> None:
    index = {
        "weight_map": {"a.weight": "model-00001-of-00002.safetensors", "b.weight": "model-00002-of-00002.safetensors"}
    }
    shards = {
        f"model-0000{number}-of-00002.safetensors": safetensors({f"{name}.weight": ("BF16", [5])})
        for number, name in ((1, "a"), (2, "b"))
    }
    parts = files(model__safetensors=None) | shards
    spec = described(parts | {"model.safetensors.index.json": json.dumps(index).encode()}).spec
    assert (spec.architecture.parameters, spec.architecture.dtype) == (10, "BF16")
    assert {*shards, "model.safetensors.index.json"} <= {file.name for file in spec.source.files}


def test_of_a_mixture_of_experts_the_active_part_is_told() -> None:
    tensors = {f"layers.0.experts.{number}.w": ("F32", [10]) for number in range(8)} | {
        "layers.0.attn.w": ("F32", [20])
    }
    moe = config(model_type="mixtral", num_local_experts=8, num_experts_per_tok=2, num_key_value_heads=1)
    figures = described(files(config__json=moe, model__safetensors=safetensors(tensors))).spec.architecture
    assert (figures.parameters, figures.active_parameters, figures.key_value_heads) == (100, 40, 1)


def test_without_parsed_front_matter_the_card_itself_is_read() -> None:
    spec = described(files(), {}).spec
    assert (spec.license, spec.languages) == ("MIT", ["de"])


@pytest.mark.parametrize(
    ("card", "stated"),
    [
        ({"license": "llama3.1"}, "LicenseRef-llama3.1"),
        ({"license": "gpl-3.0"}, "GPL-3.0-only"),
        ({"license": ["mit", "cc-by-4.0"]}, "MIT AND CC-BY-4.0"),
        ({"license": "other", "license_name": "qwen-research"}, "LicenseRef-qwen-research"),
        ({"license": "other", "license_name": "Acme Model Terms (v1)"}, "LicenseRef-Acme-Model-Terms-v1"),
        ({"license": "other"}, "LicenseRef-unknown"),
    ],
)
def test_a_licence_is_written_as_spdx_or_as_a_licenseref(card: dict[str, object], stated: str) -> None:
    assert described(files(README__md=None), card).spec.license == stated


def test_the_licence_of_the_model_it_was_made_from_goes_into_the_chain() -> None:
    found = described(files(), {**CARD, "base_model": ["meta-llama/base", "gone/away"]})
    lineage = found.spec.lineage
    assert any("made from meta-llama/base, gone/away" in remark for remark in found.remarks)
    assert lineage is not None
    assert lineage.base_license == "LicenseRef-llama3.1 AND LicenseRef-unknown"


def test_reported_emissions_are_disclosed_with_their_source() -> None:
    footprint = described(files(), {**CARD, "co2_eq_emissions": {"emissions": 1234.5}}).spec.pretraining
    assert footprint is not None
    assert str(footprint.carbon_kilograms) == "1.2345"
    assert "README.md" in footprint.source


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"model__safetensors": None}, "pytorch_model.bin only, which can run code"),
        ({"model__safetensors": None, "pytorch_model__bin": None}, "holds no model.safetensors"),
        ({"model__safetensors": None, "adapter_model__safetensors": b""}, "holds an adapter and no model"),
        ({"config__json": None}, "has no config.json"),
        ({"config__json": b"{"}, "is not JSON"),
        ({"config__json": b"[]"}, "no JSON object"),
        ({"config__json": config(auto_map={"AutoModel": "own.Model"})}, "has auto_map"),
        ({"config__json": config(model_type=None)}, "states no model_type"),
        ({"model__safetensors": safetensors(TENSORS)[:40]}, "the file is cut off"),
        ({"model__safetensors": safetensors(TENSORS)[:5]}, "ends after 5 bytes"),
        ({"model__safetensors": safetensors(TENSORS, payload=False)}, "its header says"),
        ({"model__safetensors": struct.pack("<Q", 2**40) + b"{}"}, "states a header of 1099511627776 bytes"),
        ({"model__safetensors": struct.pack("<Q", 2) + b"[]"}, "not that of a safetensors file"),
        ({"model__safetensors": struct.pack("<Q", 2) + b"{}"}, "names no tensors"),
        ({"model__safetensors": b"version https://git-lfs.github.com/spec/v1\noid x"}, "is a git-lfs pointer"),
        ({"model__safetensors": safetensors({"q": ("I64", [2])})}, "no floating-point tensors"),
        ({"model__safetensors": None, "model.safetensors.index__json": b"{}"}, "no index of shards"),
        (
            {"model__safetensors": None, "model.safetensors.index__json": b'{"weight_map": {"a": "gone.safetensors"}}'},
            "names gone.safetensors, which is not there",
        ),
    ],
)
def test_what_coppice_would_never_use_is_refused_with_a_sentence(
    changed: dict[str, bytes | None], sentence: str
) -> None:
    with pytest.raises(UsageError) as refused:
        described(files(**changed))
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("stated", "tag", "reads", "answers"),
    [
        ({"architectures": ["ViTForImageClassification"], "num_channels": 3}, None, "image", "image-classification"),
        (
            {"architectures": ["WhisperForConditionalGeneration"], "num_mel_bins": 80},
            None,
            "audio",
            "automatic-speech-recognition",
        ),
        (
            {"architectures": ["Wav2Vec2ForSequenceClassification"], "conv_stride": [5]},
            "audio-classification",
            "audio",
            "audio-classification",
        ),
        ({"architectures": ["CLIPModel"], "vision_config": {}}, None, "multimodal", None),
        ({"architectures": ["LlamaForCausalLM"]}, "text-generation", "text", "text-generation"),
        ({}, None, "text", None),
    ],
)
def test_what_a_model_reads_and_answers_is_told_by_its_configuration(
    stated: dict[str, Any], tag: str | None, reads: str, answers: str | None
) -> None:
    assert (modality(stated, tag), head(stated, tag)) == (reads, answers)


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (
            {"dim": 6, "n_layers": 2, "n_heads": 3, "hidden_dim": 24},
            {"layers": 2, "hidden_size": 6, "attention_heads": 3, "intermediate_size": 24},
        ),
        ({"model_type": "roberta", "max_position_embeddings": 514}, {"max_sequence_length": 512}),
        ({"text_config": {"hidden_size": 8}, "image_size": 224}, {"hidden_size": 8, "image_size": 224}),
        ({"image_size": [224, 224]}, {"image_size": 224}),
        ({"hidden_size": "wide", "num_hidden_layers": True, "vocab_size": -1}, {}),
    ],
)
def test_sizes_are_found_under_the_names_that_configurations_use(stated: dict[str, Any], found: dict[str, int]) -> None:
    assert sizes(stated) == found


def test_only_a_mixture_of_experts_has_an_active_share() -> None:
    assert active_share({"num_experts_per_tok": 8, "num_experts": 128}) == 1 / 16
    assert active_share({"num_experts_per_tok": 8}) is None


def test_labels_are_those_of_a_classifying_head_in_order() -> None:
    named = {"id2label": {"10": "c", "2": "b"}}
    assert labels(named, "text-classification") == ["b", "c"]
    assert labels(named, "fill-mask") == []


@pytest.mark.parametrize(
    ("readme", "found"),
    [
        (b"---\nlicense: mit\n---\n# x", {"license": "mit"}),
        (b"# no front matter", {}),
        (b"---\n- a list\n---\n", {}),
        (b"---\nlicense: [\n---\n", {}),
    ],
)
def test_a_card_that_cannot_be_read_says_nothing(readme: bytes, found: dict[str, str]) -> None:
    assert front_matter(readme) == found


def test_norwegian_is_a_language_and_code_is_none() -> None:
    assert languages(front_matter(b"---\nlanguage: [en, no, code, multilingual, pt-BR]\n---\n")) == [
        "en",
        "no",
        "pt-BR",
    ]


@pytest.mark.parametrize(
    ("name", "made"),
    [("org/All_MiniLM.L6", "all-minilm.l6"), ("---", "model"), ("x" * 90, "x" * 63), ("org/Über", "ber")],
)
def test_an_object_is_named_after_its_repository(name: str, made: str) -> None:
    assert object_name(name) == made


def test_jobs_must_be_able_to_fetch_it() -> None:
    assert described(files()).spec.source.uri == "https://hub.example/acme/tiny-bert/resolve/abc"
    with pytest.raises(UsageError, match="--source-uri"):
        described(files(), uri="s3://bucket/model")
