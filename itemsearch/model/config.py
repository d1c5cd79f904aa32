"""Configuration of an ITEm encoder, in the form of transformers' model configurations."""

from __future__ import annotations

from huggingface_hub.dataclasses import strict
from transformers import BertConfig

CONVOLUTION_STRIDE = 32
"""Pixels a side of the picture for each cell of EfficientNet-Lite0's last feature grid."""


@strict
class ITEmConfig(BertConfig):
    """A BERT encoder over one stream: [CLS], title tokens, [SEP], image patches (arXiv 2311.02084).

    patches: "linear" projects squares of `patch_size` pixels, as a ViT does; "efficientnet_lite0"
        takes the last feature grid of that network, the hybrid of the ViT paper (arXiv 2010.11929, 3.1).
    pooling: the embedding's "stream" part is the "cls" state, or the "mean" of all states of the stream.
    image_skip_dim: size of the embedding's "image" part, a linear projection of the picture's pooled
        features; 0 for none. Only with "efficientnet_lite0".
    colour_bins: bins of each channel in the "colour" part, a histogram of the picture's colours; 0 for none.
    lexical_dim: size of the "lexical" part, a sketch of the title's character n-grams; 0 for none.
    lexical_buckets: number of buckets that the sketch hashes n-grams into.
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
        """Checks that a model can be built from this configuration; transformers calls it.

        Raises:
            ValueError: `patches` or `pooling` is unknown, `image_size` is no multiple of a patch,
                `lexical_dim` is no multiple of 8, or `image_skip_dim` is set with linear patches.
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
        """Side of a patch in pixels."""
        return self.patch_size if self.patches == "linear" else CONVOLUTION_STRIDE

    @property
    def num_patches(self) -> int:
        """Number of patches of a picture."""
        return (self.image_size // self.patch_pixels) ** 2

    @property
    def parts(self) -> dict[str, int]:
        """The names of an embedding's parts, in order, and the size of each."""
        parts = {
            "stream": self.hidden_size,
            "image": self.image_skip_dim,
            "colour": self.colour_bins**3,
            "lexical": self.lexical_dim,
        }
        return {name: dim for name, dim in parts.items() if dim}

    @property
    def embedding_dim(self) -> int:
        """Size of an embedding: the sum of its parts' sizes."""
        return sum(self.parts.values())
