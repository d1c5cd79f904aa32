from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from support.catalogs import titles, write_offers

from itemsearch.catalog import CatalogConfig
from itemsearch.errors import EmptyCatalogError, ModelError
from itemsearch.model import ITEmProcessor
from itemsearch.pretrain.config import MaskingConfig, PretrainConfig, RelistingConfig, TrainConfig
from itemsearch.pretrain.data import (
    Collator,
    RelistedProducts,
    plan_rows,
    prepare_catalogs,
    rows_of_groups,
    split_held_out,
)


def config(batch_size: int = 4, same_category: float = 0.5) -> PretrainConfig:
    return PretrainConfig(
        {}, TrainConfig(4, batch_size), relisting=RelistingConfig(same_category=same_category)
    )


def plannable(categories: Sequence[str], groups: Sequence[str] = ()) -> pa.Table:
    """What `plan_rows` reads of a table."""
    return pa.table({"category": list(categories), "group": [*groups] or [""] * len(categories)})


def prepared(folder: Path, *catalogs: Path, group: str = "") -> pa.Table:
    path = folder / "catalog.arrow"
    prepare_catalogs([CatalogConfig(str(catalog)) for catalog in catalogs], path, group)
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


@pytest.fixture(scope="module")
def table(catalog_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return prepared(tmp_path_factory.mktemp("prepared"), catalog_csv)


@pytest.fixture(scope="module")
def both(catalog_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """60 products with pictures and no groups, then 36 offers of 12 products without pictures."""
    folder = tmp_path_factory.mktemp("both")
    return prepared(folder, catalog_csv, write_offers(folder), group="product")


def test_catalogs_follow_each_other_and_only_known_groups_are_groups(both: pa.Table) -> None:
    assert both.num_rows == 96
    assert both["title"].to_pylist()[:60] == titles(60)
    assert [image is None for image in both["image"].to_pylist()] == [False] * 60 + [True] * 36
    groups = both["group"].to_pylist()
    assert groups[:60] == [""] * 60
    assert groups[60:] == [f"1:p{number}" for number in range(12) for _ in range(3)]
    assert json.loads(both["attributes"][7].as_py()) == {"price": "7.50"}
    assert json.loads(both["attributes"][61].as_py()) == {"merchant": "1"}


def test_rows_read_and_products_kept_are_counted_over_all_catalogs(catalog_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,title\n1,mug\n2,\n")
    catalogs = [CatalogConfig(str(path)) for path in (catalog_csv, tmp_path / "c.csv")]
    assert prepare_catalogs(catalogs, tmp_path / "catalog.arrow", "") == (62, 61)


def test_equal_groups_of_two_catalogs_are_two_products(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("id,title,product\n1,mug,7\n2,cup,7\n3,cap,\n")
    groups = prepared(tmp_path, tmp_path / "a.csv", tmp_path / "b.csv", group="product")["group"]
    assert groups.to_pylist() == ["0:7", "0:7", "", "1:7", "1:7", ""]


def test_groups_may_be_numbers(tmp_path: Path) -> None:
    listings = pa.array([0, 0, None], pa.int64())
    pq.write_table(
        pa.table({"id": ["a", "b", "c"], "title": ["mug", "cup", "cap"], "product": listings}),
        tmp_path / "c.parquet",
    )
    assert prepared(tmp_path, tmp_path / "c.parquet", group="product")["group"].to_pylist() == [
        "0:0", "0:0", "",
    ]  # fmt: skip


def test_a_group_column_that_no_catalog_has_is_an_error(catalog_csv: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"relisting\.group is 'producer': no catalog has"):
        prepared(tmp_path, catalog_csv, write_offers(tmp_path), group="producer")
    assert not (tmp_path / "catalog.arrow").exists()


def test_a_catalog_without_a_usable_row_is_an_error(catalog_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,title\n1,\n2,\n")
    with pytest.raises(EmptyCatalogError, match=r"c\.csv: none of its rows"):
        prepared(tmp_path, catalog_csv, tmp_path / "c.csv")


def test_held_out_products_are_apart_from_the_trained_on() -> None:
    training, held_out = split_held_out(100, 7, seed=1)
    assert sorted([*training, *held_out]) == list(range(100))
    assert len(held_out) == 7
    assert len(split_held_out(100, 50, seed=1)[1]) == 10


def test_an_epoch_sees_every_product_once() -> None:
    rows = np.arange(3, 23)
    plan = plan_rows(rows, plannable([""] * 30), batches=10, config=config(same_category=1.0))
    assert sorted(plan[:20]) == sorted(plan[20:]) == rows.tolist()


def test_a_longer_run_begins_as_a_shorter_one() -> None:
    rows, held = np.arange(40), plannable([f"c{row % 3}" for row in range(40)])
    short = plan_rows(rows, held, 5, config())
    np.testing.assert_array_equal(plan_rows(rows, held, 9, config())[:20], short)


def test_hard_batches_hold_one_category_and_no_batch_a_product_twice() -> None:
    rows, held = np.arange(60), plannable([f"c{row % 3}" for row in range(60)])
    hard = plan_rows(rows, held, 30, config(8, same_category=1.0)).reshape(30, 8)
    assert all(len({row % 3 for row in batch}) == 1 for batch in hard.tolist())
    assert all(len(set(batch)) == 8 for batch in hard.tolist())
    mixed = plan_rows(rows, held, 30, config(8, same_category=0.0)).reshape(30, 8)
    assert all(len({row % 3 for row in batch}) > 1 for batch in mixed.tolist())


@pytest.mark.parametrize("same_category", [0.0, 1.0])
def test_no_batch_holds_two_rows_of_a_group(same_category: float) -> None:
    groups = [f"g{row // 3}" if row < 48 else "" for row in range(60)]
    held = plannable([f"c{row // 20}" for row in range(60)], groups)
    plan = plan_rows(np.arange(60), held, 40, config(8, same_category)).reshape(40, 8)
    for batch in plan.tolist():
        known = [groups[row] for row in batch if groups[row]]
        assert len(known) == len(set(known))
        assert len(set(batch)) == 8
    assert {row for batch in plan.tolist() for row in batch} == set(range(60))


def test_a_catalog_smaller_than_a_batch_repeats_itself() -> None:
    plan = plan_rows(np.arange(3), plannable([""] * 3), 2, config(8))
    assert len(plan) == 16
    assert set(plan.tolist()) == {0, 1, 2}
    one_product = plan_rows(np.arange(3), plannable(["c"] * 3, ["g"] * 3), 2, config(8))
    assert len(one_product) == 16


def test_an_item_depends_on_seed_and_place_alone(table: pa.Table) -> None:
    plan = np.zeros(6, np.int64)
    listings, again, other = (
        RelistedProducts(table, plan, {}, RelistingConfig(), seed) for seed in (5, 5, 6)
    )
    assert listings[3].titles == again[3].titles
    assert listings[3].images[0].tobytes() == again[3].images[0].tobytes()
    assert len({listings[place].titles for place in range(6)}) > 1
    assert any(listings[place].titles != other[place].titles for place in range(6))


def test_second_listings_lack_a_modality_as_often_as_asked(table: pa.Table) -> None:
    shares = RelistingConfig(hide_title=0.5, hide_image=0.3, picture_edits=0)
    listings = RelistedProducts(table, np.arange(60).repeat(5), {}, shares, 0)
    items = [listings[place] for place in range(300)]
    assert np.mean([not item.titles[1] for item in items]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([item.images[1] is None for item in items]) == pytest.approx(0.3, abs=0.08)
    assert all(item.titles[0] and item.images[0] for item in items)


def test_a_grouped_row_is_listed_again_by_another_row_of_its_group(both: pa.Table) -> None:
    """In that seller's words; what has no group is edited, and neither is what is held out."""
    training, held_out = split_held_out(both.num_rows, 9, seed=3)
    groups = rows_of_groups(both, training)
    listings = RelistedProducts(both, training.repeat(4), groups, RelistingConfig(picture_edits=0), 0)
    said, group_of = both["title"].to_pylist(), both["group"].to_pylist()
    row_of = {title: row for row, title in enumerate(said)}
    seen: set[int] = set()
    for place, row in enumerate(training.repeat(4).tolist()):
        alone = len(groups.get(group_of[row], ())) < 2
        first, second = listings[place].titles
        if not alone:
            assert first == said[row]
            assert row_of[second] != row
            assert group_of[row_of[second]] == group_of[row]
            seen.add(row_of[second])
    assert any(group_of[row] for row in held_out.tolist())
    assert not seen & set(held_out.tolist())
    # Every row of a group of two or more that is trained on has been another's second listing.
    assert seen == {row for rows in groups.values() if len(rows) > 1 for row in rows}


def test_rows_of_groups_are_those_asked_for(both: pa.Table) -> None:
    groups = rows_of_groups(both, np.array([0, 5, 60, 62, 63, 95]))
    assert groups == {"1:p0": [60, 62], "1:p1": [63], "1:p11": [95]}


def test_a_batch_says_what_was_hidden(table: pa.Table, tiny_model: Path) -> None:
    processor = ITEmProcessor.from_pretrained(tiny_model)
    collate = Collator(processor, 16, MaskingConfig(words=0.5, swapped_pictures=0.5), contrast=True)
    listings = RelistedProducts(table, np.arange(20), {}, RelistingConfig(picture_edits=0), 0)
    examples = [listings[place] for place in range(20)]
    batch = collate(examples)
    clean = processor(
        [example.titles[0] for example in examples], [example.images[0] for example in examples]
    )
    chosen = batch.labels != -100
    assert torch.equal(batch.labels[chosen], clean.input_ids[:, 1:][chosen])
    assert torch.equal(batch.first.ngrams, clean.ngrams)
    assert batch.first.patch_mask.shape == (20, 16)
    pictures = zip(batch.first.pixel_values, clean.pixel_values, strict=True)
    own = [torch.equal(shown, original) for shown, original in pictures]
    assert own == batch.matched.tolist()
    assert 4 <= sum(own) <= 16
    assert Collator(processor, 16, MaskingConfig(), contrast=False)(examples).second is None


def test_a_batch_of_titles_alone_hides_words_and_no_patches(both: pa.Table, tiny_model: Path) -> None:
    collate = Collator(
        ITEmProcessor.from_pretrained(tiny_model), 16, MaskingConfig(words=0.5, swapped_pictures=1.0), True
    )
    listings = RelistedProducts(both, np.arange(60, 70), {}, RelistingConfig(), 0)
    batch = collate([listings[place] for place in range(10)])
    assert batch.first.pixel_values is None
    assert batch.second is not None
    assert batch.second.pixel_values is None
    assert batch.first.patch_mask.shape == (10, 0)
    assert batch.matched.all()
    assert (batch.labels != -100).any()
