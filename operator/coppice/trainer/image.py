"""Image classification: pictures as encoded bytes or as numbers, fitted to what the model's preprocessor wants.

Numbers carry no scale of their own (scikit-learn's digits end at 16), so the range is learnt from the training data
and kept in the model's configuration, where evaluation and later users find it.
"""

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from transformers import AutoImageProcessor, AutoModelForImageClassification
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from coppice.api.result import Reason
from coppice.api.trainer_spec import Hyperparameters
from coppice.trainer.faults import TrainerError

PIXEL_RANGES = (1.0, 16.0, 255.0, 65535.0)
RANGE_KEY = "coppice_pixel_maximum"
DEFAULT_SIZE = 224
BATCH = 256
BILINEAR = 2

Array = np.ndarray[Any, Any]


class ImageClassification:
    """See `tasks.Task`."""

    role = "image"

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        self.processor: Any = None
        self._config: Any = None
        self._channels = 3

    @property
    def auto_model(self) -> Any:
        """AutoModelForImageClassification."""
        return AutoModelForImageClassification

    def load(self, directory: Path, config: Any) -> None:
        """Loads the preprocessor, or makes one of the configuration's size where the directory has none."""
        self._config = config
        self._channels = int(getattr(config, "num_channels", 3))
        if (directory / "preprocessor_config.json").exists():
            try:
                self.processor = AutoImageProcessor.from_pretrained(
                    directory, local_files_only=True, trust_remote_code=False
                )
            except (OSError, ValueError, KeyError) as error:
                raise TrainerError(Reason.BAD_MODEL, f"no preprocessor can be loaded: {error}") from error
            return
        side = getattr(config, "image_size", None) or DEFAULT_SIZE
        height, width = side if isinstance(side, (list, tuple)) else (side, side)
        half = [0.5] * self._channels
        size = {"height": height, "width": width}
        self.processor = ViTImageProcessorPil(
            size=size, image_mean=half, image_std=half, resample=BILINEAR, do_convert_rgb=False
        )

    def fit(self, inputs: Any) -> None:
        """Learns the range of pixels that come as numbers."""
        if not isinstance(inputs[0], (bytes, dict)):
            highest = max(float(_numbers(value).max()) for value in inputs)
            setattr(self._config, RANGE_KEY, next((top for top in PIXEL_RANGES if highest <= top), highest))

    def encode(self, inputs: Any) -> list[dict[str, Any]]:
        """Pixel values as channels x height x width."""
        items: list[dict[str, Any]] = []
        for start in range(0, len(inputs), BATCH):
            pictures = [self._picture(value, start + i + 1) for i, value in enumerate(inputs[start : start + BATCH])]
            values = self.processor(pictures, return_tensors="np", input_data_format="channels_last")["pixel_values"]
            items += [{"pixel_values": value} for value in values]
        return items

    def collate(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Stacks pixels and labels."""
        batch = {"pixel_values": torch.from_numpy(np.stack([item["pixel_values"] for item in items]))}
        if "labels" in items[0]:
            batch["labels"] = torch.tensor([item["labels"] for item in items])
        return batch

    def tokens(self, batch: dict[str, Any], config: Any) -> int:
        """Patches of a vision transformer; 0 for a convolutional network, which has none."""
        patch = getattr(config, "patch_size", None)
        if not isinstance(patch, int):
            return 0
        count, _, height, width = batch["pixel_values"].shape
        return int(count * (height // patch) * (width // patch))

    def save(self, directory: Path) -> None:
        """Writes preprocessor_config.json."""
        self.processor.save_pretrained(directory)

    def _picture(self, value: object, row: int) -> Array:
        """One image as 8-bit height x width x channels, with the channels that the model has."""
        try:
            if isinstance(value, dict):
                value = value.get("bytes")
            pixels = _decoded(value) if isinstance(value, bytes) else self._scaled(value)
        except (ValueError, TypeError, UnidentifiedImageError) as error:
            raise TrainerError(Reason.BAD_DATA, f"image in row {row} cannot be read: {error}") from error
        if pixels.shape[2] == self._channels:
            return pixels
        mode = "L" if self._channels == 1 else "RGB"
        return _channelled(np.asarray(Image.fromarray(pixels.squeeze()).convert(mode)))

    def _scaled(self, value: object) -> Array:
        top = float(getattr(self._config, RANGE_KEY, 255.0))
        return np.clip(_numbers(value) * (255.0 / top), 0, 255).round().astype(np.uint8)


def square_side(count: int) -> int:
    """The side of a square picture of so many pixels; raises ValueError when there is none."""
    side = math.isqrt(count)
    if side * side != count or not side:
        raise ValueError(f"{count} pixels in a flat list make no square; give rows")
    return side


def _numbers(value: object) -> Array:
    if isinstance(value, str):
        value = json.loads(value)
    pixels = np.asarray(value, dtype=np.float32)
    if pixels.ndim == 1:
        side = square_side(pixels.size)
        pixels = pixels.reshape(side, side)
    if pixels.ndim not in {2, 3}:
        raise ValueError(f"{pixels.ndim} dimensions are no picture")
    return _channelled(pixels)


def _decoded(content: bytes) -> Array:
    picture = Image.open(io.BytesIO(content))
    return _channelled(np.asarray(picture if picture.mode in {"L", "RGB"} else picture.convert("RGB")))


def _channelled(pixels: Array) -> Array:
    return pixels[:, :, None] if pixels.ndim == 2 else pixels
