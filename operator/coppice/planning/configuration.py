"""A network from its Hugging Face config.json: the plan from scratch says no more than that.

Missing keys take the defaults of the transformers library's configuration classes, as the trainer would. Families
are grouped by shape: encoders like BERT, decoders like Llama with or without experts, vision transformers, and
convolution networks. Any other family is unknown (None), and the estimate says so instead of guessing, unless somebody
counts it (see the trainer's `count`).
"""

from coppice.planning import mobile, vision
from coppice.planning.block import Block
from coppice.planning.families import BERT_LIKE, LANGUAGE_MODELLING, LLAMA_LIKE, MIXTURES, VIT_LIKE
from coppice.planning.network import Network
from coppice.planning.sizes import MOST_LAYERS, Config, NoSize, get

MOST_PARAMETERS, MOST_FORWARD_FLOPS = 10**14, 10**18
"""The bounds of a BaseModel's architecture: beyond them an estimate would be a number without a meaning."""
TIED = frozenset({"gemma", "gemma2"})
"""Decoders whose output head shares its weights with the embeddings unless the configuration says otherwise."""


def network_of_config(config: Config, labels: int, task: str = "") -> Network | None:
    """The network of a configuration with the task's head: so many labels, or for language modelling the vocabulary.

    None for an unknown family, for a size that is no whole number above 0, and for what no registered model could be.
    """
    try:
        network = _network(config, labels, language_modelling=task in LANGUAGE_MODELLING)
    except NoSize:
        return None
    return network if network is not None and _possible(network) else None


def _network(config: Config, labels: int, *, language_modelling: bool) -> Network | None:
    family = str(config.get("model_type", ""))
    if family in BERT_LIKE:
        return _bert(family, config, labels, language_modelling=language_modelling)
    if family in LLAMA_LIKE | MIXTURES:
        return _llama(family, config, labels, language_modelling=language_modelling)
    if family in VIT_LIKE:
        return vision.vit(family, config, labels)
    if family in {"convnext", "convnextv2"}:
        return vision.convnext(family, config, labels)
    counted = {
        "resnet": vision.resnet,
        "swin": vision.swin,
        "efficientnet": mobile.efficientnet,
        "mobilenet_v1": mobile.mobilenet_v1,
        "mobilenet_v2": mobile.mobilenet_v2,
    }
    return counted[family](config, labels) if family in counted else None


def _possible(network: Network) -> bool:
    """Whether it stays within the bounds that a registered model's architecture has."""
    flops = network.forward_flops_per_example or 0
    return (
        network.parameters <= MOST_PARAMETERS and flops <= MOST_FORWARD_FLOPS and (network.layers or 0) <= MOST_LAYERS
    )


def _bert(family: str, config: Config, labels: int, *, language_modelling: bool) -> Network:
    """One square layer (the pooler, or the head's first) and the classifier run once per text."""
    width = get(config, 768, "hidden_size", "dim")
    depth = get(config, 6 if family == "distilbert" else 12, "num_hidden_layers", "n_layers")
    inner = get(config, 3072, "intermediate_size", "hidden_dim")
    heads = get(config, 12, "num_attention_heads", "n_heads")
    positions = get(config, 512, "max_position_embeddings")
    vocabulary = get(config, 30522, "vocab_size")
    embeddings = (vocabulary + positions + get(config, 2, "type_vocab_size")) * width
    block = Block(width, inner, width, width, heads)
    head = width**2 + width + (0 if language_modelling else width * labels)
    return Network(
        family,
        embeddings + depth * (block.parameters + 9 * width + inner) + head,
        embeddings,
        depth,
        width,
        positions,
        block=block,
        example_parameters=0 if language_modelling else head,
        shared_head_parameters=vocabulary * width if language_modelling else 0,
        token_outputs=vocabulary if language_modelling else 0,
    )


def _llama(family: str, config: Config, labels: int, *, language_modelling: bool) -> Network:
    """Gated feed-forward parts, grouped queries, heads of their own width; a router chooses among experts."""
    width = get(config, 4096, "hidden_size")
    depth = get(config, 32, "num_hidden_layers")
    heads = get(config, 32, "num_attention_heads")
    head_width = get(config, max(width // heads, 1), "head_dim")
    pairs = min(get(config, heads, "num_key_value_heads"), heads)
    vocabulary = get(config, 32000, "vocab_size")
    embeddings = vocabulary * width
    experts, active = _experts(config) if family in MIXTURES else (1, 1)
    inner = get(config, 11008, *(("moe_intermediate_size",) if experts > 1 else ()), "intermediate_size")
    block = Block(width, inner, heads * head_width, pairs * head_width, heads, gated=True, experts=active)
    idle = (experts - active) * block.feed_forward_parameters
    outputs = vocabulary if language_modelling else labels
    shared = language_modelling and bool(config.get("tie_word_embeddings", family in TIED))
    body = embeddings + depth * (block.parameters + 2 * width) + width + (0 if shared else width * outputs)
    return Network(
        family,
        body + depth * idle,
        embeddings,
        depth,
        width,
        get(config, 2048, "max_position_embeddings"),
        block=block,
        active_parameters=body if idle else None,
        shared_head_parameters=width * outputs if shared else 0,
        token_outputs=outputs,
    )


def _experts(config: Config) -> tuple[int, int]:
    """Experts of a block, and those that one token passes through."""
    several = get(config, 8, "num_local_experts", "num_experts", "n_routed_experts")
    return several, min(get(config, 2, "num_experts_per_tok"), several)
