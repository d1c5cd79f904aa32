from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from itemsearch.model import ITEmProcessor
from itemsearch.pretrain.batches import Collator, TrainingPairs
from itemsearch.pretrain.config import MaskingConfig, RelistingConfig
from itemsearch.pretrain.data import rows_of_groups, split_held_out


def test_a_pair_depends_on_seed_and_place_alone(table: pa.Table) -> None:
    plan = np.zeros(6, np.int64)
    pairs, again, other = (TrainingPairs(table, plan, {}, RelistingConfig(), seed) for seed in (5, 5, 6))
    assert pairs[3].titles == again[3].titles
    assert pairs[3].images[0].tobytes() == again[3].images[0].tobytes()
    assert len({pairs[place].titles for place in range(6)}) > 1
    assert any(pairs[place].titles != other[place].titles for place in range(6))


def test_second_listings_lack_a_modality_as_often_as_asked(table: pa.Table) -> None:
    shares = RelistingConfig(hide_title=0.5, hide_image=0.3, picture_edits=0)
    dataset = TrainingPairs(table, np.arange(60).repeat(5), {}, shares, 0)
    pairs = [dataset[place] for place in range(300)]
    assert np.mean([not pair.titles[1] for pair in pairs]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([pair.images[1] is None for pair in pairs]) == pytest.approx(0.3, abs=0.08)
    assert all(pair.titles[0] and pair.images[0] for pair in pairs)


def test_a_grouped_row_is_listed_again_by_another_row_of_its_group(both: pa.Table) -> None:
    """Both keep their titles; held-out rows are never the second listing."""
    training, held_out = split_held_out(both.num_rows, 9, seed=3)
    groups = rows_of_groups(both, training)
    dataset = TrainingPairs(both, training.repeat(4), groups, RelistingConfig(picture_edits=0), 0)
    titles, group_of = both["title"].to_pylist(), both["group"].to_pylist()
    row_of = {title: row for row, title in enumerate(titles)}
    seen: set[int] = set()
    for place, row in enumerate(training.repeat(4).tolist()):
        alone = len(groups.get(group_of[row], ())) < 2
        first, second = dataset[place].titles
        if not alone:
            assert first == titles[row]
            assert row_of[second] != row
            assert group_of[row_of[second]] == group_of[row]
            seen.add(row_of[second])
    assert any(group_of[row] for row in held_out.tolist())
    assert not seen & set(held_out.tolist())
    # Every row of a group of two or more that is trained on has been another's second listing.
    assert seen == {row for rows in groups.values() if len(rows) > 1 for row in rows}


def test_a_batch_says_what_was_hidden(table: pa.Table, tiny_model: Path) -> None:
    processor = ITEmProcessor.from_pretrained(tiny_model)
    collate = Collator(processor, 16, MaskingConfig(words=0.5, swapped_pictures=0.5), contrast=True)
    dataset = TrainingPairs(table, np.arange(20), {}, RelistingConfig(picture_edits=0), 0)
    pairs = [dataset[place] for place in range(20)]
    batch = collate(pairs)
    clean = processor([pair.titles[0] for pair in pairs], [pair.images[0] for pair in pairs])
    chosen = batch.labels != -100
    assert torch.equal(batch.labels[chosen], clean.input_ids[:, 1:][chosen])
    assert torch.equal(batch.first.ngrams, clean.ngrams)
    assert batch.first.patch_mask.shape == (20, 16)
    pictures = zip(batch.first.pixel_values, clean.pixel_values, strict=True)
    own = [torch.equal(batched, original) for batched, original in pictures]
    assert own == batch.matched.tolist()
    assert 4 <= sum(own) <= 16
    assert Collator(processor, 16, MaskingConfig(), contrast=False)(pairs).second is None


def test_a_batch_of_titles_alone_hides_words_and_no_patches(both: pa.Table, tiny_model: Path) -> None:
    collate = Collator(
        ITEmProcessor.from_pretrained(tiny_model), 16, MaskingConfig(words=0.5, swapped_pictures=1.0), True
    )
    dataset = TrainingPairs(both, np.arange(60, 70), {}, RelistingConfig(), 0)
    batch = collate([dataset[place] for place in range(10)])
    assert batch.first.pixel_values is None
    assert batch.second is not None
    assert batch.second.pixel_values is None
    assert batch.first.patch_mask.shape == (10, 0)
    assert batch.matched.all()
    assert (batch.labels != -100).any()
