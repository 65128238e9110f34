"""What the trainer counts of a network that no formula knows: the answer of `python -m coppice.trainer count`."""

from pydantic import Field

from coppice.api.base import Model, ShortText


class NetworkCount(Model):
    """Figures of one network with one head, counted on tensors without data."""

    family: ShortText = Field(description="model_type of the configuration.")
    parameters: int = Field(ge=1, le=10**14, description="All parameters; shared ones once.")
    embedding_parameters: int = Field(default=0, ge=0, le=10**14, description="Parameters of lookup tables.")
    layers: int | None = Field(default=None, ge=1, le=10**4, description="Blocks, where the configuration says.")
    hidden_size: int | None = Field(default=None, ge=1, le=10**6, description="Width, where the configuration says.")
    tokens: int | None = Field(default=None, ge=1, le=10**8, description="Tokens of the example that was counted.")
    image_size: int | None = Field(default=None, ge=1, le=10**5, description="Side of the picture that was counted.")
    forward_flops: int = Field(ge=1, le=10**18, description="FLOPs of one example's forward pass.")
    training_flops: int = Field(ge=1, le=10**19, description="FLOPs of one example's training pass.")
    kept_elements: int | None = Field(
        default=None,
        ge=0,
        le=10**16,
        description="Elements of one example kept for the backward pass, fused attention.",
    )
    flop_method: str = Field(max_length=256, description="How the FLOPs were counted.")
