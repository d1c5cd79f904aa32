from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from itemsearch.model import ITEmConfig, ITEmForPreTraining
from itemsearch.model.encoder import EncoderInput
from itemsearch.model.pretraining import ObjectiveWeights, PretrainBatch
from itemsearch.objectives.image_text_matching import ImageTextMatching
from itemsearch.objectives.masked_image import MaskedImage, patch_distance
from itemsearch.objectives.masked_language import MaskedLanguage
from itemsearch.objectives.masking import IGNORED, Vocabulary, mask_patches, mask_words, swap_pictures
from itemsearch.objectives.relisting import relisting_loss


@pytest.fixture
def model() -> ITEmForPreTraining:
    torch.manual_seed(0)
    config = ITEmConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_title_tokens=8, image_size=16, patch_size=8, colour_bins=2, lexical_dim=16, lexical_buckets=64,
    )  # fmt: skip
    model = ITEmForPreTraining(config).eval()
    model.item.lexical.draw(seed=0)
    return model


def listing(seed: int, patch_mask: torch.Tensor | None = None) -> EncoderInput:
    generator = torch.Generator().manual_seed(seed)
    return EncoderInput(
        input_ids=torch.randint(5, 50, (3, 6), generator=generator),
        attention_mask=torch.ones(3, 6, dtype=torch.long),
        ngrams=torch.randint(1, 1000, (3, 9), generator=generator),
        pixel_values=torch.randn(3, 3, 16, 16, generator=generator),
        has_title=torch.ones(3, dtype=torch.bool),
        has_image=torch.ones(3, dtype=torch.bool),
        patch_mask=patch_mask,
    )


@pytest.fixture
def batch() -> PretrainBatch:
    labels = torch.full((3, 5), IGNORED)
    labels[0, 1], labels[1, 3], labels[2, 0] = 7, 8, 9
    hidden = torch.tensor([[True, False, False, True]] * 3)
    return PretrainBatch(listing(1, hidden), listing(2), labels, torch.tensor([True, True, False]))


def test_global_mlm_gives_no_gradient_to_any_tokens_own_state(
    model: ITEmForPreTraining, batch: PretrainBatch
) -> None:
    output = model.item(batch.first)
    positions = model.item.embeddings.position_embeddings.weight[1:6]
    loss = model.global_mlm(output.global_state, positions, batch.labels, model.decode_words)
    tokens, patches, whole = torch.autograd.grad(
        loss, (output.tokens, output.patches, output.global_state), allow_unused=True, materialize_grads=True
    )
    assert tokens.abs().max() == 0
    assert patches.abs().max() == 0
    assert whole.abs().min(dim=1).values.max() > 0


def test_global_mim_gives_no_gradient_to_any_patchs_own_state(
    model: ITEmForPreTraining, batch: PretrainBatch
) -> None:
    output = model.item(batch.first)
    positions = model.item.embeddings.patch_position_embeddings.weight
    loss = model.global_mim(output.global_state, positions, output.patch_features, batch.first.patch_mask)
    tokens, patches, whole = torch.autograd.grad(
        loss, (output.tokens, output.patches, output.global_state), allow_unused=True, materialize_grads=True
    )
    assert tokens.abs().max() == 0
    assert patches.abs().max() == 0
    assert whole.abs().max() > 0


def test_the_local_objectives_do_read_the_tokens_own_state(
    model: ITEmForPreTraining, batch: PretrainBatch
) -> None:
    output = model.item(batch.first)
    mlm = model.mlm(output.tokens, batch.labels, model.decode_words)
    mim = model.mim(output.patches, output.patch_features, batch.first.patch_mask)
    (tokens,) = torch.autograd.grad(mlm, output.tokens, retain_graph=True)
    (patches,) = torch.autograd.grad(mim, output.patches)
    assert torch.equal(tokens.abs().sum(-1) > 0, batch.labels != IGNORED)
    assert torch.equal(patches.abs().sum(-1) > 0, batch.first.patch_mask)


def test_the_total_is_the_weighted_sum_and_what_has_no_weight_is_not_computed(
    model: ITEmForPreTraining, batch: PretrainBatch
) -> None:
    weights = ObjectiveWeights(itm=0.5, mlm=0.0, mim=2.0, global_mlm=1.0, global_mim=0.0, relisting=3.0)
    losses = model(batch, weights, 0.1)
    assert set(losses) == {"loss", "itm", "mim", "global_mlm", "relisting"}
    expected = 0.5 * losses["itm"] + 2 * losses["mim"] + losses["global_mlm"] + 3 * losses["relisting"]
    torch.testing.assert_close(losses["loss"], expected)


