"""ITEm: one stream of [CLS], title tokens, [SEP] and image patches through a BERT encoder.

Shapes, here and in `itemsearch.objectives`: B products, T title tokens ([CLS] and [SEP] included),
P patches, S = T + P, N n-grams, D hidden size, F features of a patch, G features of a pooled picture,
E embedding size, V vocabulary.
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
    """What the encoder reads.

    input_ids (B, T) int64 and attention_mask (B, T): as the tokenizer makes them.
    ngrams (B, N) int64: hashes of the title's character n-grams, 0 for none (`itemsearch.model.lexical`).
    pixel_values (B, 3, H, W) float32, or None where no product of the batch has a picture.
    has_title, has_image (B,) bool: a missing modality is left out of attention; its tensor rows are ignored.
    patch_mask (B, P) bool: patches that pre-training hides behind the mask embedding; None for none.
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
    """global_state (B, D): [CLS]. tokens (B, T - 1, D): the title after [CLS]. patches (B, P, D).

    embedding (B, E), L2-normalised. patch_features (B, P, F): the patches before the stream.
    """

    global_state: Tensor
    tokens: Tensor
    patches: Tensor
    embedding: Tensor
    patch_features: Tensor


class StreamEmbeddings(nn.Module):
    """Puts words and patches into one stream, with position and segment (modality) embeddings."""

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
        """(B, T) words and (B, P, F) patches -> the stream (B, S, D)."""
        segments = self.token_type_embeddings.weight
        words = self.word_embeddings(input_ids) + segments[TITLE_SEGMENT]
        words = words + self.position_embeddings.weight[: input_ids.shape[1]]
        patches = self.patch_projection(self.patch_norm(patch_features))  # (B, P, F) -> (B, P, D)
        if patch_mask is not None:
            patches = torch.where(patch_mask[..., None], self.mask_patch, patches)
        patches = patches + segments[IMAGE_SEGMENT]
        patches = patches + self.patch_position_embeddings.weight[: patch_features.shape[1]]
        return self.dropout(self.LayerNorm(torch.cat((words, patches), dim=1)))


class ImageSkip(nn.Module):
    """A linear view of the picture's pooled features, centred: the detail that a small stream loses."""

    def __init__(self, features: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(features))
        self.projection = nn.Linear(features, dim, bias=False)

    centre: Tensor

    def forward(self, pooled: Tensor) -> Tensor:
        return self.projection(pooled - self.centre)

    @torch.no_grad()
    def fit(self, pooled: Tensor) -> None:
        """Starts from the principal axes of (N, G) features, scaled alike so that no axis drowns the rest."""
        self.centre.copy_(pooled.mean(dim=0))
        _, scale, axes = torch.pca_lowrank(pooled, q=self.projection.out_features)
        self.projection.weight.copy_(axes.T / scale.clamp(min=scale[0] / 100).sqrt()[:, None])


class ITEmPreTrainedModel(PreTrainedModel):
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
    """The encoder. Its joint, title-alone and image-alone embeddings come from one network."""

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
        return self.embeddings.word_embeddings

    def forward(self, listing: EncoderInput) -> EncoderOutput:
        title_length = listing.input_ids.shape[1]
        seen = self._see(listing)
        stream = self.embeddings(listing.input_ids, seen.grid, listing.patch_mask)  # (B, S, D)
        attended = self._attended(listing, seen.grid.shape[1])
        mask = create_bidirectional_mask(self.config, inputs_embeds=stream, attention_mask=attended)
        states = self.encoder(stream, attention_mask=mask).last_hidden_state  # (B, S, D)
        return EncoderOutput(
            global_state=states[:, 0],
            tokens=states[:, 1:title_length],
            patches=states[:, title_length:],
            embedding=self._embed(listing, self._pool(states, attended), seen.pooled),
            patch_features=seen.grid,
        )

    def _see(self, listing: EncoderInput) -> PatchFeatures:
        """The features of every picture, zero where there is none; no patches if no product has one."""
        rows = len(listing.input_ids)
        if listing.pixel_values is None:
            none = self.embeddings.patch_projection.weight.new_zeros((rows, 0, self.patches.feature_dim))
            return PatchFeatures(none, None)
        if bool(listing.has_image.all()):
            return self.patches(listing.pixel_values)
        seen = self.patches(listing.pixel_values[listing.has_image])
        grid = seen.grid.new_zeros((rows, *seen.grid.shape[1:])).index_put((listing.has_image,), seen.grid)
        if seen.pooled is None:
            return PatchFeatures(grid, None)
        pooled = seen.pooled.new_zeros((rows, seen.pooled.shape[1]))
        return PatchFeatures(grid, pooled.index_put((listing.has_image,), seen.pooled))

    def _attended(self, listing: EncoderInput, patches: int) -> Tensor:
        """(B, S) int64: [CLS] always, the title where there is one, the patches where there is a picture."""
        title = listing.attention_mask.bool() & listing.has_title[:, None]
        title[:, 0] = True
        image = listing.has_image[:, None].expand(-1, patches)
        return torch.cat((title, image), dim=1).long()

    def _pool(self, states: Tensor, attended: Tensor) -> Tensor:
        """(B, S, D) -> (B, D)."""
        if self.config.pooling == "cls":
            return states[:, 0]
        weights = attended.to(states.dtype)[..., None]
        return (states * weights).sum(dim=1) / weights.sum(dim=1)

    def _embed(self, listing: EncoderInput, stream: Tensor, pooled: Tensor | None) -> Tensor:
        """(B, E) of length 1: the parts side by side, each of its weight, or zero where it is missing."""
        rows, has_image = len(stream), listing.has_image[:, None]
        parts = {"stream": stream}
        if self.image_skip is not None and pooled is not None:
            parts["image"] = self.image_skip(pooled) * has_image
        if self.colour is not None and listing.pixel_values is not None:
            parts["colour"] = self.colour(listing.pixel_values) * has_image
        if self.lexical is not None:
            parts["lexical"] = self.lexical(listing.ngrams) * listing.has_title[:, None]
        weighted = [
            # float32: a half-precision norm is too coarse for scores that tell near-duplicates apart.
            F.normalize(parts[name].float(), dim=-1) * weight.float()
            if name in parts
            else stream.new_zeros((rows, dim), dtype=torch.float32)
            for (name, dim), weight in zip(self.config.parts.items(), self.part_weights.exp(), strict=True)
        ]
        return F.normalize(torch.cat(weighted, dim=-1), dim=-1)
