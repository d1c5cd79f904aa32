from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.indexes_of_listings import build, jpeg, listing, opened, some_listings

from itemsearch.duplicates.pairs import join as joining
from itemsearch.duplicates.pairs.candidates import CandidateConfig
from itemsearch.duplicates.pairs.join import JoinConfig, Joined, join
from itemsearch.duplicates.pairs.since import changed_since
from itemsearch.duplicates.types import EVIDENCE_SCHEMA, ROWS_SCHEMA
from itemsearch.errors import IndexFolderError, UsageError
from itemsearch.indexes.progress import silent
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.search.filter import Filter
from itemsearch.store.sketches import Sketches

EVERYTHING = JoinConfig(candidates=CandidateConfig(neighbours=1000))


def joined(engine: Engine, folder: Path, config: JoinConfig = EVERYTHING, changed=None) -> Joined:
    return join(engine, config, folder, silent, changed)


def described(found: Joined) -> pa.Table:
    return found.evidence.describe(found.pairs)


def pairs_of(found: Joined) -> set[tuple[str, str]]:
    ids = found.evidence.listings["id"]
    names = (ids.take(found.pairs[name]).to_pylist() for name in ("row_a", "row_b"))
    return set(zip(*names, strict=True))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("listed"), some_listings(200))


def test_pairs_have_the_evidence_of_a_search(index: Path, tmp_path: Path) -> None:
    engine = opened(index)
    found = joined(engine, tmp_path / "join")
    table = described(found)
    assert table.schema == pa.schema([*ROWS_SCHEMA, *EVIDENCE_SCHEMA])
    assert (len(found.rows), found.pairs.num_rows) == (200, 200 * 199 // 2)
    by_ids = {(pair["id_a"], pair["id_b"]): pair for pair in table.to_pylist()}
    for id in ("00000", "00003", "00004", "00009", "00137"):
        hits = engine.search(id=id, k=199).hits
        assert len(hits) == 199
        for hit in hits:
            pair = by_ids[min(id, hit.id), max(id, hit.id)]
            numbers = [pair[name] for name in ("score", "joint", "title_similarity", "image_similarity")]
            expected = [hit.score, hit.joint, hit.title_similarity, hit.image_similarity]
            if hit.title_similarity is None and hit.image_similarity is None:
                continue  # a search puts what cannot be compared last, with a score of 0
            assert numbers == [
                value if value is None else pytest.approx(value, abs=1e-5) for value in expected
            ]
    again = by_ids["00008", "00009"]
    assert (again["words_a"], again["words_b"], again["conflicts"]) == ([], ["new"], [])
    assert not again["same_image"]
    assert again["image_hash_distance"] <= 6
    assert by_ids["00003", "00005"]["image_hash_distance"] is None


def test_pairs_pass_the_filter_and_differ(index: Path, tmp_path: Path) -> None:
    wanted = Filter("id < '00100'", "seller")
    found = joined(opened(index), tmp_path / "join", JoinConfig(wanted, CandidateConfig(neighbours=1000)))
    assert len(found.rows) == 100
    assert pairs_of(found) == {
        (f"{a:05d}", f"{b:05d}") for b in range(100) for a in range(b) if a % 3 != b % 3
    }


DYING_JOIN = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from support.indexes_of_listings import opened
from itemsearch.duplicates.pairs import join as joining
from itemsearch.duplicates.pairs.candidates import CandidateConfig

joining.QUERY_LISTINGS, joining.MEASURED_PAIRS = 50, 3000
renames = 0
rename = Path.rename
def dying(path, target):
    global renames
    renames += 1
    if renames == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(path, target)
Path.rename = dying
joining.join(opened(Path(sys.argv[1])), joining.JoinConfig(candidates=CandidateConfig(neighbours=1000)),
             Path(sys.argv[2]), lambda *step: None)
"""


@pytest.mark.parametrize("fatal", [2, 6])
def test_a_killed_join_is_gone_on_with(
    index: Path, tmp_path: Path, fatal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [index, tmp_path / "join", fatal, Path(__file__).parents[1]]
    done = subprocess.run([sys.executable, "-c", DYING_JOIN, *map(str, arguments)], check=False)
    assert done.returncode == -signal.SIGKILL
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "join").glob("*.*[yw]")}
    assert len(kept) == fatal - 1
    monkeypatch.setattr(joining, "QUERY_LISTINGS", 50)
    monkeypatch.setattr(joining, "MEASURED_PAIRS", 3000)
    found = joined(opened(index), tmp_path / "join")
    assert found.pairs.equals(joined(opened(index), tmp_path / "whole").pairs)
    for name, written in kept.items():
        assert (tmp_path / "join" / name).stat().st_mtime_ns == written


def test_parts_of_other_settings_are_not_used(index: Path, tmp_path: Path) -> None:
    engine = opened(index)
    joined(engine, tmp_path, JoinConfig(candidates=CandidateConfig(neighbours=2)))
    assert joined(engine, tmp_path).pairs.num_rows == 200 * 199 // 2


def test_what_is_new_is_joined_as_in_a_full_join(tmp_path: Path) -> None:
    made = some_listings(180)
    earlier, later = made[:150], made[20:]
    later[5] = listing(later[5]["id"], "another title", later[5]["embedding"], seller="s1")
    index = build(tmp_path, earlier)
    build(tmp_path, later)
    engine = opened(index)
    changed = changed_since(engine, "1")
    assert engine.listings["id"].filter(pa.array(changed)).to_pylist() == [
        "00025",
        *(f"{row:05d}" for row in range(150, 180)),
    ]
    full, new = joined(engine, tmp_path / "full"), joined(engine, tmp_path / "new", changed=changed)
    rows = [full.pairs[name].to_numpy() for name in ("row_a", "row_b")]
    expected = full.pairs.filter(pa.array(changed[rows[0]] | changed[rows[1]]))
    assert new.pairs.num_rows == expected.num_rows < full.pairs.num_rows
    assert new.pairs.equals(expected)


def test_since_what_is_told(index: Path, tmp_path: Path) -> None:
    engine = opened(index)
    assert not changed_since(engine, "1").any()
    (tmp_path / "run.json").write_text(f'{{"format": 3, "index": "{index}", "version": 1}}')
    assert not changed_since(engine, str(tmp_path)).any()
    with pytest.raises(IndexFolderError, match="no version 7; there is 1"):
        changed_since(engine, "7")
    with pytest.raises(UsageError, match="neither the number of a version nor a folder"):
        changed_since(engine, str(tmp_path / "none"))
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UsageError, match=r"run\.json: damaged"):
        changed_since(engine, str(tmp_path))


def test_twenty_thousand_identical_listings_are_a_star(tmp_path: Path) -> None:
    made = some_listings(40)
    same = made[8]
    made += [{**same, "id": f"x{number:05d}", "seller": f"s{number % 2}"} for number in range(20_000)]
    engine = opened(build(tmp_path, made))
    started = time.process_time()
    found = joined(engine, tmp_path / "join", JoinConfig())
    assert time.process_time() - started < 20
    assert found.pairs.num_rows < 20_000 + 40 * 40
    star = {pair for pair in pairs_of(found) if pair[1].startswith("x")}
    assert {pair for pair in star if pair[0] == "00008"} == {("00008", f"x{n:05d}") for n in range(20_000)}
    across = joined(engine, tmp_path / "across", JoinConfig(Filter(other="seller")))
    assert across.pairs.num_rows < 2 * 20_000 + 40 * 40
    paired = {id for pair in pairs_of(across) for id in pair}
    assert paired >= {f"x{number:05d}" for number in range(20_000)}


def test_listings_that_crowd_an_answer_hide_no_other(tmp_path: Path) -> None:
    """Thirty of the same vector, and one that is almost the same: it is nearest after those."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((100, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = vectors[0] + 0.05 * vectors[1]
    made = [listing(f"a{n:03d}", "red mug", vectors[0], jpeg(1), seller="s") for n in range(30)]
    made += [listing("b", "red mugs", near / np.linalg.norm(near), jpeg(2), seller="s")]
    made += [listing(f"c{n:03d}", f"other {n}", vectors[n], jpeg(n), seller="s") for n in range(2, 100)]
    found = joined(
        opened(build(tmp_path, made)), tmp_path / "join", JoinConfig(candidates=CandidateConfig(neighbours=5))
    )
    assert ("a000", "b") in pairs_of(found)


def test_sizes_of_one_content_are_told_apart(tmp_path: Path) -> None:
    vector = np.eye(16, dtype=np.float32)[0]
    made = [
        listing(f"{n:02d}", "red shirt", vector, jpeg(1), seller="s", size=("S", "M", "L")[n % 3])
        for n in range(12)
    ]
    found = described(joined(opened(build(tmp_path, made)), tmp_path / "join")).to_pylist()
    linked = {(pair["id_a"], pair["id_b"]): pair["conflicts"] for pair in found}
    assert linked["00", "03"] == linked["01", "10"] == []
    assert linked["00", "01"] == ["size: S / M"]
    assert all(pair["same_image"] for pair in found)


def test_an_index_of_vectors_alone_is_joined_by_their_cosine(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    vectors[7] = vectors[3]
    pq.write_table(pa.table({"id": np.arange(30), "embedding": list(vectors)}), tmp_path / "v.parquet")
    build_index_folder(tmp_path / "v.parquet", tmp_path / "index")
    found = described(joined(Engine.open(tmp_path / "index"), tmp_path / "join")).to_pylist()
    same = next(pair for pair in found if (pair["id_a"], pair["id_b"]) == ("3", "7"))
    assert same["score"] == same["joint"] == pytest.approx(1, abs=1e-6)
    assert (same["title_similarity"], same["image_hash_distance"], same["same_image"]) == (None, None, False)


def test_a_filter_that_leaves_nothing(index: Path, tmp_path: Path) -> None:
    found = joined(opened(index), tmp_path, JoinConfig(Filter("id = 'none'")))
    assert (len(found.rows), found.pairs.num_rows) == (0, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_a_listing_whose_second_photo_is_the_other_s_first_is_found(tmp_path: Path) -> None:
    # Far apart by their embeddings, so that only the photo that they share proposes the pair.
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((60, 16)).astype(np.float32)
    vectors[1] = -vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    listings = [
        listing(f"{row:02d}", f"thing {row}", vectors[row], jpeg(row), other_pictures=None)
        for row in range(60)
    ]
    listings[0]["other_pictures"] = Sketches.of_jpegs([jpeg(70), jpeg(1, 60)]).to_bytes()
    config = JoinConfig(candidates=CandidateConfig(neighbours=2))
    found = joined(opened(build(tmp_path / "others", listings)), tmp_path / "join", config)
    (pair,) = [each for each in described(found).to_pylist() if (each["id_a"], each["id_b"]) == ("00", "01")]
    assert pair["image_similarity"] == pytest.approx(1)
    assert pair["joint"] > -0.5, "its image parts count as equal"
    for each in listings:
        each["other_pictures"] = None
    found = joined(opened(build(tmp_path / "alone", listings)), tmp_path / "join-alone", config)
    assert ("00", "01") not in pairs_of(found)
