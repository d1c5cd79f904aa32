"""The shape of an ITEm encoder, as transformers configures its models."""

from __future__ import annotations

from huggingface_hub.dataclasses import strict
from transformers import BertConfig

CONVOLUTION_STRIDE = 32
"""Pixels a side that one cell of EfficientNet-Lite0's last feature grid covers."""


@strict
class ITEmConfig(BertConfig):
    """A BERT encoder over one stream: [CLS], title tokens, [SEP], image patches (arXiv 2311.02084).

    patches: "linear" projects squares of `patch_size` pixels, as a ViT does; "efficientnet_lite0"
        takes the last feature grid of that network, the hybrid of the ViT paper (arXiv 2010.11929, 3.1).
    pooling: what of the stream becomes the embedding: its "cls" state, or the "mean" of all its states.
    image_skip_dim: size of a linear view of the picture's own pooled features that stands beside the
        stream in the embedding; 0 for none. Only with "efficientnet_lite0".
    colour_bins: a histogram of this number cubed of the picture's colours stands there too; 0 for none.
    lexical_dim: so does a sketch of the title's character n-grams, of this size; 0 for none.
    lexical_buckets: how many different n-grams, hashed, the sketch tells apart.
    max_title_tokens: [CLS] and [SEP] included; longer titles are cut.
    """

    model_type = "item"

    max_title_tokens: int = 64
    image_size: int = 224
    patches: str = "linear"
    patch_size: int = 16
    pooling: str = "cls"
    image_skip_dim: int = 0
    colour_bins: int = 0
    lexical_dim: int = 0
    lexical_buckets: int = 32768

    def validate_architecture(self) -> None:
        """Part of strict validation: refuses what no model can be built from.

        Raises:
            ValueError: an unknown kind of patches or pooling, an image size that patches do not tile.
        """
        super().validate_architecture()
        if self.patches not in ("linear", "efficientnet_lite0"):
            raise ValueError(f'patches is {self.patches!r}; use "linear" or "efficientnet_lite0"')
        if self.pooling not in ("cls", "mean"):
            raise ValueError(f'pooling is {self.pooling!r}; use "cls" or "mean"')
        if self.image_size % self.patch_pixels:
            raise ValueError(f"image_size {self.image_size} is no multiple of {self.patch_pixels} pixels")
        if self.image_skip_dim and self.patches == "linear":
            raise ValueError(
                "image_skip_dim needs convolutional patches: linear ones have no pooled features"
            )

        if self.lexical_dim % 8:
            raise ValueError(f"lexical_dim {self.lexical_dim} is no multiple of 8")

    @property
    def patch_pixels(self) -> int:
        """Pixels a side of one patch."""
        return self.patch_size if self.patches == "linear" else CONVOLUTION_STRIDE

    @property
    def num_patches(self) -> int:
        return (self.image_size // self.patch_pixels) ** 2

    @property
    def parts(self) -> dict[str, int]:
        """The parts of an embedding, in order, and how many of its numbers each takes."""
        parts = {
            "stream": self.hidden_size,
            "image": self.image_skip_dim,
            "colour": self.colour_bins**3,
            "lexical": self.lexical_dim,
        }
        return {name: dim for name, dim in parts.items() if dim}

    @property
    def embedding_dim(self) -> int:
        return sum(self.parts.values())
