from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support.indexes_of_listings import build, jpeg, listing, opened, some_listings

from itemsearch.decisions.events import Action
from itemsearch.decisions.log import DecisionLog
from itemsearch.decisions.of_index import content_hashes
from itemsearch.decisions.pair_labels import all_same
from itemsearch.duplicates.explain import Explanation, explain
from itemsearch.duplicates.run import RunConfig, find_duplicates
from itemsearch.errors import UnknownIdError, UsageError
from itemsearch.search.engine import Engine


def ranked(engine: Engine) -> Any:
    """Opens engines with the ranking of `opened`, which the index's folder does not hold."""
    return patch.object(Engine, "open", lambda folder: engine)


def found(engine: Engine, out: Path) -> Path:
    find_duplicates(engine, out, RunConfig(min_probability=0.3), lambda step, done, total: None)
    return out


def explained(engine: Engine, folder: Path, a: str, b: str) -> Explanation:
    with ranked(engine):
        return explain(folder, a, b)


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
    found(engine, tmp_path / "out")
    pairs = pq.read_table(tmp_path / "out" / "pairs.parquet").to_pylist()
    assert {"duplicate", "variant"} <= {pair["decision"] for pair in pairs}
    for pair in pairs:
        told = explained(engine, tmp_path / "out", pair["id_b"], pair["id_a"])
        assert told.ids == (pair["id_a"], pair["id_b"])
        assert told.compared
        for name in ("decision", "reason", "probability", "same_image", "image_hash_distance"):
            assert getattr(told, name) == pair[name]
        for name in ("score", "joint", "title_similarity", "image_similarity"):
            held = pair[name]
            assert getattr(told, name) == (held if held is None else pytest.approx(held, abs=1e-6))
        for name in ("words_a", "words_b", "conflicts"):
            assert list(getattr(told, name)) == pair[name]


def test_two_different_products_and_a_rival(tmp_path: Path) -> None:
    engine = opened(build(tmp_path, some_listings(120)))
    folder = found(engine, tmp_path / "out")
    different = explained(engine, folder, "00008", "00077")
    assert (different.decision, different.compared) == ("different", False)
    assert "is below 0.250" in different.reason
    assert different.rival is not None
    assert (different.rival.id, different.rival.of) == ("00009", "00008")


def test_what_a_person_decided_is_explained_by_who_and_when(tmp_path: Path) -> None:
    index = build(tmp_path, some_listings(60))
    engine, ids = opened(index), ["00008", "00045"]
    labels = all_same(ids, content_hashes(engine, ids))
    DecisionLog.of_index(index).record(Action.CONFIRM, "", labels, 0, ids)
    told = explained(engine, found(engine, tmp_path / "out"), *ids)
    assert told.decision == "confirmed"
    assert told.reason.startswith("a person decided on 20")


def test_an_unknown_id_and_one_id_twice_are_refused(tmp_path: Path) -> None:
    engine = opened(build(tmp_path, some_listings(20)))
    folder = found(engine, tmp_path / "out")
    with pytest.raises(UnknownIdError, match="id 'none' is not in"):
        explained(engine, folder, "00001", "none")
    with pytest.raises(UsageError, match="ids of two listings"):
        explained(engine, folder, "00001", "00001")
    with pytest.raises(UsageError, match="not the folder of a run"):
        explained(engine, tmp_path / "none", "00001", "00002")
