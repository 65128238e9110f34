"""A network as estimates see it: what one example costs in a forward pass, and how many parameters there are.

Parameters in matrix multiplications cost FLOPs, input embeddings only memory: over all of BERT-base's parameters the
usual 6ND would be 20 % too high. Convolutional networks reuse their parameters at every pixel, so their forward
FLOPs must be counted, not derived.
"""

from dataclasses import dataclass

from coppice.api.basemodel import Architecture

HEAD_WIDTH = 64
"""Width of an attention head where nobody says otherwise: BERT, ViT and most that followed."""


@dataclass(frozen=True)
class Network:
    """Figures of one network. `forward_flops_per_example` is set for vision models, `layers` for transformers."""

    family: str
    parameters: int
    embedding_parameters: int = 0
    layers: int | None = None
    hidden_size: int | None = None
    max_sequence_length: int | None = None
    image_size: int | None = None
    forward_flops_per_example: int | None = None

    @property
    def matrix_parameters(self) -> int:
        """Parameters that take part in multiplications."""
        return max(self.parameters - self.embedding_parameters, 1)

    @property
    def is_transformer(self) -> bool:
        """Whether width and depth are known."""
        return self.layers is not None and self.hidden_size is not None

    def tokens(self, wanted: int) -> int:
        """Tokens of one example that the network sees: cut to its longest input; of images what the FLOPs imply."""
        if self.forward_flops_per_example is not None:
            return max(round(self.forward_flops_per_example / (2 * self.matrix_parameters)), 1)
        return min(wanted, self.max_sequence_length or wanted)

    def forward_flops(self, tokens: int) -> float:
        """FLOPs of one example's forward pass: 2 N S, and 4 S^2 d a layer for attention without causal discount."""
        if self.forward_flops_per_example is not None:
            return float(self.forward_flops_per_example)
        attention = 4.0 * tokens**2 * (self.hidden_size or 0) * (self.layers or 0)
        return 2.0 * self.matrix_parameters * tokens + attention

    def adapter_parameters(self, rank: int) -> int:
        """Parameters of LoRA adapters of a rank on all linear layers of a BERT-like block (4 of d x d, 2 of d x 4d)."""
        return 18 * rank * (self.hidden_size or 0) * (self.layers or 0)


def network_of(architecture: Architecture) -> Network:
    """A registered model's network."""
    return Network(
        family=architecture.family,
        parameters=architecture.parameters,
        embedding_parameters=architecture.embedding_parameters or 0,
        layers=architecture.layers,
        hidden_size=architecture.hidden_size,
        max_sequence_length=architecture.max_sequence_length,
        image_size=architecture.image_size,
        forward_flops_per_example=architecture.forward_flops_per_example,
    )
