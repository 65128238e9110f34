"""Configurations of well-known networks with what torch's FLOP counter counts for them (torch 2.15, transformers 5.23,
peft 0.21, meta tensors, 2 FLOPs per multiply-add): the yardstick of the derived figures, without torch.

`tests/trainer/test_flops_against_torch.py` counts every figure anew.
"""

from dataclasses import dataclass
from typing import Any

from coppice.api.vocabulary import Method

TEXT, IMAGE, GENERATION = "text-classification", "image-classification", "text-generation"
BERT: dict[str, Any] = {"model_type": "bert"}
MINILM = {**BERT, "hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
SMALL = {**BERT, "hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
DISTILBERT = {"model_type": "distilbert"}
ROBERTA = {"model_type": "roberta", "vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1}
LLAMA_160M = {"model_type": "llama", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
LLAMA_160M |= {"intermediate_size": 3072, "vocab_size": 32000}
TINYLLAMA = {"model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 22, "num_attention_heads": 32}
TINYLLAMA |= {"num_key_value_heads": 4, "intermediate_size": 5632, "vocab_size": 32000}
LLAMA_1B = {"model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32}
LLAMA_1B |= {"num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 128256, "tie_word_embeddings": True}
LLAMA_7B = {"model_type": "llama"}
QWEN3 = {"model_type": "qwen3", "hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16}
QWEN3 |= {"num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 3072, "vocab_size": 151936}
VIT = {"model_type": "vit"}
VIT_TINY = {**VIT, "hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768}
DEIT = {"model_type": "deit", "architectures": ["DeiTForImageClassification"]}
DINOV2 = {"model_type": "dinov2", "hidden_size": 384, "num_attention_heads": 6, "patch_size": 14, "image_size": 224}
RESNET18 = {"model_type": "resnet", "layer_type": "basic", "hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2]}
RESNET50 = {"model_type": "resnet"}
SWIN = {"model_type": "swin"}
CONVNEXT = {"model_type": "convnext"}
EFFICIENTNET_B0 = {"model_type": "efficientnet", "width_coefficient": 1.0, "depth_coefficient": 1.0, "image_size": 224}
EFFICIENTNET_B0 |= {"hidden_dim": 1280}
MOBILENET_V2 = {"model_type": "mobilenet_v2"}
MOBILENET_V1 = {"model_type": "mobilenet_v1"}


@dataclass(frozen=True)
class Counted:
    """GFLOP of one example: a forward pass, and a training pass where the counter can be trusted."""

    name: str
    config: dict[str, Any]
    task: str
    tokens: int
    forward: float
    training: float | None
    method: Method = Method.FULL_FINE_TUNE
    rank: int = 8
    checkpointing: bool = False
    labels: int = 10


FULL, LORA = Method.FULL_FINE_TUNE, Method.LORA
COUNTED = [
    Counted("bert-base", BERT, TEXT, 128, 22.3484, 67.0453),
    Counted("bert-base", BERT, TEXT, 512, 96.638, 289.914),
    Counted("bert-base checkpointed", BERT, TEXT, 128, 22.3484, 89.3926, checkpointing=True),
    Counted("bert-base LoRA 8", BERT, TEXT, 128, 22.6882, 45.8625, LORA),
    Counted("bert-base LoRA 64", BERT, TEXT, 128, 25.0666, 52.9645, LORA, 64),
    Counted("bert-base LoRA 8", BERT, TEXT, 512, 97.9969, 205.186, LORA),
    Counted("bert-base LoRA 8 checkpointed", BERT, TEXT, 128, 22.6882, 69.0072, LORA, checkpointing=True),
    Counted("minilm-l6", MINILM, TEXT, 128, 2.86921, 8.60762),
    Counted("bert 4 x 256", SMALL, TEXT, 64, 0.419567, 1.2587),
    Counted("bert 4 x 256 LoRA 8", SMALL, TEXT, 64, 0.438449, 0.886611, LORA),
    Counted("distilbert", DISTILBERT, TEXT, 128, 11.1748, 33.5245),
    Counted("roberta-base", ROBERTA, TEXT, 256, 45.9037, 137.711),
    Counted("bert-base masked", BERT, "fill-mask", 128, 28.4991, 85.4973),
    Counted("llama-160m", LLAMA_160M, GENERATION, 1024, 320.915, 962.744),
    Counted("llama-160m LoRA 8", LLAMA_160M, GENERATION, 1024, 324.387, 687.241, LORA),
    Counted("llama-160m LoRA 64", LLAMA_160M, GENERATION, 1024, 348.698, 759.907, LORA, 64),
    Counted("llama-160m checkpointed", LLAMA_160M, GENERATION, 1024, 320.915, 1175.34, checkpointing=True),
    Counted("llama-160m LoRA 8 checkpointed", LLAMA_160M, GENERATION, 1024, 324.387, 964.807, LORA, checkpointing=True),
    Counted("tinyllama-1.1b", TINYLLAMA, GENERATION, 2048, 4992.9, 14978.7),
    Counted("tinyllama-1.1b LoRA 8", TINYLLAMA, GENERATION, 2048, 5018.74, 10797.5, LORA),
    Counted("llama-3.2-1b, tied head", LLAMA_1B, GENERATION, 1024, 2668.25, 8004.75),
    Counted("llama-3.2-1b classifier", LLAMA_1B, TEXT, 256, 506.817, 1520.45),
    Counted("llama-2-7b", LLAMA_7B, GENERATION, 4096, 62921.3, 188764),
    Counted("qwen3-0.6b, wide heads", QWEN3, GENERATION, 512, 670.418, 2011.25),
    Counted("vit-tiny", VIT_TINY, IMAGE, 0, 2.50737, 7.4643, labels=1000),
    Counted("vit-base", VIT, IMAGE, 0, 35.1277, 105.152, labels=1000),
    Counted("vit-base LoRA 8", VIT, IMAGE, 0, 35.649, 72.3159, LORA),
    Counted("vit-base LoRA 64", VIT, IMAGE, 0, 39.3092, 83.2456, LORA, 64),
    Counted("vit-base checkpointed", VIT, IMAGE, 0, 35.1261, 128.887, checkpointing=True),
    Counted("deit-base", DEIT, IMAGE, 0, 35.3121, 105.705, labels=1000),
    Counted("dinov2-small", DINOV2, IMAGE, 0, 12.2471, 36.6258),
    Counted("swin-tiny", SWIN, IMAGE, 0, 8.98113, 26.9145, labels=1000),
    Counted("resnet-18", RESNET18, IMAGE, 0, 3.62815, 10.6484, labels=1000),
    Counted("resnet-50", RESNET50, IMAGE, 0, 8.17837, 24.2991, labels=1000),
    Counted("convnext-tiny", CONVNEXT, IMAGE, 0, 8.91106, None, labels=1000),
    Counted("efficientnet-b0", EFFICIENTNET_B0, IMAGE, 0, 0.77163, None, labels=1000),
    Counted("mobilenet-v2", MOBILENET_V2, IMAGE, 0, 0.601549, None, labels=1000),
    Counted("mobilenet-v1", MOBILENET_V1, IMAGE, 0, 1.13748, None, labels=1000),
]
