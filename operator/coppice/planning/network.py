"""A network as estimates see it: what one example costs in a forward pass, and how many parameters there are.

Parameters in matrix multiplications cost FLOPs, input embeddings only memory: over all of BERT-base's parameters the
usual 6ND would be 20 % too high. The output head of a language model costs FLOPs also where it shares its weights with
the embeddings. Convolutional networks reuse their parameters at every pixel, so their forward FLOPs must be counted,
not derived.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import sqrt

from coppice.api.basemodel import Architecture
from coppice.planning.block import Block, block_of
from coppice.planning.column import at_most
from coppice.planning.families import LANGUAGE_MODELLING, Traits, traits
from coppice.planning.kinds import Kind, kind

KEPT = 2**15
"""Networks remembered: a decision asks for the same ones again and again."""
STORED_BYTES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1}
"""Bytes of a weight by the name that safetensors gives its type."""


@dataclass(frozen=True)
class Network:
    """Figures of one network. `forward_flops_per_example` is set for vision models, `layers` for transformers.

    `active_parameters` are those that one token passes through (embeddings included, as they are published);
    `example_parameters` are used once per example, not per token; `shared_head_parameters` are those of an output head
    that costs FLOPs and no memory of its own; `token_outputs` are the figures a head gives for every token;
    `stem_flops` those of a first layer whose input needs no gradient; `kept_elements` what one example leaves for the
    backward pass, where it was counted; `counted_tokens` the length at which `forward_flops_per_example` was counted.
    """

    family: str
    parameters: int
    embedding_parameters: int = 0
    layers: int | None = None
    hidden_size: int | None = None
    max_sequence_length: int | None = None
    image_size: int | None = None
    forward_flops_per_example: int | None = None
    block: Block | None = None
    active_parameters: int | None = None
    example_parameters: int = 0
    shared_head_parameters: int = 0
    token_outputs: int = 0
    stem_flops: int = 0
    kept_elements: int | None = None
    counted_tokens: int | None = None
    dtype: str = ""

    @cached_property
    def matrix_parameters(self) -> int:
        """Parameters that take part in multiplications."""
        return max(self.parameters - self.embedding_parameters + self.shared_head_parameters, 1)

    @cached_property
    def token_parameters(self) -> int:
        """Parameters that multiply every token."""
        if self.block is not None and self.forward_flops_per_example is None:
            return self.block.parameters * (self.layers or 0) + self.token_outputs * self.block.width
        active = self.active_parameters or self.parameters
        return max(active - self.embedding_parameters + self.shared_head_parameters - self.example_parameters, 1)

    @cached_property
    def depth(self) -> int:
        """Blocks, 0 where there are none."""
        return self.layers or 0

    @cached_property
    def mixture(self) -> bool:
        """Whether a token passes through a part of its parameters alone."""
        return self.active_parameters is not None and self.active_parameters < self.parameters

    @cached_property
    def traits(self) -> Traits:
        """What its family is known for."""
        return traits(self.family)

    @property
    def is_transformer(self) -> bool:
        """Whether width and depth are known."""
        return self.layers is not None and self.hidden_size is not None

    @cached_property
    def shape(self) -> Block | None:
        """Its block; where no sizes are stated, what width, depth and parameters imply; None for other networks."""
        if self.block is not None or self.layers is None or self.hidden_size is None:
            return self.block
        each = self.token_parameters / self.layers
        return block_of(each, self.hidden_size, gated=self.traits.gated)

    @cached_property
    def pace(self) -> Kind:
        """One object for all networks whose time and power follow the same formulas, whatever their memory does."""
        return kind(
            self.image_size,
            self.is_transformer,
            self.mixture,
            self.forward_flops_per_example is None,
            self.counted_tokens is None,
        )

    @cached_property
    def nature(self) -> Kind:
        """One object for all networks that take the same way through every formula of one layout."""
        family = "" if self.shape else self.family
        return kind(self.pace, family, self.dtype, self.kept_elements is None)

    @property
    def stored_bytes(self) -> int:
        """Bytes of one weight as its files hold it; 4 where nobody says."""
        return STORED_BYTES.get(self.dtype.upper(), 4)

    def tokens(self, wanted: int) -> int:
        """Tokens of one example that the network sees: cut to its longest input; of images what the FLOPs imply."""
        if self.counted_tokens is not None:
            return self.counted_tokens
        if self.forward_flops_per_example is not None:
            return self._patches
        return wanted if self.max_sequence_length is None else at_most(wanted, self.max_sequence_length)

    def forward_flops(self, tokens: int) -> float:
        """FLOPs of one example's forward pass: 2 N S and attention, and twice what runs once per example."""
        if self.forward_flops_per_example is not None:
            return 1.0 * self.forward_flops_per_example
        return 2.0 * (self.token_parameters * tokens + self.example_parameters) + self.attention_flops(tokens)

    def attention_flops(self, tokens: int) -> float:
        """4 S^2 d a layer, of queries times keys and weights times values; no discount for a causal mask."""
        width = self.block.attention_width if self.block else self.hidden_size or 0
        return 4.0 * tokens**2 * width * self.depth

    def adapter_parameters(self, rank: int) -> int:
        """Parameters of LoRA adapters of a rank on all linear layers of every block."""
        return rank * self.shape.adapter_width * self.depth if self.shape else 0

    @cached_property
    def _patches(self) -> int:
        """The positive S of 4 S^2 d L + 2 N S = FLOPs: patches of a vision transformer, else a measure of its size."""
        flops, linear = float(self.forward_flops_per_example or 0), 2.0 * self.matrix_parameters
        square = self.attention_flops(1)
        found = (sqrt(linear**2 + 4 * square * flops) - linear) / (2 * square) if square else flops / linear
        return max(round(found), 1)


