"""The encoder with the prediction heads of its pre-training objectives.

Shapes: B products, T title tokens ([CLS] and [SEP] included), P patches, N predicted words, D hidden size,
E embedding size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from itemsearch.model.config import ITEmConfig
from itemsearch.model.encoder import EncoderInput, EncoderOutput, ITEmModel, ITEmPreTrainedModel
from itemsearch.objectives.global_masked_image import GlobalMaskedImage
from itemsearch.objectives.global_masked_language import GlobalMaskedLanguage
from itemsearch.objectives.image_text_matching import ImageTextMatching
from itemsearch.objectives.masked_image import MaskedImage
from itemsearch.objectives.masked_language import MaskedLanguage
from itemsearch.objectives.masking import IGNORED
from itemsearch.objectives.relisting import relisting_loss


@dataclass(frozen=True, slots=True)
class ObjectiveWeights:
    """Weight of each objective's loss in the total; an objective of weight 0 is not computed."""

    itm: float = 1.0
    mlm: float = 1.0
    mim: float = 1.0
    global_mlm: float = 1.0
    global_mim: float = 1.0
    relisting: float = 0.0


@dataclass(frozen=True, slots=True)
class PretrainBatch:
    """Two listings of each of B products.

    first: the listings with masked words and patches, some of them with another product's picture.
    second: the other listings, unmasked, some without title or picture; None without relisting contrast.
    labels: (B, T - 1) int64 token ids of masked words, `IGNORED` elsewhere.
    matched: (B,) bool, False where the first listing shows another product's picture.
    """

    first: EncoderInput
    second: EncoderInput | None
    labels: Tensor
    matched: Tensor

    def to(self, device: torch.device | str, non_blocking: bool = False) -> PretrainBatch:
        """The same batch on another device."""
        return PretrainBatch(
            first=self.first.to(device, non_blocking),
            second=None if self.second is None else self.second.to(device, non_blocking),
            labels=self.labels.to(device, non_blocking=non_blocking),
            matched=self.matched.to(device, non_blocking=non_blocking),
        )


class ITEmForPreTraining(ITEmPreTrainedModel):
    """The encoder `item`, and a head for each objective but the relisting contrast, which needs none."""

    def __init__(self, config: ITEmConfig) -> None:
        super().__init__(config)
        self.item = ITEmModel(config)
        dim, features = config.hidden_size, self.item.patches.feature_dim
        self.word_bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.itm = ImageTextMatching(dim)
        self.mlm = MaskedLanguage(dim)
        self.mim = MaskedImage(dim, features)
        self.global_mlm = GlobalMaskedLanguage(dim)
        self.global_mim = GlobalMaskedImage(dim, features)
        self.post_init()

    def decode_words(self, states: Tensor) -> Tensor:
        """(N, D) states -> (N, V) logits, with weights tied to the input word embeddings."""
        return F.linear(states, self.item.embeddings.word_embeddings.weight, self.word_bias)

    def forward(
        self,
        batch: PretrainBatch,
        weights: ObjectiveWeights,
        temperature: float,
        contrast: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Each objective's loss by name, and their weighted sum as "loss"; each is a scalar.

        Args:
            temperature: divides the similarities of the relisting contrast.
            contrast: computes the relisting loss from the (B, E) embeddings of the first and the second
                listings; by default the loss is over this batch alone (`itemsearch.pretrain.cached_contrast`
                gives one over several batches).
        """
        output = self.item(batch.first)
        losses = self._masked_losses(batch, output, weights)
        if weights.relisting and batch.second is not None:
            second = self.item(batch.second)
            losses["relisting"] = (
                relisting_loss(output.embedding, second.embedding, batch.matched, temperature)
                if contrast is None
                else contrast(output.embedding, second.embedding)
            )
        weight_by_name = asdict(weights)
        total = torch.stack([weight_by_name[name] * loss for name, loss in losses.items()]).sum()
        return {"loss": total, **losses}

    def _masked_losses(
        self, batch: PretrainBatch, output: EncoderOutput, weights: ObjectiveWeights
    ) -> dict[str, Tensor]:
        """The losses, of the objectives with a weight, that need the first listings alone."""
        first, state, features = batch.first, output.global_state, output.patch_features
        # Beside a swapped picture, neither modality predicts the other: its words and patches are left out.
        labels = batch.labels.masked_fill(~batch.matched[:, None], IGNORED)  # (B, T - 1)
        assert first.patch_mask is not None, "the first listing's patches are always masked"
        hidden = first.patch_mask & (first.has_image & batch.matched)[:, None]  # (B, P)
        word_positions = self.item.embeddings.position_embeddings.weight[1 : first.input_ids.shape[1]]
        patch_positions = self.item.embeddings.patch_position_embeddings.weight
        losses: dict[str, Callable[[], Tensor]] = {
            "itm": lambda: self.itm(state, batch.matched, first.has_title & first.has_image),
            "mlm": lambda: self.mlm(output.tokens, labels, self.decode_words),
            "mim": lambda: self.mim(output.patches, features, hidden),
            "global_mlm": lambda: self.global_mlm(state, word_positions, labels, self.decode_words),
            "global_mim": lambda: self.global_mim(state, patch_positions, features, hidden),
        }
        weight_by_name = asdict(weights)
        return {name: loss() for name, loss in losses.items() if weight_by_name[name]}
