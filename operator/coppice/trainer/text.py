"""Text classification: a tokenizer, texts cut to so many tokens, batches padded to their longest."""

from pathlib import Path
from typing import Any

from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding

from coppice.api.result import Reason
from coppice.api.trainer_spec import Hyperparameters
from coppice.trainer.faults import TrainerError

DEFAULT_TOKENS = 128


class TextClassification:
    """See `tasks.Task`."""

    role = "text"

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        self._wanted = hyperparameters.max_sequence_length
        self.tokenizer: Any = None
        self.max_tokens = 0

    @property
    def auto_model(self) -> Any:
        """AutoModelForSequenceClassification."""
        return AutoModelForSequenceClassification

    def load(self, directory: Path, config: Any) -> None:
        """Loads the tokenizer; the length is what was asked for, at most what the model can take."""
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError) as error:
            raise TrainerError(Reason.BAD_MODEL, f"no tokenizer can be loaded: {error}") from error
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        if getattr(config, "pad_token_id", None) is None:
            config.pad_token_id = self.tokenizer.pad_token_id
        vocabulary = getattr(config, "vocab_size", None)
        if vocabulary is not None and vocabulary < len(self.tokenizer):
            message = (
                f"the model has {vocabulary} embeddings, its tokenizer {len(self.tokenizer)} tokens: raise vocab_size"
            )
            raise TrainerError(Reason.BAD_MODEL, message)
        self.max_tokens = min(self._wanted or DEFAULT_TOKENS, self.tokenizer.model_max_length, _positions(config))

    def fit(self, inputs: Any) -> None:
        """Nothing to learn."""

    def encode(self, inputs: Any) -> list[dict[str, Any]]:
        """Token ids and masks, cut but not padded."""
        if not all(isinstance(text, str) for text in inputs):
            raise TrainerError(Reason.BAD_DATA, "the text column holds values that are no text")
        encoded = self.tokenizer(list(inputs), truncation=True, max_length=self.max_tokens)
        keys = [key for key in encoded if key in {"input_ids", "attention_mask", "token_type_ids"}]
        return [{key: encoded[key][row] for key in keys} for row in range(len(inputs))]

    def collate(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Pads to the longest of the batch."""
        return dict(DataCollatorWithPadding(self.tokenizer)(items))

    def tokens(self, batch: dict[str, Any], config: Any) -> int:
        """Elements of input_ids."""
        return int(batch["input_ids"].numel())

    def save(self, directory: Path) -> None:
        """The tokenizer remembers the length, so that evaluation and later users cut alike."""
        self.tokenizer.model_max_length = self.max_tokens
        self.tokenizer.save_pretrained(directory)


def _positions(config: Any) -> int:
    """The longest input a configuration allows; RoBERTa's kin keep the places up to the padding index."""
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None:
        return 1 << 30
    if config.model_type in {"roberta", "xlm-roberta", "camembert", "mpnet", "longformer"}:
        return int(positions) - (config.pad_token_id or 0) - 1
    return int(positions)
