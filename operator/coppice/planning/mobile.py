"""EfficientNet and MobileNet from their configurations: narrow convolutions, each channel filtered by itself.

They do few FLOPs and keep many activations; FLOPs alone say little about what they cost.
"""

from math import ceil

from coppice.planning.convolutions import Convolutions, halved
from coppice.planning.network import Network
from coppice.planning.sizes import MOST_LAYERS, Config, NoSize, get, get_list, get_ratio

KERNELS, STRIDES, REPEATS = (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 2, 1, 2, 1), (1, 2, 2, 3, 3, 4, 1)
INPUTS, OUTPUTS, EXPANSIONS = (32, 16, 24, 40, 80, 112, 192), (16, 24, 40, 80, 112, 192, 320), (1, 6, 6, 6, 6, 6, 6)
SEVENTH = {"width_coefficient": 2.0, "depth_coefficient": 3.1, "image_size": 600}
"""Where a configuration is silent, transformers builds EfficientNet-B7."""
KEPT = 3
"""Copies of a layer's output: for the normalisation, for the activation (which needs its input), for the next layer."""
MOBILE_STAGES = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
"""Channels, blocks and stride of MobileNetV2's stages (Sandler et al. 2018, table 2)."""


def efficientnet(config: Config, labels: int) -> Network:
    """EfficientNet (Tan and Le 2019): inverted residuals with squeeze and excitation, scaled in width and depth."""
    side = get(config, 600, "image_size")
    wide, deep = (get_ratio(config, SEVENTH[name], name) for name in ("width_coefficient", "depth_coefficient"))
    divisor = get(config, 8, "depth_divisor")
    squeeze = get_ratio(config, 0.25, "squeeze_expansion_ratio")
    names = ("kernel_sizes", "strides", "num_block_repeats", "in_channels", "out_channels", "expand_ratios")
    defaults = (KERNELS, STRIDES, REPEATS, INPUTS, OUTPUTS, EXPANSIONS)
    lists = [get_list(config, default, name) for name, default in zip(names, defaults, strict=True)]
    if len({len(each) for each in lists}) != 1 or sum(lists[2]) * deep > MOST_LAYERS:
        raise NoSize
    count, resolution = Convolutions(), halved(side)
    channels = _rounded(32 * wide, divisor)
    count.add(get(config, 3, "num_channels"), channels, 3, resolution, keeps=KEPT)
    for kernel, stride, repeats, _, outputs, expansion in zip(*lists, strict=True):
        for block in range(ceil(repeats * deep)):
            after = halved(resolution) if stride == 2 and block == 0 else resolution
            width = _rounded(outputs * wide, divisor)
            reduced = max(1, int(channels * squeeze))
            _inverted(count, channels, width, expansion, kernel, (resolution, after), reduced)
            channels, resolution = width, after
    last = _rounded(1280 * wide, divisor)
    count.add(channels, last, 1, resolution, keeps=KEPT)
    count.linear(last, labels)
    return count.network("efficientnet", side)


def mobilenet_v2(config: Config, labels: int) -> Network:
    """MobileNetV2: inverted residuals of six times the width."""
    side, wide = get(config, 224, "image_size"), get_ratio(config, 1.0, "depth_multiplier")
    divisor, expansion = get(config, 8, "depth_divisible_by"), get(config, 6, "expand_ratio")
    count, resolution = Convolutions(), halved(side)
    channels = _rounded(32 * wide, divisor)
    count.add(get(config, 3, "num_channels"), channels, 3, resolution, keeps=KEPT)
    for stage, (outputs, repeats, stride) in enumerate(MOBILE_STAGES):
        for block in range(repeats):
            after = halved(resolution) if stride == 2 and block == 0 else resolution
            width = _rounded(outputs * wide, divisor)
            _inverted(count, channels, width, expansion if stage else 1, 3, (resolution, after), 0)
            channels, resolution = width, after
    last = _rounded(1280 * wide, divisor) if wide >= 1 else 1280
    count.add(channels, last, 1, resolution, keeps=KEPT)
    count.linear(last, labels)
    return count.network("mobilenet_v2", side)


def mobilenet_v1(config: Config, labels: int) -> Network:
    """MobileNetV1: thirteen pairs of a convolution of each channel and one across channels."""
    side, wide = get(config, 224, "image_size"), get_ratio(config, 1.0, "depth_multiplier")
    count, resolution = Convolutions(), halved(side)
    channels, doubling = max(round(32 * wide), 8), {0, 1, 3, 5, 11}
    count.add(get(config, 3, "num_channels"), channels, 3, resolution, keeps=KEPT)
    depth = 32
    for layer, stride in enumerate((1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)):
        depth *= 2 if layer in doubling else 1
        resolution = halved(resolution) if stride == 2 else resolution
        count.add(channels, channels, 3, resolution, groups=channels, keeps=KEPT)
        width = max(round(depth * wide), 8)
        count.add(channels, width, 1, resolution, keeps=KEPT)
        channels = width
    count.linear(channels, labels)
    return count.network("mobilenet_v1", side)


def _inverted(
    count: Convolutions, inputs: int, outputs: int, expansion: int, kernel: int, sides: tuple[int, int], squeezed: int
) -> None:
    """Widen, filter each channel, weigh the channels, narrow again."""
    before, after = sides
    inner = inputs * expansion
    if expansion != 1:
        count.add(inputs, inner, 1, before, keeps=KEPT)
    count.add(inner, inner, kernel, after, groups=inner, keeps=KEPT + 1 if squeezed else KEPT)
    if squeezed:
        count.linear(inner, squeezed)
        count.linear(squeezed, inner)
    count.add(inner, outputs, 1, after)


def _rounded(channels: float, divisor: int) -> int:
    """To a multiple of the divisor, and never down by more than a tenth."""
    found = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return found + divisor if found < 0.9 * channels else found
