"""The shape of a network from its config.json: depth, widths, heads, and what its head was trained for.

Configurations of transformers call the same thing by many names; a name that is not here leaves the figure absent.
"""

from collections.abc import Mapping
from typing import Any

from coppice.cli.errors import UsageError

Config = Mapping[str, Any]

NAMES: Mapping[str, tuple[str, ...]] = {
    "layers": ("num_hidden_layers", "n_layers", "n_layer", "num_layers", "encoder_layers"),
    "hidden_size": ("hidden_size", "dim", "n_embd", "d_model"),
    "intermediate_size": (
        "moe_intermediate_size",
        "intermediate_size",
        "hidden_dim",
        "n_inner",
        "d_ff",
        "encoder_ffn_dim",
    ),
    "attention_heads": ("num_attention_heads", "n_heads", "n_head", "num_heads", "encoder_attention_heads"),
    "key_value_heads": ("num_key_value_heads",),
    "vocabulary_size": ("vocab_size",),
    "max_sequence_length": ("max_position_embeddings", "n_positions"),
    "image_size": ("image_size",),
}
"""Field of an Architecture: the keys that configurations use for it, the first that is set counts."""

SHIFTED_POSITIONS = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet", "xlm-roberta-xl"})
"""Families whose positions start behind the padding index, so that two of the table's rows are never used."""
HEADS: Mapping[str, str] = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForMaskedLM": "fill-mask",
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForImageClassification": "image-classification",
    "ForObjectDetection": "object-detection",
    "ForSemanticSegmentation": "image-segmentation",
    "ForCTC": "automatic-speech-recognition",
    "WhisperForConditionalGeneration": "automatic-speech-recognition",
    "Speech2TextForConditionalGeneration": "automatic-speech-recognition",
}
"""Ends of class names in `architectures`, and the pipeline tag that such a head answers."""
CLASSIFYING = frozenset({"text-classification", "token-classification", "image-classification", "audio-classification"})
NEW_HEADS: Mapping[str, tuple[str, ...]] = {
    "text": ("text-classification", "token-classification", "feature-extraction"),
    "image": ("image-classification", "feature-extraction"),
    "audio": ("audio-classification", "feature-extraction"),
    "multimodal": ("feature-extraction",),
}
"""What a model of a modality can be given a new head for."""
AUDIO_TAGS = frozenset({"automatic-speech-recognition", "audio-classification"})
IMAGE_TAGS = frozenset({"image-classification", "object-detection", "image-segmentation", "image-feature-extraction"})
MOST_LABELS, MOST_LABEL_LENGTH = 1024, 128


def refuse_remote_code(config: Config, name: str) -> None:
    """Raise where a configuration asks for code from its repository."""
    if config.get("auto_map"):
        raise UsageError(
            f"{name} has auto_map: the model needs code of its own, which Coppice never runs; use a version whose "
            "architecture is in the transformers library"
        )


def sizes(config: Config) -> dict[str, int]:
    """Fields of an Architecture that the configuration states; of a model with a text part, that part's."""
    inner = config.get("text_config")
    known = {**(inner if isinstance(inner, dict) else {}), **config}
    found = {field: value for field, keys in NAMES.items() if (value := _first(known, keys)) is not None}
    if known.get("model_type") in SHIFTED_POSITIONS and found.get("max_sequence_length", 0) > 2:
        found["max_sequence_length"] -= 2
    return found


def active_share(config: Config) -> float | None:
    """Share of its experts that one token passes through; None where the network has none."""
    used = _first(config, ("num_experts_per_tok",))
    known = _first(config, ("num_local_experts", "num_experts", "n_routed_experts"))
    return used / known if used and known and used <= known else None


def family(config: Config) -> str:
    """Its model_type. Raises UsageError without one."""
    found = config.get("model_type")
    if not isinstance(found, str) or not found:
        raise UsageError("config.json states no model_type: it is no model of the transformers library")
    return found[:128]


def head(config: Config, tag: str | None) -> str | None:
    """The pipeline tag of the trained head, where the class names one; `tag` decides between text and sound."""
    classes = [name for name in config.get("architectures") or [] if isinstance(name, str)]
    for name in classes:
        for end, task in HEADS.items():
            if name.endswith(end):
                return "audio-classification" if task == "text-classification" and tag in AUDIO_TAGS else task
    return None


def labels(config: Config, task: str | None) -> list[str]:
    """Classes of a classifying head, in order."""
    named = config.get("id2label")
    if task not in CLASSIFYING or not isinstance(named, dict) or len(named) > MOST_LABELS:
        return []
    try:
        return [str(named[key])[:MOST_LABEL_LENGTH] for key in sorted(named, key=int)]
    except ValueError:
        return []


def modality(config: Config, tag: str | None) -> str:
    """What the model reads."""
    sound = tag in AUDIO_TAGS or "num_mel_bins" in config or "conv_stride" in config
    seen = tag in IMAGE_TAGS or "num_channels" in config or "vision_config" in config
    if (seen and sound) or "vision_config" in config:
        return "multimodal"
    return "audio" if sound else "image" if seen else "text"


def _first(config: Config, keys: tuple[str, ...]) -> int | None:
    for key in keys:
        value = config.get(key)
        value = value[0] if isinstance(value, list) and len(set(map(str, value))) == 1 else value
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None
