"""The encoder with the heads of its objectives: what `itemsearch pretrain` trains."""

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
    """How much each objective counts in the total; an objective of weight 0 is not computed."""

    itm: float = 1.0
    mlm: float = 1.0
    mim: float = 1.0
    global_mlm: float = 1.0
    global_mim: float = 1.0
    relisting: float = 0.0


@dataclass(frozen=True, slots=True)
class PretrainBatch:
    """Two listings of each of B products.

    first: its words and patches are masked, and some pictures swapped. second: clean, another wording and
    picture, at times without title or picture; None where the relisting contrast has no weight.
    labels (B, T - 1): hidden words. matched (B,) bool: the first listing shows its own picture.
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
        """(N, D) -> (N, V), tied to the input word embeddings."""
        return F.linear(states, self.item.embeddings.word_embeddings.weight, self.word_bias)

    def forward(
        self,
        batch: PretrainBatch,
        weights: ObjectiveWeights,
        temperature: float,
        contrast: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Each objective's loss under its name, and their weighted sum as "loss".

        Args:
            contrast: what stands for the relisting loss of the two listings' embeddings where it is of more
                products than this batch's (`itemsearch.pretrain.cached_contrast`).
        """
        output = self.item(batch.first)
        losses = self._named_losses(batch, output, weights)
        if weights.relisting and batch.second is not None:
            second = self.item(batch.second)
            losses["relisting"] = (
                relisting_loss(output.embedding, second.embedding, batch.matched, temperature)
                if contrast is None
                else contrast(output.embedding, second.embedding)
            )
        shares = asdict(weights)
        total = torch.stack([shares[name] * loss for name, loss in losses.items()]).sum()
        return {"loss": total, **losses}

    def _named_losses(
        self, batch: PretrainBatch, output: EncoderOutput, weights: ObjectiveWeights
    ) -> dict[str, Tensor]:
        first = batch.first
        # A word or patch beside a swapped picture cannot be told from the other modality.
        labels = batch.labels.masked_fill(~batch.matched[:, None], IGNORED)
        assert first.patch_mask is not None, "the first listing's patches are always masked"
        hidden = first.patch_mask & (first.has_image & batch.matched)[:, None]
        words = self.item.embeddings.position_embeddings.weight[1 : first.input_ids.shape[1]]
        places = self.item.embeddings.patch_position_embeddings.weight
        losses: dict[str, Callable[[], Tensor]] = {
            "itm": lambda: self.itm(output.global_state, batch.matched, first.has_title & first.has_image),
            "mlm": lambda: self.mlm(output.tokens, labels, self.decode_words),
            "mim": lambda: self.mim(output.patches, output.patch_features, hidden),
            "global_mlm": lambda: self.global_mlm(output.global_state, words, labels, self.decode_words),
            "global_mim": lambda: self.global_mim(output.global_state, places, output.patch_features, hidden),
        }
        shares = asdict(weights)
        return {name: loss() for name, loss in losses.items() if shares[name]}
