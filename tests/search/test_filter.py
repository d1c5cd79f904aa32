from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.catalogs import titles

from itemsearch import Engine
from itemsearch.catalog import read_queries
from itemsearch.embed.encoder import Encoder
from itemsearch.errors import MissingColumnError, UsageError
from itemsearch.indexes.progress import silent
from itemsearch.ranking.evidence import KINDS, EvidenceReader
from itemsearch.ranking.ranking import KNOTS, Ranking
from itemsearch.ranking.score_model import ScoreModel
from itemsearch.search.batch import BatchConfig, BatchReport, search_file
from itemsearch.search.build import build_index_folder
from itemsearch.search.column_values import ColumnValues
from itemsearch.search.filter import Filter, PreparedFilter
from itemsearch.search.folder import NGRAM_FREQUENCY
from itemsearch.types import Query

SELLERS = ["Ann", "Bob", "", "Cy"]


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of 400 vectors, half of them of two products, by four sellers of whom one has no name."""
    folder = tmp_path_factory.mktemp("sold")
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((400, 8)).astype(np.float32)
    vectors[:150], vectors[150:200] = vectors[0], vectors[150]
    table = pa.table(
        {
            "id": [f"{row:03d}" for row in range(400)],
            "embedding": list(vectors),
            "seller": [SELLERS[row % 4] if row >= 150 else "Ann" for row in range(400)],
            "price": [f"{row}.00" for row in range(400)],
            "batch": np.arange(400) // 100,
        }
    )
    pq.write_table(table, folder / "v.parquet")
    build_index_folder(folder / "v.parquet", folder / "index")
    return folder / "index"


def slow_answer(engine: Engine, row: int, k: int, fits: np.ndarray) -> list[str]:
    vectors = np.array(engine.vectors)
    scores = np.array([np.float32(np.dot(vector, vectors[row])) for vector in vectors])
    return [f"{near:03d}" for near in np.lexsort((np.arange(400), -scores)) if fits[near] and near != row][:k]


def sellers_of(engine: Engine) -> np.ndarray:
    return np.array(engine.listings["seller"])


@pytest.mark.parametrize("row", [0, 160, 155, 301])
@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ("price < 20", lambda row: row < 20),
        ("batch = 3 and seller = 'Bob'", lambda row: row >= 300 and row % 4 == 1),
        ("batch > 5", lambda row: False),
        ("id = '160'", lambda row: row == 160),
    ],
)
def test_results_under_a_filter_are_the_nearest_that_fit(sold: Path, row: int, where: str, fits) -> None:
    engine = Engine.open(sold)
    found = engine.search(id=f"{row:03d}", k=25, where=where)
    expected = slow_answer(engine, row, 25, np.array([fits(each) for each in range(400)]))
    assert [hit.id for hit in found.hits] == expected
    assert [hit.rank for hit in found.hits] == list(range(1, len(expected) + 1))


@pytest.mark.parametrize("row", [0, 160, 155, 301])
@pytest.mark.parametrize("where", ["", "price >= 100"])
def test_results_of_other_sellers_are_the_nearest_of_them(sold: Path, row: int, where: str) -> None:
    engine = Engine.open(sold)
    sellers = sellers_of(engine)
    fits = (sellers != sellers[row]) & (sellers != "") & ((np.arange(400) >= 100) | (where == ""))
    found = [hit.id for hit in engine.search(id=f"{row:03d}", k=30, where=where, other="seller").hits]
    assert found == slow_answer(engine, row, 30, fits)
    assert len(found) == 30


def test_a_missing_value_differs_from_none(sold: Path) -> None:
    engine = Engine.open(sold)
    assert sellers_of(engine)[158] == ""
    assert engine.search(id="158", other="seller").hits == ()
    vector = engine.vectors[158]
    asked = [Query(1, name, "", None, vector, name or None) for name in ("Ann", "Dan", "")]
    ann, new, unknown = engine.search_many(asked, 400, filter=Filter(other="seller"))
    sellers = sellers_of(engine)
    assert len(ann.hits) == np.isin(sellers, ["Bob", "Cy"]).sum()
    assert len(new.hits) == (sellers != "").sum()
    assert unknown.hits == ()


def test_labels_are_of_text_or_numbers(sold: Path) -> None:
    listings = pa.table({"n": [3, None, 3], "b": [True, False, None], "list": [[1], [2], [3]]})
    numbers = ColumnValues.from_column(listings, "n")
    assert (numbers.of_rows.tolist(), numbers.numbers_of(["3", "4", None, ""]).tolist()) == (
        [0, -1, 0],
        [0, 1, -1, -1],
    )
    assert ColumnValues.from_column(listings, "b").of_rows.tolist() == [0, 1, -1]
    with pytest.raises(UsageError, match="'list' is list<"):
        ColumnValues.from_column(listings, "list")
    with pytest.raises(UsageError, match="no column 'shop' to differ in; the columns are 'id', 'seller'"):
        Engine.open(sold).search(id="000", other="shop")


def test_a_title_has_no_other_to_differ_from(sold: Path) -> None:
    with pytest.raises(UsageError, match="no 'seller' to differ from: search by id"):
        Engine.open(sold).search(title="mug", other="seller")


def test_a_filter_is_evaluated_once_for_many_searches(sold: Path) -> None:
    engine = Engine.open(sold)
    first = engine.prepare_filter(Filter("price < 20"))
    assert engine.prepare_filter(Filter("price < 20")) is first
    assert engine.prepare_filter(Filter("price < 21")) is not first
    assert engine.prepare_filter(Filter()) == PreparedFilter()


def test_titles_are_searched_under_a_filter(index: Path, encoder: Encoder) -> None:
    engine = Engine.open(index)
    category = np.array(engine.listings["category"])
    found = engine.search(title=titles(60)[23], k=4, where=f"category = '{category[23]}' and price <> 23.5")
    everything = engine.search(title=titles(60)[23], k=60).hits
    assert [hit.id for hit in found.hits] == [
        hit.id for hit in everything if hit.category == category[23] and hit.id != "00023"
    ][:4]
    assert engine.search(id="00007", where="price < 0").hits == ()


def test_the_evidence_ranks_products_that_pass_alone(index: Path) -> None:
    engine = Engine.open(index)
    model = engine.summary.model
    assert model is not None
    [frequency] = (index / "versions").glob(f"*/{NGRAM_FREQUENCY}")
    reader = EvidenceReader(model.parts, np.load(frequency))
    curves = tuple((float(number), *[1.0] * len(KNOTS)) for number in range(len(reader.features)))
    ranking = Ranking(reader.features, dict.fromkeys(KINDS, curves), dict.fromkeys(KINDS, 0.0))
    engine.ranker.score_model = ScoreModel(reader, ranking)
    everything = engine.search(id="00017", k=59).hits
    row = {hit.id: int(hit.id) for hit in everything}

    def found(**wanted: str) -> list[str]:
        return [hit.id for hit in engine.search(id="00017", k=7, **wanted).hits]

    assert found(where="price < 30") == [hit.id for hit in everything if row[hit.id] < 30][:7]
    others = [hit.id for hit in everything if hit.category != "watch"]
    assert found(other="category") == others[:7]
    assert found(where="price < 30", other="category") == [id for id in others if row[id] < 30][:7]
    assert found(where="price < 0") == []


def write_queries(path: Path, engine: Engine, rows: list[int]) -> None:
    vectors = [list(map(float, engine.vectors[row])) for row in rows]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["query_id", "embedding", "seller"])
        for row, vector in zip(rows, vectors, strict=True):
            writer.writerow([f"{row:03d}", vector, sellers_of(engine)[row]])


def search_queries(engine: Engine, queries: Path, out: Path, config: BatchConfig) -> BatchReport:
    return search_file(engine, str(queries), out, config, lambda reject: None, silent)


def test_a_queries_file_is_filtered_as_single_searches_are(sold: Path, tmp_path: Path) -> None:
    engine = Engine.open(sold)
    rows = [3, 158, 160, 301, 302]
    write_queries(tmp_path / "q.csv", engine, rows)
    wanted = Filter("price >= 100", "seller")
    report = search_queries(engine, tmp_path / "q.csv", tmp_path / "r.parquet", BatchConfig(7, filter=wanted))
    assert (report.answered, report.results) == (5, 7 * 3)  # of two, the seller is not known
    found = pq.read_table(tmp_path / "r.parquet").to_pylist()
    for row in rows:
        alone = engine.search(id=f"{row:03d}", k=7, where=wanted.where, other=wanted.other)
        assert [each["id"] for each in found if each["query_id"] == f"{row:03d}"] == [
            hit.id for hit in alone.hits
        ]


def test_queries_bring_the_column_that_has_to_differ(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("query_id,title,seller\n1,mug,Ann\n2,,Bob\n3,lamp,\n")
    (batch,) = read_queries(str(tmp_path / "q.csv"), other="seller")
    assert [(query.id, query.other) for query in batch.items] == [("1", "Ann"), ("3", "")]
    (batch,) = read_queries(str(tmp_path / "q.csv"))
    assert [query.other for query in batch.items] == [None, None]
    with pytest.raises(MissingColumnError, match=r"no column 'shop'; .*results have to differ in it"):
        read_queries(str(tmp_path / "q.csv"), other="shop")
    pq.write_table(
        pa.table({"query_id": ["1"], "title": ["mug"], "n": [3], "x": [[1]]}), tmp_path / "q.parquet"
    )
    (batch,) = read_queries(str(tmp_path / "q.parquet"), other="n")
    assert batch.items[0].other == "3"
    (batch,) = read_queries(str(tmp_path / "q.parquet"), other="x")
    assert batch.items[0].other == "[1]"


STREAM = """
import resource, sys
from pathlib import Path
from itemsearch import Engine
from itemsearch.indexes.progress import silent
from itemsearch.search.batch import BatchConfig, search_file

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

def ask(queries):
    return search_file(
        engine, queries, Path(sys.argv[3]), BatchConfig(20), lambda reject: None, silent
    )

engine = Engine.open(sys.argv[1])
ask(sys.argv[2] + "/few.parquet")
before = peak()
report = ask(sys.argv[2] + "/many.parquet")
print(report.results, peak() - before)
"""


def test_many_queries_are_answered_in_little_memory(sold: Path, tmp_path: Path) -> None:
    """Held together, the 20 results of each of 50,000 queries are 275 MiB; a batch's are 3."""
    rng = np.random.default_rng(1)
    for name, count in (("few", 2_000), ("many", 50_000)):
        vectors = pa.FixedSizeListArray.from_arrays(rng.standard_normal(count * 8, np.float32), 8)
        table = pa.table({"query_id": [f"q{row}" for row in range(count)], "embedding": vectors})
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=5_000)
    arguments = [sys.executable, "-c", STREAM, str(sold), str(tmp_path), str(tmp_path / "r.parquet")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    results, grown = map(int, done.stdout.split())
    assert results == 1_000_000
    assert grown < 60, f"{grown} MiB more than for 2,000 queries"
