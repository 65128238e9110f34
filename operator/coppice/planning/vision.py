"""Vision networks from their configurations, counted layer by layer as transformers builds them.

Vision transformers keep their block, so that adapters and recomputation can be derived; hierarchical and convolution
networks only have sums.
"""

from coppice.planning.block import Block
from coppice.planning.convolutions import Convolutions, halved
from coppice.planning.network import Network
from coppice.planning.sizes import MOST_LAYERS, Config, NoSize, get, get_list, get_ratio

SIDE = 224


def vit(family: str, config: Config, labels: int) -> Network:
    """ViT, DeiT, BEiT and DINOv2: square patches, one class token (DeiT: two), a head on one token."""
    width = get(config, 768, "hidden_size")
    depth = get(config, 12, "num_hidden_layers")
    heads = get(config, 12, "num_attention_heads")
    inner = get(config, 3072, "intermediate_size")
    if family == "dinov2":
        inner = round(width * get_ratio(config, 4, "mlp_ratio"))
    side, patch = get(config, SIDE, "image_size"), get(config, 16, "patch_size")
    if patch > side:
        raise NoSize
    patches = (side // patch) ** 2
    tokens = patches + (2 if family == "deit" else 1)
    block = Block(width, inner, width, width, heads)
    projection = get(config, 3, "num_channels") * patch**2 * width
    stem, head = 2 * projection * patches, width * labels * (2 if family == "dinov2" else 1)
    attention = 4 * tokens**2 * width * depth
    parameters = depth * (block.parameters + 9 * width + inner) + projection + tokens * width + head
    return Network(
        family,
        parameters,
        tokens * width,
        depth,
        width,
        image_size=side,
        forward_flops_per_example=2 * depth * block.parameters * tokens + attention + stem + 2 * head,
        block=block,
        stem_flops=stem,
        counted_tokens=tokens,
    )


def swin(config: Config, labels: int) -> Network:
    """Swin: attention within windows, width doubles and resolution halves from stage to stage."""
    width, window = get(config, 96, "embed_dim"), get(config, 7, "window_size")
    depths, heads = get_list(config, (2, 2, 6, 2), "depths"), get_list(config, (3, 6, 12, 24), "num_heads")
    ratio = get_ratio(config, 4, "mlp_ratio")
    side, patch = get(config, SIDE, "image_size"), get(config, 4, "patch_size")
    if len(depths) != len(heads) or sum(depths) > MOST_LAYERS or patch > side:
        raise NoSize
    count, resolution = Convolutions(), side // patch
    count.add(get(config, 3, "num_channels"), width, patch, resolution, keeps=1)
    for stage, (depth, several) in enumerate(zip(depths, heads, strict=True)):
        if stage:
            resolution = halved(resolution)
            count.linear(4 * width, 2 * width, resolution**2)
            count.kept += 8 * width * resolution**2
            width *= 2
        _swin_stage(count, width, round(ratio * width), depth, several, resolution, window)
    count.linear(width, labels)
    return count.network("swin", side)


def _swin_stage(
    count: Convolutions, width: int, inner: int, depth: int, heads: int, resolution: int, window: int
) -> None:
    """Blocks of one width; pictures are padded to whole windows."""
    tokens = resolution**2
    window = min(window, resolution)
    padded = (-(-resolution // window) * window) ** 2
    for _ in range(depth):
        count.linear(width, 4 * width, padded)
        count.linear(width, 2 * inner, tokens)
        count.flops += 4 * window**2 * width * padded
        count.kept += tokens * (3 * width + 2 * inner) + padded * (7 * width + heads * window**2)


def resnet(config: Config, labels: int) -> Network:
    """Counts as torchvision's ResNet v1.5: the stride sits in the 3 x 3 convolution of a bottleneck."""
    side = get(config, SIDE, "image_size")
    channels = get(config, 64, "embedding_size")
    count = Convolutions()
    resolution = count.add(get(config, 3, "num_channels"), channels, 7, halved(side))
    resolution = halved(resolution)
    count.kept += 3 * channels * resolution**2
    widths, depths = get_list(config, (256, 512, 1024, 2048), "hidden_sizes"), get_list(config, (3, 4, 6, 3), "depths")
    if len(widths) != len(depths) or sum(depths) > MOST_LAYERS:
        raise NoSize
    bottleneck = config.get("layer_type", "bottleneck") == "bottleneck"
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        halves = stage > 0 or bool(config.get("downsample_in_first_stage", False))
        for block in range(depth):
            after = halved(resolution) if halves and block == 0 else resolution
            _residual(count, channels, width, resolution, after, bottleneck=bottleneck)
            channels, resolution = width, after
    count.linear(channels, labels)
    return count.network("resnet", side)


def _residual(count: Convolutions, inputs: int, outputs: int, before: int, after: int, *, bottleneck: bool) -> None:
    """One residual block with its shortcut."""
    if inputs != outputs or before != after:
        count.add(inputs, outputs, 1, after, keeps=1)
    if bottleneck:
        inner = outputs // 4
        count.add(inputs, inner, 1, before)
        count.add(inner, inner, 3, after)
        count.add(inner, outputs, 1, after)
    else:
        count.add(inputs, outputs, 3, after)
        count.add(outputs, outputs, 3, after)


def convnext(family: str, config: Config, labels: int) -> Network:
    """ConvNeXt: a 7 x 7 convolution of each channel, then a feed-forward part of four times the width."""
    side, patch = get(config, SIDE, "image_size"), get(config, 4, "patch_size")
    widths, depths = get_list(config, (96, 192, 384, 768), "hidden_sizes"), get_list(config, (3, 3, 9, 3), "depths")
    if len(widths) != len(depths) or sum(depths) > MOST_LAYERS or patch > side:
        raise NoSize
    count, resolution = Convolutions(), side // patch
    before = count.add(get(config, 3, "num_channels"), widths[0], patch, resolution) and widths[0]
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        if stage:
            resolution //= 2
            count.add(before, width, 2, resolution, keeps=1)
        for _ in range(depth):
            count.add(width, width, 7, resolution, groups=width)
            count.linear(width, 8 * width, resolution**2)
            count.kept += 10 * width * resolution**2
        before = width
    count.linear(before, labels)
    return count.network(family, side)
