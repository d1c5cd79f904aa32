"""The ITEm encoder: one stream of [CLS], title tokens, [SEP] and image patches through BERT layers.

Shapes: B listings, T title tokens ([CLS] and [SEP] included), P patches, S = T + P, N n-grams, D hidden size,
F features of a patch, G features of a pooled picture, E embedding size, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.masking_utils import create_bidirectional_mask
from transformers.models.bert.modeling_bert import BertEncoder, BertLayer, BertSelfAttention

from itemsearch.model.colour import ColourHistogram
from itemsearch.model.config import ITEmConfig
from itemsearch.model.lexical import LexicalSketch
from itemsearch.model.patches import ConvolutionalPatches, PatchFeatures, build_patches

TITLE_SEGMENT, IMAGE_SEGMENT = 0, 1


@dataclass(frozen=True, slots=True)
class EncoderInput:
    """A batch of listings as tensors.

    input_ids: (B, T) int64 token ids.
    attention_mask: (B, T) int64, 0 at padding.
    ngrams: (B, N) int64 hashes of the title's character n-grams, 0 for none (`itemsearch.model.lexical`).
    pixel_values: (B, 3, H, W) float32, or None where no listing of the batch has a picture.
    has_title, has_image: (B,) bool; attention ignores a missing modality, whatever its tensor rows contain.
    patch_mask: (B, P) bool, the patches that pre-training replaces by the mask embedding; None for none.
    """

    input_ids: Tensor
    attention_mask: Tensor
    ngrams: Tensor
    pixel_values: Tensor | None
    has_title: Tensor
    has_image: Tensor
    patch_mask: Tensor | None = None

    def to(self, device: torch.device | str, non_blocking: bool = False) -> EncoderInput:
        """The same listings on another device."""

        def move(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=non_blocking)

        return EncoderInput(
            input_ids=move(self.input_ids),
            attention_mask=move(self.attention_mask),
            ngrams=move(self.ngrams),
            pixel_values=None if self.pixel_values is None else move(self.pixel_values),
            has_title=move(self.has_title),
            has_image=move(self.has_image),
            patch_mask=None if self.patch_mask is None else move(self.patch_mask),
        )


@dataclass(frozen=True, slots=True)
class EncoderOutput:
    """States of the stream's last layer, and the embeddings made from them.

    global_state: (B, D) state of [CLS].
    tokens: (B, T - 1, D) states of the title tokens after [CLS].
    patches: (B, P, D) states of the patches.
    embedding: (B, E) float32, L2-normalised.
    patch_features: (B, P, F) features of the patches before they enter the stream.
    """

    global_state: Tensor
    tokens: Tensor
    patches: Tensor
    embedding: Tensor
    patch_features: Tensor


class StreamEmbeddings(nn.Module):
    """Embeds title tokens and patches as one stream, with position and segment (modality) embeddings."""

    def __init__(self, config: ITEmConfig, patch_features: int) -> None:
        super().__init__()
        dim = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, dim, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_title_tokens, dim)
        self.token_type_embeddings = nn.Embedding(2, dim)
        self.patch_norm = nn.LayerNorm(patch_features, eps=1e-6)
        self.patch_projection = nn.Linear(patch_features, dim)
        self.patch_position_embeddings = nn.Embedding(config.num_patches, dim)
        self.mask_patch = nn.Parameter(torch.zeros(dim))
        self.LayerNorm = nn.LayerNorm(dim, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: Tensor, patch_features: Tensor, patch_mask: Tensor | None) -> Tensor:
        """(B, T) token ids and (B, P, F) patch features -> the stream (B, S, D)."""
        segments = self.token_type_embeddings.weight
        words = self.word_embeddings(input_ids) + segments[TITLE_SEGMENT]
        words = words + self.position_embeddings.weight[: input_ids.shape[1]]
        patches = self.patch_projection(self.patch_norm(patch_features))  # (B, P, F) -> (B, P, D)
        if patch_mask is not None:
            patches = torch.where(patch_mask[..., None], self.mask_patch, patches)
        patches = patches + segments[IMAGE_SEGMENT]
        patches = patches + self.patch_position_embeddings.weight[: patch_features.shape[1]]
        stream = torch.cat((words, patches), dim=1)  # (B, T, D), (B, P, D) -> (B, S, D)
        return self.dropout(self.LayerNorm(stream))


class ImageSkip(nn.Module):
    """Linear projection of a picture's centred pooled features: it keeps detail that a small stream loses."""

    def __init__(self, features: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(features))
        self.projection = nn.Linear(features, dim, bias=False)

    centre: Tensor

    def forward(self, pooled: Tensor) -> Tensor:
        """(B, G) pooled features -> (B, dim)."""
        return self.projection(pooled - self.centre)

    @torch.no_grad()
    def fit(self, pooled: Tensor) -> None:
        """Sets the projection to the principal axes of (B, G) pooled features.

        Each axis is divided by the root of its singular value, so that the first ones do not dominate.
        """
        self.centre.copy_(pooled.mean(dim=0))
        _, singular_values, axes = torch.pca_lowrank(pooled, q=self.projection.out_features)
        scale = singular_values.clamp(min=singular_values[0] / 100).sqrt()
        self.projection.weight.copy_(axes.T / scale[:, None])  # (G, dim) -> (dim, G)