def network_of(architecture: Architecture, task: str = "") -> Network:
    """A registered model's network with the head that the task puts on it; a classifier's where none is named."""
    return _network_of(architecture, task in LANGUAGE_MODELLING)


@lru_cache(maxsize=KEPT)
def _network_of(architecture: Architecture, language_modelling: bool) -> Network:
    sizes = architecture
    embeddings, parameters = sizes.embedding_parameters or 0, sizes.parameters
    family = traits(sizes.family)
    block = _block(sizes)
    vocabulary = sizes.vocabulary_size or embeddings // (sizes.hidden_size or embeddings or 1)
    head = vocabulary * (sizes.hidden_size or 0)
    has_own_head = _has_own_head(sizes, block, head)
    shared = 0
    if language_modelling:
        shared = 0 if has_own_head else head
    elif has_own_head:
        parameters -= head
    pooler = family.pooler and not language_modelling and sizes.forward_flops_per_example is None
    return Network(
        family=sizes.family,
        parameters=parameters,
        embedding_parameters=embeddings,
        layers=sizes.layers,
        hidden_size=sizes.hidden_size,
        max_sequence_length=sizes.max_sequence_length,
        image_size=sizes.image_size,
        forward_flops_per_example=sizes.forward_flops_per_example,
        block=block,
        active_parameters=sizes.active_parameters,
        example_parameters=(sizes.hidden_size or 0) ** 2 if pooler else 0,
        shared_head_parameters=shared,
        token_outputs=vocabulary if language_modelling else 0,
        dtype=sizes.dtype or "",
    )


def _block(sizes: Architecture) -> Block | None:
    """The block where width, depth and inner width are stated; else it is inferred when someone needs it."""
    stated = sizes.layers and sizes.hidden_size and sizes.intermediate_size
    if not stated or sizes.active_parameters is not None:
        return None
    assert sizes.hidden_size is not None
    return block_of(
        0,
        sizes.hidden_size,
        gated=traits(sizes.family).gated,
        inner=sizes.intermediate_size,
        heads=sizes.attention_heads,
        key_value_heads=sizes.key_value_heads,
    )


def _has_own_head(sizes: Architecture, block: Block | None, head: int) -> bool:
    """Whether the parameters hold a language model's output head beside the embeddings: what blocks leave tells."""
    if block is None or not sizes.vocabulary_size or sizes.forward_flops_per_example is not None:
        return False
    rest = sizes.parameters - (sizes.embedding_parameters or 0) - block.parameters * (sizes.layers or 0)
    return rest > head / 2
