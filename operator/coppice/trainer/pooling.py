"""Mean pooling inside an ordinary BERT: one more layer that does nothing but average.

Sentence embedding models are good by the mean of their token vectors, but `BertForSequenceClassification` reads the
first token's. A loader of our own would make the result unusable elsewhere, and remote code is out of the question. So
the model grows by one layer whose attention is uniform (query and key weights are zero), whose value and output
matrices are the identity, and whose feed-forward part is zero: the first token's new vector is

    LayerNorm(SCALE x mean over unmasked tokens + first token),

which is the mean up to 1/SCALE and a normalisation, much like the L2 normalisation that such models are used with. The
dense layer before the classifier becomes SLOPE x identity, so that its tanh stays nearly linear. The result loads with
AutoModelForSequenceClassification anywhere; it costs one layer more of compute.
"""

from typing import Any

import torch

SCALE = 128.0
SLOPE = 0.25
FAMILIES = frozenset({"bert", "roberta", "xlm-roberta", "camembert"})


def can_pool_mean(config: Any) -> bool:
    """Whether the family's layers are built as above."""
    return config.model_type in FAMILIES and not getattr(config, "is_decoder", False)


def grow_mean_pooling(model: Any) -> Any:
    """The same kind of model with the averaging layer on top; the given one is used up."""
    config = model.config
    config.num_hidden_layers += 1
    grown = type(model)(config)
    grown.load_state_dict(model.state_dict(), strict=False)
    with torch.no_grad():
        _make_averaging(grown.base_model.encoder.layer[-1], config.hidden_size)
        dense = grown.bert.pooler.dense if hasattr(grown, "bert") else grown.classifier.dense
        dense.weight.copy_(torch.eye(config.hidden_size) * SLOPE)
        dense.bias.zero_()
    return grown.eval()


def _make_averaging(layer: Any, width: int) -> None:
    attention = layer.attention
    for zero in (attention.self.query, attention.self.key, layer.intermediate.dense, layer.output.dense):
        zero.weight.zero_()
    for linear in (attention.self.query, attention.self.key, attention.self.value, attention.output.dense):
        linear.bias.zero_()
    layer.intermediate.dense.bias.zero_()
    layer.output.dense.bias.zero_()
    attention.self.value.weight.copy_(torch.eye(width))
    attention.output.dense.weight.copy_(torch.eye(width) * SCALE)
    for norm in (attention.output.LayerNorm, layer.output.LayerNorm):
        norm.weight.fill_(1.0)
        norm.bias.zero_()