def test_a_swapped_picture_is_not_used_to_predict_words_or_patches(
    model: ITEmForPreTraining, batch: PretrainBatch
) -> None:
    only_third = PretrainBatch(batch.first, None, batch.labels, torch.tensor([False, False, True]))
    whole = model(only_third, ObjectiveWeights(), 0.1)
    words = torch.where(torch.arange(3)[:, None] == 2, batch.labels, IGNORED)
    output = model.item(batch.first)
    torch.testing.assert_close(whole["mlm"], model.mlm(output.tokens, words, model.decode_words))
    hidden = batch.first.patch_mask & (torch.arange(3) == 2)[:, None]
    torch.testing.assert_close(whole["mim"], model.mim(output.patches, output.patch_features, hidden))


def test_itm_counts_only_products_with_both_modalities() -> None:
    head = ImageTextMatching(4)
    states, matched = torch.randn(3, 4), torch.tensor([True, False, True])
    first_two = head(states[:2], matched[:2], torch.tensor([True, True]))
    torch.testing.assert_close(head(states, matched, torch.tensor([True, True, False])), first_two)
    assert head(states, matched, torch.zeros(3, dtype=torch.bool)) == 0


def test_nothing_hidden_is_a_loss_of_zero_with_a_gradient() -> None:
    head = MaskedLanguage(4)
    loss = head(torch.randn(2, 3, 4), torch.full((2, 3), IGNORED), torch.nn.Linear(4, 9))
    loss.backward()
    assert loss.item() == 0
    image = MaskedImage(4, 6)(torch.randn(2, 3, 4), torch.randn(2, 3, 6), torch.zeros(2, 3, dtype=torch.bool))
    assert image.item() == 0


def test_patch_distance_is_zero_for_the_normalised_patch_itself() -> None:
    features = torch.randn(5, 8) * 3 + 1
    target = (features - features.mean(1, keepdim=True)) / features.std(1, keepdim=True, unbiased=False)
    assert patch_distance(target, features) < 1e-6
    assert patch_distance(target + 1, features).item() == pytest.approx(1, abs=1e-3)


def test_relisting_loss_is_the_slow_obvious_one() -> None:
    first, second = (
        F.normalize(torch.randn(4, 6, generator=torch.Generator().manual_seed(s)), dim=1) for s in (1, 2)
    )
    eligible = torch.tensor([True, False, True, True])
    kept = [0, 2, 3]
    total = 0.0
    for i in kept:
        forward = [math.exp(first[i] @ second[j] / 0.2) for j in kept]
        backward = [math.exp(first[j] @ second[i] / 0.2) for j in kept]
        own = math.exp(first[i] @ second[i] / 0.2)
        total -= (math.log(own / sum(forward)) + math.log(own / sum(backward))) / 2
    assert relisting_loss(first, second, eligible, 0.2).item() == pytest.approx(total / 3, abs=1e-5)


def test_masked_words_follow_bert() -> None:
    vocabulary = Vocabulary(1000, mask_id=4, special_ids=(0, 2, 3))
    ids = torch.randint(5, 1000, (200, 50), generator=torch.Generator().manual_seed(0))
    ids[:, 0], ids[:, 40:] = 2, 0
    masked, labels = mask_words(ids, vocabulary, 0.15, torch.Generator().manual_seed(1))
    chosen = labels != IGNORED
    assert not chosen[:, 0].any()
    assert not chosen[:, 40:].any()
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(masked[~chosen], ids[~chosen])
    assert chosen[:, 1:40].float().mean().item() == pytest.approx(0.15, abs=0.01)
    assert (masked[chosen] == 4).float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert (masked[chosen] == ids[chosen]).float().mean().item() == pytest.approx(0.1, abs=0.03)


def test_every_row_hides_the_same_number_of_patches() -> None:
    hidden = mask_patches(40, 25, 0.3, torch.Generator().manual_seed(0))
    assert hidden.sum(dim=1).tolist() == [8] * 40
    assert hidden.any(dim=0).all()


def test_swapped_pictures_are_other_products_and_each_is_seen_once() -> None:
    has_image = torch.arange(300) % 3 != 0
    source = swap_pictures(has_image, 0.2, torch.Generator().manual_seed(0))
    swapped = source != torch.arange(300)
    assert sorted(source.tolist()) == list(range(300))
    assert has_image[swapped].all()
    assert swapped[has_image].float().mean().item() == pytest.approx(0.2, abs=0.06)
