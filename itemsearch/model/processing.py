"""Conversion of titles and pictures to the encoder's input tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from transformers import ProcessorMixin
from transformers.image_processing_utils import BaseImageProcessor
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from itemsearch.model.encoder import EncoderInput
from itemsearch.model.lexical import pad_ngrams


class ITEmImageProcessor(BaseImageProcessor):
    """Resizes pictures of any shape to squares of `side` pixels, with values from -0.99 to 1."""

    model_input_names = ["pixel_values"]  # noqa: RUF012

    def __init__(self, side: int = 224, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.side = side

    def __call__(self, images: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """N RGB pictures -> (N, 3, side, side) float32, (x - 127) / 128."""
        pixels = np.empty((len(images), self.side, self.side, 3), np.float32)
        for row, image in enumerate(images):
            square = image.resize((self.side, self.side), Image.Resampling.BICUBIC, reducing_gap=1.0)
            pixels[row] = np.asarray(square)
        pixels -= 127.0
        pixels /= 128.0
        return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))  # (N, side, side, 3) -> (N, 3, side, side)


class ITEmProcessor(ProcessorMixin):
    """A WordPiece tokenizer and an image processor, saved and loaded together with the model."""

    def __init__(self, image_processor: ITEmImageProcessor, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(image_processor, tokenizer)

    def __call__(self, titles: Sequence[str], images: Sequence[Image.Image | None]) -> EncoderInput:
        """The encoder's input for B listings: their titles, "" if missing, and RGB images, None if missing.

        Titles are truncated to the tokenizer's `model_max_length` and padded to the longest of the batch.
        """
        tokens = self.tokenizer(list(titles), padding=True, truncation=True, return_tensors="pt")
        present = [image for image in images if image is not None]
        has_image = torch.tensor([image is not None for image in images])
        pixel_values = None
        if present:
            side = self.image_processor.side
            pixel_values = torch.zeros((len(images), 3, side, side))
            pixel_values[has_image] = torch.from_numpy(self.image_processor(present))
        return EncoderInput(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            ngrams=pad_ngrams(titles),
            pixel_values=pixel_values,
            has_title=torch.tensor([bool(title) for title in titles]),
            has_image=has_image,
        )
