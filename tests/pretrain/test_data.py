from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.catalogs import titles, write_offers
from support.training_tables import training_table

from itemsearch.catalog import CatalogConfig
from itemsearch.errors import EmptyCatalogError, ModelError
from itemsearch.pretrain.config import PretrainConfig, RelistingConfig, TrainConfig
from itemsearch.pretrain.data import plan_rows, prepare_catalogs, rows_of_groups, split_held_out


def config(batch_size: int = 4, same_category: float = 0.5) -> PretrainConfig:
    return PretrainConfig(
        {}, TrainConfig(4, batch_size), relisting=RelistingConfig(same_category=same_category)
    )


def plannable(categories: Sequence[str], groups: Sequence[str] = ()) -> pa.Table:
    """What `plan_rows` reads of a table."""
    return pa.table({"category": list(categories), "group": [*groups] or [""] * len(categories)})


def test_catalogs_follow_each_other_and_only_known_groups_are_groups(both: pa.Table) -> None:
    assert both.num_rows == 96
    assert both["title"].to_pylist()[:60] == titles(60)
    assert [image is None for image in both["image"].to_pylist()] == [False] * 60 + [True] * 36
    groups = both["group"].to_pylist()
    assert groups[:60] == [""] * 60
    assert groups[60:] == [f"1:p{number}" for number in range(12) for _ in range(3)]
    assert json.loads(both["attributes"][7].as_py()) == {"price": "7.50"}
    assert json.loads(both["attributes"][61].as_py()) == {"merchant": "1"}


def test_rows_read_are_counted_over_all_catalogs(catalog_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,title\n1,mug\n2,\n")
    catalogs = [CatalogConfig(str(path)) for path in (catalog_csv, tmp_path / "c.csv")]
    assert prepare_catalogs(catalogs, tmp_path / "catalog.arrow", "") == 62


def test_equal_groups_of_two_catalogs_are_two_products(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("id,title,product\n1,mug,7\n2,cup,7\n3,cap,\n")
    groups = training_table(tmp_path, tmp_path / "a.csv", tmp_path / "b.csv", group="product")["group"]
    assert groups.to_pylist() == ["0:7", "0:7", "", "1:7", "1:7", ""]


def test_groups_may_be_numbers(tmp_path: Path) -> None:
    groups = pa.array([0, 0, None], pa.int64())
    pq.write_table(
        pa.table({"id": ["a", "b", "c"], "title": ["mug", "cup", "cap"], "product": groups}),
        tmp_path / "c.parquet",
    )
    assert training_table(tmp_path, tmp_path / "c.parquet", group="product")["group"].to_pylist() == [
        "0:0", "0:0", "",
    ]  # fmt: skip


def test_a_group_column_that_no_catalog_has_is_an_error(catalog_csv: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"relisting\.group is 'producer': no catalog has"):
        training_table(tmp_path, catalog_csv, write_offers(tmp_path), group="producer")
    assert not (tmp_path / "catalog.arrow").exists()


def test_a_catalog_without_a_usable_row_is_an_error(catalog_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,title\n1,\n2,\n")
    with pytest.raises(EmptyCatalogError, match=r"c\.csv: none of its rows"):
        training_table(tmp_path, catalog_csv, tmp_path / "c.csv")


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
    rows, table = np.arange(40), plannable([f"c{row % 3}" for row in range(40)])
    short = plan_rows(rows, table, 5, config())
    np.testing.assert_array_equal(plan_rows(rows, table, 9, config())[:20], short)


def test_hard_batches_hold_one_category_and_no_batch_a_product_twice() -> None:
    rows, table = np.arange(60), plannable([f"c{row % 3}" for row in range(60)])
    hard = plan_rows(rows, table, 30, config(8, same_category=1.0)).reshape(30, 8)
    assert all(len({row % 3 for row in batch}) == 1 for batch in hard.tolist())
    assert all(len(set(batch)) == 8 for batch in hard.tolist())
    mixed = plan_rows(rows, table, 30, config(8, same_category=0.0)).reshape(30, 8)
    assert all(len({row % 3 for row in batch}) > 1 for batch in mixed.tolist())


@pytest.mark.parametrize("same_category", [0.0, 1.0])
def test_no_batch_holds_two_rows_of_a_group(same_category: float) -> None:
    groups = [f"g{row // 3}" if row < 48 else "" for row in range(60)]
    table = plannable([f"c{row // 20}" for row in range(60)], groups)
    plan = plan_rows(np.arange(60), table, 40, config(8, same_category)).reshape(40, 8)
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


def test_rows_of_groups_are_those_asked_for(both: pa.Table) -> None:
    groups = rows_of_groups(both, np.array([0, 5, 60, 62, 63, 95]))
    assert groups == {"1:p0": [60, 62], "1:p1": [63], "1:p11": [95]}
