"""The averaging layer must average, whatever the padding, or the good features of embedding models are lost."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from coppice.trainer.pooling import grow_mean_pooling
from coppice.trainer.probe import last_linear
from trainer.kit import BERT

ROBERTA = {**BERT, "model_type": "roberta", "max_position_embeddings": 70}
FAMILIES = [
    (BertForSequenceClassification, BertConfig, BERT),
    (RobertaForSequenceClassification, RobertaConfig, ROBERTA),
]


def features(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    hook = last_linear(model, 3).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    with torch.no_grad():
        model(**batch)
    hook.remove()
    return seen[0]


@pytest.mark.parametrize(("kind", "config", "values"), FAMILIES)
def test_the_grown_model_reads_the_mean_of_unmasked_tokens(kind: Any, config: Any, values: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model = kind(config(**values, num_labels=3)).eval()
    batch = {
        "input_ids": torch.tensor([[2, 5, 9, 7, 3, 1], [2, 6, 3, 1, 1, 1]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0]]),
    }
    with torch.no_grad():
        tokens = model.base_model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    mean = (tokens * mask).sum(1) / mask.sum(1)
    found = features(grow_mean_pooling(model), batch)
    centred = mean - mean.mean(-1, keepdim=True)
    assert torch.nn.functional.cosine_similarity(found, centred).min() > 0.99


def test_the_grown_model_loads_anywhere_and_says_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = grow_mean_pooling(BertForSequenceClassification(BertConfig(**BERT, num_labels=3)))
    model.save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    batch = {"input_ids": torch.tensor([[2, 5, 9, 3]]), "attention_mask": torch.ones(1, 4, dtype=torch.long)}
    assert loaded.config.num_hidden_layers == 2
    with torch.no_grad():
        assert torch.equal(loaded(**batch).logits, model(**batch).logits)
