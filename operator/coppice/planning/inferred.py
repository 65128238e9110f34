"""The sizes of a transformer of which only its parameters are known, for estimates made before a model is chosen.

A stack of blocks has 12 x layers x width^2 parameters. Published language models are drawn from 64 times as wide as
deep (BERT, Pythia up to 1 B) to 128 times (Llama 7 B to 405 B), so width / layers = 64 + 64 N / (N + 1.5e9) and

    width = (N x (width / layers) / 12)^(1/3)

gives LLaMA 7B 4,019 x 35 (published: 4,096 x 32), 65B 8,826 x 70 (8,192 x 80), 405B 16,288 x 127 (16,384 x 126). Every
parameter is taken to multiply every token, as published counts of 6 N D do; who knows the embeddings says so. Of a
mixture of experts the active parameters decide, since experts replace the inner part of a block, not its width.
"""

from coppice.planning.network import Network
from coppice.planning.utilisation import REFERENCE_TOKENS

NARROW, WIDER, HALF_WAY = 64.0, 64.0, 1.5e9


def sizes(parameters: float) -> tuple[int, int]:
    """Blocks and width of a dense transformer of so many parameters."""
    ratio = NARROW + WIDER * parameters / (parameters + HALF_WAY)
    width = (parameters * ratio / 12) ** (1 / 3)
    return max(round(width / ratio), 1), max(round(width), 1)


def inferred_network(
    parameters: int,
    active_parameters: int | None = None,
    *,
    family: str = "transformer",
    embedding_parameters: int = 0,
    layers: int | None = None,
    hidden_size: int | None = None,
) -> Network:
    """A transformer of so many parameters; layers and width where somebody knows them."""
    multiplied = max((active_parameters or parameters) - embedding_parameters, 1)
    depth, width = sizes(multiplied)
    return Network(
        family=family,
        parameters=parameters,
        embedding_parameters=embedding_parameters,
        layers=layers or depth,
        hidden_size=hidden_size or width,
        active_parameters=active_parameters,
    )


SMALL_STEP_TOKENS, SMALL_STEP_PARAMETERS, STEP_GROWTH, MOST_STEP_TOKENS = 0.5e6, 7.6e8, 0.38, 4e6
"""GPT-3's steps (Brown et al. 2020, Table 2.1): 0.5 M tokens at 0.76 B parameters and below, 3.2 M at 175 B; a straight
line on logarithms between. Later models of every size use up to 4 M."""


def step_tokens(parameters: float, devices: int) -> float:
    """Tokens of one step of a pre-training run that does not say: by size, and never too few to keep devices busy."""
    larger = max(parameters / SMALL_STEP_PARAMETERS, 1.0)
    tokens = min(SMALL_STEP_TOKENS * float(larger**STEP_GROWTH), MOST_STEP_TOKENS)
    return max(tokens, float(REFERENCE_TOKENS * devices))
