"""A job whose ladder is dear enough for a look at two base models first."""

from typing import Any

from builders import Builder, JobBuilder, make_job, make_model

SCRATCH = {"hidden_size": 512, "num_hidden_layers": 8, "intermediate_size": 2048, "num_attention_heads": 8}
FIRST, SECOND = "all-minilm-l6-v2", "bge-small-en-v1.5"


def dear_job(name: str = "newswire-topics", namespace: str = "research") -> JobBuilder:
    """Linear probes of two encoders on 200,000 examples, and a plan from scratch that costs fifty times as much."""
    return make_job(name, namespace).dataset(examples=200_000).methods("LinearProbe").scratch(epochs=10, **SCRATCH)


def second_model() -> Builder[Any]:
    """An encoder of twelve layers beside the six-layered one that every world has."""
    figures = {"parameters": 33_360_000, "embeddingParameters": 11_917_824, "layers": 12, "hiddenSize": 384}
    return make_model(SECOND).architecture(**figures)
