"""Families of networks (transformers' `model_type`) and the traits that decide what their training costs.

Traits are those of the transformers library's implementations, which the built-in trainer runs: whether the
feed-forward part is gated (three matrices instead of two), how blocks are normalised, whether dropout is on by
default, whether attention goes through torch's fused kernel, and whether blocks can be recomputed.
"""

from dataclasses import dataclass, replace

BERT_LIKE = frozenset(
    {"bert", "roberta", "xlm-roberta", "camembert", "electra", "mpnet", "distilbert", "deberta-v2", "deberta", "ernie"}
)
LLAMA_LIKE = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "phi3"})
MIXTURES = frozenset({"mixtral", "qwen2_moe", "qwen3_moe"})
"""Llama-like networks whose feed-forward parts are mixtures of experts."""
VIT_LIKE = frozenset({"vit", "deit", "beit", "dinov2"})
CONVOLUTIONAL = frozenset(
    {"resnet", "regnet", "bit", "convnext", "convnextv2", "efficientnet", "mobilenet_v1", "mobilenet_v2"}
)
LANGUAGE_MODELLING = frozenset({"text-generation", "fill-mask", "summarization", "translation"})
"""Tasks whose head answers every token with one figure per entry of the vocabulary."""


@dataclass(frozen=True)
class Traits:
    """`normed` is how many copies of its input a normalisation keeps for the backward pass, its output included."""

    gated: bool = False
    normed: int = 1
    dropout: bool = False
    fused_attention: bool = True
    recomputable: bool = True
    pooler: bool = False
    """Whether a square layer runs once per text before the classifier."""
    post_norm: bool = False
    """Whether a normalisation ends the block: only then is its last layer computed again when blocks are."""


_BERT = Traits(dropout=True, pooler=True, post_norm=True)
_LLAMA = Traits(gated=True, normed=2)
_VIT = Traits()
_TRAITS = {
    **dict.fromkeys(BERT_LIKE, _BERT),
    **dict.fromkeys(LLAMA_LIKE | MIXTURES, _LLAMA),
    **dict.fromkeys(VIT_LIKE, _VIT),
    **dict.fromkeys(CONVOLUTIONAL, Traits(recomputable=False)),
    "mpnet": replace(_BERT, fused_attention=False, recomputable=False),
    "deberta": replace(_BERT, fused_attention=False),
    "deberta-v2": replace(_BERT, fused_attention=False),
    "modernbert": Traits(gated=True),
    "swin": Traits(),
}
NOTHING_KNOWN = Traits(recomputable=False)


def traits(family: str) -> Traits:
    """The traits of a family; of an unknown one nothing is taken for granted."""
    return _TRAITS.get(family, NOTHING_KNOWN)