class ITEmPreTrainedModel(PreTrainedModel):
    """Initialisation, and what transformers needs to know, of the encoder with and without heads."""

    config_class = ITEmConfig
    base_model_prefix = "item"
    _supports_sdpa = True
    _supports_flash_attn = True
    _can_record_outputs = {"hidden_states": BertLayer, "attentions": BertSelfAttention}  # noqa: RUF012

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, StreamEmbeddings):
            init.normal_(module.mask_patch, std=self.config.initializer_range)
        elif isinstance(module, ImageSkip):
            init.zeros_(module.centre)
        elif isinstance(module, ITEmModel):
            init.zeros_(module.part_weights)
        elif isinstance(module, LexicalSketch):
            init.zeros_(module.signs)
            init.ones_(module.weights)


class ITEmModel(ITEmPreTrainedModel):
    """The encoder, which embeds titles with pictures, titles alone and pictures alone."""

    def __init__(self, config: ITEmConfig) -> None:
        super().__init__(config)
        self.patches = build_patches(config)
        self.embeddings = StreamEmbeddings(config, self.patches.feature_dim)
        self.encoder = BertEncoder(config)
        self.image_skip = None
        if isinstance(self.patches, ConvolutionalPatches) and config.image_skip_dim:
            self.image_skip = ImageSkip(self.patches.pooled_dim, config.image_skip_dim)
        self.colour = ColourHistogram(config.colour_bins) if config.colour_bins else None
        self.lexical = None
        if config.lexical_dim:
            self.lexical = LexicalSketch(config.lexical_buckets, config.lexical_dim)
        self.part_weights = nn.Parameter(torch.zeros(len(config.parts)))
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The word embeddings, which transformers asks for by this name."""
        return self.embeddings.word_embeddings

    def forward(self, batch: EncoderInput) -> EncoderOutput:
        """Runs the encoder on B listings."""
        title_length = batch.input_ids.shape[1]
        features = self._patch_features(batch)
        stream = self.embeddings(batch.input_ids, features.grid, batch.patch_mask)  # (B, S, D)
        stream_mask = self._stream_mask(batch, features.grid.shape[1])  # (B, S)
        attention = create_bidirectional_mask(self.config, inputs_embeds=stream, attention_mask=stream_mask)
        states = self.encoder(stream, attention_mask=attention).last_hidden_state  # (B, S, D)
        return EncoderOutput(
            global_state=states[:, 0],
            tokens=states[:, 1:title_length],
            patches=states[:, title_length:],
            embedding=self._embed(batch, self.pool(states, stream_mask), features.pooled),
            patch_features=features.grid,
        )

    def _patch_features(self, batch: EncoderInput) -> PatchFeatures:
        """Features of every picture, zero where a listing has none; P is 0 if no listing has a picture."""
        rows, has_image = len(batch.input_ids), batch.has_image
        if batch.pixel_values is None:
            empty = self.embeddings.patch_projection.weight.new_zeros((rows, 0, self.patches.feature_dim))
            return PatchFeatures(empty, None)
        if bool(has_image.all()):
            return self.patches(batch.pixel_values)
        present = self.patches(batch.pixel_values[has_image])
        grid = present.grid.new_zeros((rows, *present.grid.shape[1:])).index_put((has_image,), present.grid)
        if present.pooled is None:
            return PatchFeatures(grid, None)
        pooled = present.pooled.new_zeros((rows, present.pooled.shape[1]))
        return PatchFeatures(grid, pooled.index_put((has_image,), present.pooled))

    def _stream_mask(self, batch: EncoderInput, patches: int) -> Tensor:
        """(B, S) int64: 1 at [CLS], at the tokens of a title and at the patches of a picture; else 0."""
        title = batch.attention_mask.bool() & batch.has_title[:, None]
        title[:, 0] = True
        image = batch.has_image[:, None].expand(-1, patches)  # (B,) -> (B, P)
        return torch.cat((title, image), dim=1).long()

    def pool(self, states: Tensor, stream_mask: Tensor) -> Tensor:
        """(B, S, D) -> (B, D): the state of [CLS], or the mean of the states that the mask includes."""
        if self.config.pooling == "cls":
            return states[:, 0]
        weights = stream_mask.to(states.dtype)[..., None]  # (B, S, 1)
        return (states * weights).sum(dim=1) / weights.sum(dim=1)

    def _embed(self, batch: EncoderInput, stream: Tensor, pooled: Tensor | None) -> Tensor:
        """(B, E), L2-normalised: the concatenated parts, each normalised and weighted, or zero if missing."""
        rows, has_image = len(stream), batch.has_image[:, None]
        parts = {"stream": stream}
        if self.image_skip is not None and pooled is not None:
            parts["image"] = self.image_skip(pooled) * has_image
        if self.colour is not None and batch.pixel_values is not None:
            parts["colour"] = self.colour(batch.pixel_values) * has_image
        if self.lexical is not None:
            parts["lexical"] = self.lexical(batch.ngrams) * batch.has_title[:, None]
        weighted = [
            # float32: half precision is too coarse to rank near-duplicates.
            F.normalize(parts[name].float(), dim=-1) * weight.float()
            if name in parts
            else stream.new_zeros((rows, dim), dtype=torch.float32)
            for (name, dim), weight in zip(self.config.parts.items(), self.part_weights.exp(), strict=True)
        ]
        return F.normalize(torch.cat(weighted, dim=-1), dim=-1)
