"""A network from its Hugging Face config.json: the plan from scratch says no more than that.

Missing keys take the defaults of the transformers library's configuration classes, as the trainer would. Families
are grouped by shape: encoders like BERT, decoders like Llama, vision transformers, residual convolution networks.
Any other family is unknown (None), and the estimate says so instead of guessing.
"""

from collections.abc import Mapping
from typing import Any

from coppice.planning.network import Network

Config = Mapping[str, Any]

BERT_LIKE = frozenset(
    {"bert", "roberta", "xlm-roberta", "camembert", "electra", "mpnet", "distilbert", "deberta-v2", "deberta", "ernie"}
)
LLAMA_LIKE = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "phi3"})
VIT_LIKE = frozenset({"vit", "deit", "beit", "dinov2"})

WIDTHS, DEPTHS = (256, 512, 1024, 2048), (3, 4, 6, 3)
"""Stages of a residual network where the configuration does not say: ResNet-50."""
MOST_SIZE = 10**8
MOST_PARAMETERS, MOST_FORWARD_FLOPS, MOST_LAYERS = 10**14, 10**18, 10**4
"""The bounds of a BaseModel's architecture: beyond them an estimate would be a number without a meaning."""


class _NoSize(Exception):
    """A size of the configuration that is none: the network is unknown."""


def network_of_config(config: Config, labels: int) -> Network | None:
    """The network of a configuration with a classification head of so many labels.

    None for an unknown family, for a size that is no whole number above 0, and for what no registered model could be.
    """
    try:
        network = _network(config, labels)
    except _NoSize:
        return None
    return network if network is not None and _possible(network) else None


def _network(config: Config, labels: int) -> Network | None:
    family = str(config.get("model_type", ""))
    if family in BERT_LIKE:
        return _bert(family, config, labels)
    if family in LLAMA_LIKE:
        return _llama(family, config, labels)
    if family in VIT_LIKE:
        return _vit(family, config, labels)
    if family == "resnet":
        return _resnet(config, labels)
    return None


def _possible(network: Network) -> bool:
    """Whether it stays within the bounds that a registered model's architecture has."""
    flops = network.forward_flops_per_example or 0
    return (
        network.parameters <= MOST_PARAMETERS and flops <= MOST_FORWARD_FLOPS and (network.layers or 0) <= MOST_LAYERS
    )


def _bert(family: str, config: Config, labels: int) -> Network:
    width = _get(config, 768, "hidden_size", "dim")
    depth = _get(config, 12, "num_hidden_layers", "n_layers")
    inner = _get(config, 3072, "intermediate_size", "hidden_dim")
    positions = _get(config, 512, "max_position_embeddings")
    vocabulary = _get(config, 30522, "vocab_size")
    embeddings = (vocabulary + positions + _get(config, 2, "type_vocab_size")) * width
    block = 4 * width**2 + 2 * width * inner + 9 * width + inner
    head = width**2 + width + width * labels
    return Network(family, embeddings + depth * block + head, embeddings, depth, width, positions)


def _llama(family: str, config: Config, labels: int) -> Network:
    width = _get(config, 4096, "hidden_size")
    depth = _get(config, 32, "num_hidden_layers")
    heads = _get(config, 32, "num_attention_heads")
    shared = _get(config, heads, "num_key_value_heads") / heads
    embeddings = _get(config, 32000, "vocab_size") * width
    block = round(2 * width**2 * (1 + shared)) + 3 * width * _get(config, 11008, "intermediate_size") + 2 * width
    longest = _get(config, 2048, "max_position_embeddings")
    return Network(family, embeddings + depth * block + width * (labels + 1), embeddings, depth, width, longest)


def _vit(family: str, config: Config, labels: int) -> Network:
    width = _get(config, 768, "hidden_size")
    depth = _get(config, 12, "num_hidden_layers")
    inner = _get(config, 3072, "intermediate_size")
    side, patch = _get(config, 224, "image_size"), _get(config, 16, "patch_size")
    if patch > side:
        raise _NoSize
    patches = (side // patch) ** 2
    projection = _get(config, 3, "num_channels") * patch**2 * width
    block = 4 * width**2 + 2 * width * inner
    tokens = patches + 1
    forward = 2 * depth * block * tokens + 4 * tokens**2 * width * depth + 2 * projection * patches + 2 * width * labels
    positions = tokens * width
    parameters = depth * (block + 9 * width + inner) + projection + positions + width * labels
    return Network(family, parameters, positions, depth, width, image_size=side, forward_flops_per_example=forward)


def _resnet(config: Config, labels: int) -> Network:
    """Counts as torchvision's ResNet v1.5: the stride sits in the 3 x 3 convolution of a bottleneck."""
    side = _get(config, 224, "image_size")
    channels = _get(config, 64, "embedding_size")
    count = _Convolutions()
    resolution = count.add(_get(config, 3, "num_channels"), channels, 7, -(-side // 2))
    resolution = -(-resolution // 2)
    widths, depths = _stages(config)
    bottleneck = config.get("layer_type", "bottleneck") == "bottleneck"
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        halves = stage > 0 or bool(config.get("downsample_in_first_stage", False))
        for block in range(depth):
            after = -(-resolution // 2) if halves and block == 0 else resolution
            count.block(channels, width, resolution, after, bottleneck=bottleneck)
            channels, resolution = width, after
    head = channels * labels
    parameters, flops = count.parameters + head, count.flops + 2 * head
    return Network("resnet", parameters, image_size=side, forward_flops_per_example=flops)


class _Convolutions:
    """Parameters and FLOPs of convolutions (2 per multiply-add), counted one by one."""

    def __init__(self) -> None:
        self.parameters = 0
        self.flops = 0

    def add(self, inputs: int, outputs: int, kernel: int, side: int) -> int:
        """One convolution whose output has the given side, which is returned."""
        weights = inputs * outputs * kernel**2
        self.parameters += weights
        self.flops += 2 * weights * side**2
        return side

    def block(self, inputs: int, outputs: int, before: int, after: int, *, bottleneck: bool) -> None:
        """One residual block with its shortcut."""
        if inputs != outputs or before != after:
            self.add(inputs, outputs, 1, after)
        if bottleneck:
            inner = outputs // 4
            self.add(inputs, inner, 1, before)
            self.add(inner, inner, 3, after)
            self.add(inner, outputs, 1, after)
        else:
            self.add(inputs, outputs, 3, after)
            self.add(outputs, outputs, 3, after)


def _stages(config: Config) -> tuple[list[int], list[int]]:
    """Width and number of blocks of each stage."""
    widths, depths = (
        _sizes(config.get(key) or default) for key, default in (("hidden_sizes", WIDTHS), ("depths", DEPTHS))
    )
    if len(widths) != len(depths) or sum(depths) > MOST_LAYERS:
        raise _NoSize
    return widths, depths


def _get(config: Config, default: int, *names: str) -> int:
    """The first of the named keys that is set; null is not. Raises _NoSize where it holds no size."""
    value = next((config[name] for name in names if config.get(name) is not None), default)
    return _size(value)


def _sizes(value: Any) -> list[int]:
    if not isinstance(value, list | tuple):
        raise _NoSize
    return [_size(each) for each in value]


def _size(value: Any) -> int:
    """A whole number from 1 to MOST_SIZE; a JSON number may be written 64.0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 1 <= value <= MOST_SIZE or value != int(value):
        raise _NoSize
    return int(value)
