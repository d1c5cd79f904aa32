from __future__ import annotations

from pathlib import Path

import pytest
from support.indexes_of_listings import build, jpeg, listing, opened, some_listings

from itemsearch.duplicates.explain import Explanation, explain
from itemsearch.duplicates.pairs.join import JoinConfig
from itemsearch.duplicates.pairs.variants import EVERY_RULE
from itemsearch.duplicates.run import RunConfig, find_duplicates
from itemsearch.errors import UnknownIdError, UsageError
from itemsearch.probability.thresholds import Thresholds
from itemsearch.search.engine import Engine

THRESHOLDS = Thresholds.of_score(0.7)


def explained(engine: Engine, a: str, b: str) -> Explanation:
    return explain(engine, a, b, THRESHOLDS, EVERY_RULE)


def test_a_pair_is_explained_as_a_run_decides(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    made = some_listings(120)
    made.append(
        listing("x", "scented lotion for dry hands red 500 ml", made[8]["embedding"], jpeg(8), seller="s")
    )
    made.append(
        listing("y", "scented lotion for dry hands blue 1 l", made[8]["embedding"], jpeg(8), seller="s")
    )
    engine = opened(build(tmp_path, made))
    config = RunConfig(JoinConfig(), THRESHOLDS, calibrated=False)
    find_duplicates(engine, tmp_path / "out", config, lambda step, done, total: None)
    pairs = pq.read_table(tmp_path / "out" / "pairs.parquet").to_pylist()
    assert {"duplicate", "variant"} <= {pair["decision"] for pair in pairs}
    for pair in pairs:
        told = explained(engine, pair["id_b"], pair["id_a"])
        assert told.ids == (pair["id_a"], pair["id_b"])
        assert told.compared
        for name in ("decision", "reason", "same_image", "image_hash_distance"):
            assert getattr(told, name) == pair[name]
        for name in ("score", "joint", "title_similarity", "image_similarity"):
            held = pair[name]
            assert getattr(told, name) == (held if held is None else pytest.approx(held, abs=1e-6))
        for name in ("words_a", "words_b", "conflicts"):
            assert list(getattr(told, name)) == pair[name]


def test_two_different_products_and_a_rival(tmp_path: Path) -> None:
    engine = opened(build(tmp_path, some_listings(120)))
    told = explained(engine, "00008", "00077")
    assert (told.decision, told.compared) == ("different", False)
    assert told.reason.startswith("score 0.")
    assert told.rival is not None
    assert (told.rival.id, told.rival.of) == ("00009", "00008")
    assert explained(engine, "00008", "00009").rival is None


def test_an_unknown_id_and_one_id_twice_are_told(tmp_path: Path) -> None:
    engine = opened(build(tmp_path, some_listings(20)))
    with pytest.raises(UnknownIdError, match="id 'none' is not in"):
        explained(engine, "00001", "none")
    with pytest.raises(UsageError, match="ids of two listings"):
        explained(engine, "00001", "00001")
