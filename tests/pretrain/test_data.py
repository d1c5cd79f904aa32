from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from itemsearch.catalog import CatalogConfig
from itemsearch.errors import EmptyCatalogError
from itemsearch.model import ITEmProcessor
from itemsearch.pretrain.config import MaskingConfig, PretrainConfig, RelistingConfig, TrainConfig
from itemsearch.pretrain.data import Collator, RelistedProducts, plan_rows, prepare_catalog, split_held_out


def config(same_category: float = 0.5) -> PretrainConfig:
    return PretrainConfig({}, TrainConfig(4, 4), relisting=RelistingConfig(same_category=same_category))


@pytest.fixture(scope="module")
def table(catalog_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    path = tmp_path_factory.mktemp("prepared") / "catalog.arrow"
    assert prepare_catalog(CatalogConfig(str(catalog_csv)), path) == (60, 60)
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def test_held_out_products_are_apart_from_the_trained_on() -> None:
    training, held_out = split_held_out(100, 7, seed=1)
    assert sorted([*training, *held_out]) == list(range(100))
    assert len(held_out) == 7
    assert len(split_held_out(100, 50, seed=1)[1]) == 10


def test_an_epoch_sees_every_product_once() -> None:
    rows = np.arange(3, 23)
    plan = plan_rows(rows, [""] * 30, batches=10, batch_size=4, config=config(same_category=1.0))
    assert sorted(plan[:20]) == sorted(plan[20:]) == rows.tolist()


def test_a_longer_run_begins_as_a_shorter_one() -> None:
    rows, categories = np.arange(40), [f"c{row % 3}" for row in range(40)]
    short = plan_rows(rows, categories, 5, 4, config())
    np.testing.assert_array_equal(plan_rows(rows, categories, 9, 4, config())[:20], short)


def test_hard_batches_hold_one_category_and_no_batch_a_product_twice() -> None:
    rows, categories = np.arange(60), [f"c{row % 3}" for row in range(60)]
    hard = plan_rows(rows, categories, 30, 8, config(same_category=1.0)).reshape(30, 8)
    assert all(len({row % 3 for row in batch}) == 1 for batch in hard.tolist())
    assert all(len(set(batch)) == 8 for batch in hard.tolist())
    mixed = plan_rows(rows, categories, 30, 8, config(same_category=0.0)).reshape(30, 8)
    assert all(len({row % 3 for row in batch}) > 1 for batch in mixed.tolist())


def test_a_catalog_smaller_than_a_batch_repeats_itself() -> None:
    plan = plan_rows(np.arange(3), [""] * 3, 2, 8, config())
    assert len(plan) == 16
    assert set(plan.tolist()) == {0, 1, 2}


def test_an_item_depends_on_seed_and_place_alone(table: pa.Table) -> None:
    plan = np.zeros(6, np.int64)
    products, again, other = (RelistedProducts(table, plan, RelistingConfig(), seed) for seed in (5, 5, 6))
    assert products[3].titles == again[3].titles
    assert products[3].images[0].tobytes() == again[3].images[0].tobytes()
    assert len({products[place].titles for place in range(6)}) > 1
    assert any(products[place].titles != other[place].titles for place in range(6))


def test_second_listings_lack_a_modality_as_often_as_asked(table: pa.Table) -> None:
    shares = RelistingConfig(hide_title=0.5, hide_image=0.3, picture_edits=0)
    products = RelistedProducts(table, np.arange(60).repeat(5), shares, 0)
    items = [products[place] for place in range(300)]
    assert np.mean([not item.titles[1] for item in items]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([item.images[1] is None for item in items]) == pytest.approx(0.3, abs=0.08)
    assert all(item.titles[0] and item.images[0] for item in items)


def test_a_batch_says_what_was_hidden(table: pa.Table, tiny_model: Path) -> None:
    processor = ITEmProcessor.from_pretrained(tiny_model)
    collate = Collator(processor, 16, MaskingConfig(words=0.5, swapped_pictures=0.5), contrast=True)
    products = RelistedProducts(table, np.arange(20), RelistingConfig(picture_edits=0), 0)
    examples = [products[place] for place in range(20)]
    batch = collate(examples)
    clean = processor(
        [example.titles[0] for example in examples], [example.images[0] for example in examples]
    )
    chosen = batch.labels != -100
    assert torch.equal(batch.labels[chosen], clean.input_ids[:, 1:][chosen])
    assert batch.first.patch_mask.shape == (20, 16)
    pictures = zip(batch.first.pixel_values, clean.pixel_values, strict=True)
    own = [torch.equal(shown, original) for shown, original in pictures]
    assert own == batch.matched.tolist()
    assert 4 <= sum(own) <= 16
    assert Collator(processor, 16, MaskingConfig(), contrast=False)(examples).second is None


def test_a_catalog_without_a_usable_row_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,title\n1,\n2,\n")
    with pytest.raises(EmptyCatalogError, match="none of its 2 rows"):
        prepare_catalog(CatalogConfig(str(tmp_path / "c.csv")), tmp_path / "catalog.arrow")
