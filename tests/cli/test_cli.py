from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import faiss
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.catalogs import draw_picture, titles
from support.models import save_tiny_model

from itemsearch.cli.app import main
from itemsearch.probability.calibration import Calibration, publish_calibration
from itemsearch.probability.estimate import Estimate, Share
from itemsearch.probability.model import Curve
from itemsearch.search.batch import BatchConfig, search_file
from itemsearch.search.engine import Engine as SearchEngine
from itemsearch.search.folder import read_summary


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        held: dict[str, object] = json.loads(self.out)
        return held


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process: arguments in; exit code, standard output and standard error out."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["itemsearch", *map(str, arguments)])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return Outcome(int(leaving.value.code or 0), captured.out, captured.err)

    return call


def one_line(outcome: Outcome, code: int, *told: str) -> None:
    assert outcome.code == code, outcome.err
    lines = [line for line in outcome.err.splitlines() if line.startswith("itemsearch: error: ")]
    assert len(lines) == 1, outcome.err
    assert "Traceback" not in outcome.err
    for words in told:
        assert words in lines[0]


def test_help_loads_nothing_heavy() -> None:
    script = "import sys, itemsearch.cli.app; print({'torch', 'faiss', 'numpy', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_command_has_help_with_an_example(run: Run) -> None:
    whole = run("--help")
    assert whole.code == 0
    commands = ("sample-catalog", "check", "embed", "search", "duplicates", "explain", "review", "pretrain")
    for command in commands:
        assert command in whole.out
        helped = run(command, "--help")
        assert helped.code == 0
        assert f"Example: itemsearch {command}" in helped.out
    assert "Example: itemsearch index build" in run("index", "build", "--help").out


def test_version(run: Run) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", run("--version").out)


def test_the_main_job_from_catalog_to_results(
    run: Run, catalog_csv: Path, tiny_model: Path, tmp_path: Path
) -> None:
    store, index = tmp_path / "store", tmp_path / "index"
    embedded = run("embed", catalog_csv, "--out", store, "--model", tiny_model, "--json")
    assert embedded.json["embedded"] == embedded.json["rows"] == 60
    built = run("index", "build", store, "--out", index, "--device", "cpu", "--json")
    assert (built.json["rows"], built.json["kind"]) == (60, "exact")
    assert run("index", "info", index, "--json").json == built.json
    assert "exact: every vector is compared" in run("index", "info", index).out

    by_id = run("search", index, "--id", "00012", "-k", 3, "--json")
    assert by_id.err == ""
    assert [hit["rank"] for hit in by_id.json["results"]] == [1, 2, 3]
    draw_picture(12).save(tmp_path / "12.png")
    both = run("search", index, "--title", titles(60)[12], "--image", tmp_path / "12.png", "--json").json
    assert both["results"][0]["id"] == "00012"
    shown = run("search", index, "--title", titles(60)[12], "--image", tmp_path / "12.png", "-k", 1)
    assert "00012" in shown.out
    assert titles(60)[12] in shown.out
    assert "nothing found" in run("search", index, "--id", "00012", "--min-score", "1").err


def test_queries_in_a_file(run: Run, index: Path, tmp_path: Path) -> None:
    queries, out = tmp_path / "q.jsonl", tmp_path / "r.parquet"
    queries.write_text(
        "\n".join(json.dumps({"query_id": f"q{n}", "title": titles(60)[n]}) for n in range(40))
    )
    done = run("search", index, "--queries", queries, "--out", out, "-k", 2, "--json")
    assert done.json == {"rows": 40, "answered": 40, "rejected": 0, "results": 80, "incomparable": 0}
    assert pq.read_metadata(out).num_rows == 80
    queries.write_text('{"query_id": "a", "title": "mug"}\n{"query_id": "b", "title": ""}\n')
    partly = run("search", index, "--queries", queries, "--out", out)
    one_line(partly, 3, "1 of 2 queries rejected", "--max-bad-rate 0.05")
    assert "query rejected: row 2, query_id 'b'" in partly.err
    assert "2 queries = 1 answered + 1 rejected" in partly.out
    assert set(pq.read_table(out)["query_id"].to_pylist()) == {"a"}
    assert run("search", index, "--queries", queries, "--out", out, "--max-bad-rate", 0.5).code == 0


def test_results_never_replace_their_queries(run: Run, index: Path, tmp_path: Path) -> None:
    queries = tmp_path / "q.csv"
    queries.write_text("query_id,title\nq1,black kettle\n")
    (tmp_path / "link.csv").symlink_to(queries)
    (tmp_path / "folder").mkdir()
    for out in (queries, tmp_path / "link.csv", tmp_path / "folder" / ".." / "q.csv"):
        one_line(run("search", index, "--queries", queries, "--out", out), 2, "itself: name another file")
    missing = tmp_path / "no index"  # told before anything is read
    one_line(run("search", missing, "--queries", queries, "--out", queries), 2, "itself: name another file")
    inside = tmp_path / "folder" / "r.parquet"
    told = "is in the folder"
    one_line(run("search", index, "--queries", inside.parent, "--out", inside), 2, told)
    assert queries.read_text() == "query_id,title\nq1,black kettle\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link.csv", "q.csv"]


def test_two_searches_into_one_file_leave_the_whole_results_of_one(index: Path, tmp_path: Path) -> None:
    queries, out = tmp_path / "q.jsonl", tmp_path / "r.parquet"
    lines = [json.dumps({"query_id": f"q{n}", "title": titles(60)[n]}) for n in range(40)]
    queries.write_text("\n".join(lines))
    engines = [SearchEngine.open(index, device="cpu") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            searches = [
                pool.submit(search_file, engine, str(queries), out, BatchConfig(k), print, lambda rows: None)
                for k, engine in enumerate(engines, 1)
            ]
            assert [search.result().results for search in searches] == [40, 80, 120, 160]
            assert pq.read_table(out).num_rows in (40, 80, 120, 160)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["q.jsonl", "r.parquet"]


def test_what_a_catalog_holds_does_not_command_the_terminal(run: Run, tmp_path: Path) -> None:
    catalog = tmp_path / "c.csv"
    catalog.write_text("id,title,a\x1b[2J\u202eb,a\x1b[2J\u202eb\n1,mug\x1b[31m,x,y\n2,nan,x,y\n", "utf-8")
    shown = run("check", catalog, "--max-bad-rate", 1)
    missing = run("check", catalog, "--column", "title=\x1b]0;x\x07")
    for text in (shown.out, missing.err):
        assert text
        assert not set(text) & {"\x1b", "\x07", "\u202e"}


def test_any_column_name_from_catalog_to_filter(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    catalog, out = tmp_path / "c.csv", tmp_path / "out"
    header = "id,sku,name,embedding,Embedding,thumbnail,content_hash,title,gtin,gtin"
    rows = [f"{n},S-{n},mug {n},0.{n}0,e{n},t,h,old {n},40063813{n},x" for n in range(4)]
    catalog.write_text("\n".join([header, *rows]))
    mapping = ("--column", "id=sku", "--column", "title=title+name")
    checked = run("check", catalog, *mapping)
    assert "title = title + name" in checked.out
    assert "column 'catalog.embedding' is 'embedding' in the file: that name is taken" in checked.out
    assert "column 'gtin_2' is 'gtin' in the file: that name is taken" in checked.out
    done = run(
        *("dedupe", catalog, "--out", out, "--model", tiny_model, "--device", "cpu", *mapping),
        *("--identifier", "catalog.content_hash", "--compare", "catalog.embedding"),
    )
    assert done.code == 0, done.err
    assert "catalog.content_hash" in done.out
    stored = pq.read_table(out / "store" / "data")
    assert stored["title"].to_pylist() == [f"old {n} mug {n}" for n in range(4)]
    assert stored["catalog.embedding"].to_pylist() == [f"0.{n}0" for n in range(4)]
    for where, ids in (
        ("catalog.embedding = '0.10'", ["S-1"]),
        ("catalog.embedding > 0.15 and Embedding < 'e3'", ["S-2"]),
        ("catalog.id = 3", ["S-3"]),
        ("\"catalog.title\" = 'old 0'", ["S-0"]),
    ):
        found = run("search", out / "index", "--title", "mug", "--where", where, "--json")
        assert [hit["id"] for hit in found.json["results"]] == ids, where
    matched = run(
        "match", out / "index", catalog, "--out", tmp_path / "m.parquet", "--device", "cpu", *mapping
    )
    assert matched.code == 0, matched.err


IGNORED = ("--ignore-variant", "model", "--ignore-variant", "number", "--ignore-variant", "colour")
"""The titles of the test catalog differ in these alone."""


def test_duplicates_of_a_catalog(run: Run, index: Path, tmp_path: Path) -> None:
    asked = ("duplicates", index, "--out", tmp_path, "--min-probability", 1e-9, *IGNORED)
    done = run(*asked, "--json").json
    assert done["rows"] == 60
    pairs = pq.read_table(tmp_path / "pairs.parquet").to_pylist()
    assert len(pairs) == sum(done["pairs"].values()) > 0
    assert all(pair["probability"] >= 1e-9 for pair in pairs)
    assert 0 <= done["estimates"]["automatic"]["precision"]["low"] <= 1
    shown = run(*asked)
    assert re.search(r"changes +none", shown.out)
    assert "from the catalog alone, no labels" in shown.out
    assert "the duplicates of the lowest probabilities:" in shown.err
    weakest = [pair for pair in pairs if pair["decision"] == "duplicate"][-1]
    assert f"{weakest['id_a']} and {weakest['id_b']}: probability" in shown.err
    page = (tmp_path / "report.html").read_text()
    assert "http://" not in page
    assert "https://" not in page


def test_duplicates_asked_for_wrongly_are_one_line(run: Run, index: Path, tmp_path: Path) -> None:
    asked = ("duplicates", index, "--out", tmp_path)
    one_line(run(*asked, "--identifier", "taste"), 2, "no column 'taste' for --identifier", "'price'")
    one_line(run(*asked, "--compare", "taste"), 2, "no column 'taste' for --compare", "'price'")
    one_line(run(*asked, "--ignore-variant", "taste"), 2, "no variant rule 'taste'", "colour")
    one_line(run(*asked, "--variant-column", "taste"), 2, "no column 'taste'", "'price'")
    one_line(run(*asked, "--new", 7), 1, "no version 7")
    one_line(run(*asked, "--new", tmp_path / "none"), 2, "neither the number of a version nor a folder")
    one_line(run(*asked, "--since", tmp_path / "none"), 2, "no such file")
    one_line(run("duplicates", index, "--out", tmp_path / "late", "--keep-by", "taste"), 2, "taste")
    assert not (tmp_path / "late").exists()  # told before the join, not after it
    (tmp_path / "file").write_text("")
    one_line(run("duplicates", index, "--out", tmp_path / "file"), 1, "file")


def test_what_calibrate_learnt_is_used(run: Run, index: Path, tmp_path: Path) -> None:
    shutil.copytree(index, tmp_path / "index")
    share = Share(1.0, 1.0, 1.0)
    learnt = Calibration(
        curve=Curve(1.0, 40.0, labels=25),
        min_precision=0.95,
        automatic=Estimate(0.9, 0, share, share),
        other="",
        labels=25,
        same_pairs=12,
        unproposed=0,
        model=None,
        made="",
    )
    publish_calibration(tmp_path / "index", learnt, read_summary(index).version)
    asked = ("duplicates", tmp_path / "index", "--out", tmp_path / "out", *IGNORED)
    calibrated = run(*asked, "--json").json
    assert calibrated["labels"] == 25
    assert calibrated["pairs"]["duplicate"] > 0
    assert "25 labels and the catalog" in run(*asked).out
    across = run(*asked, "--other", "category", "--json").json
    assert across["labels"] == 0  # labels of all pairs say nothing of those across categories


def test_a_pair_is_explained(run: Run, index: Path, tmp_path: Path) -> None:
    run("duplicates", index, "--out", tmp_path / "out")
    shown = run("explain", tmp_path / "out", "00012", "00042")
    assert shown.code == 0
    for words in (
        titles(60)[12],
        titles(60)[42],
        "decision",
        "conflicts",
        "of 64 bits of the perceptual hashes",
        "probability 0.",
    ):
        assert words in shown.out
    explained = run("explain", tmp_path / "out", "00042", "00012", "--json").json
    assert explained["ids"] == ["00012", "00042"]
    assert explained["joint"] == pytest.approx(explained["score"])
    one_line(run("explain", tmp_path / "out", "00012", "gone"), 1, "id 'gone' is not in")
    one_line(run("explain", tmp_path / "out", "00012", "00012"), 2, "the ids of two listings")
    one_line(run("explain", index, "00012", "00042"), 2, "not the folder of a run")


def test_a_sample_catalog_is_checked_without_a_reject(run: Run, tmp_path: Path) -> None:
    drawn = run("sample-catalog", tmp_path / "sample", "--products", 12, "--json").json
    checked = run("check", tmp_path / "sample" / "catalog.csv", "--json").json
    assert checked["rows"] == checked["listings"] == drawn["rows"]
    assert (tmp_path / "sample" / "labels.csv").exists()
    one_line(run("sample-catalog", tmp_path / "sample"), 2, "sample")


def test_check_tells_reasons_with_examples(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,title,image\n1,mug,\n2,,\n3,,gone.png\n")
    told = run("check", tmp_path / "c.csv")
    one_line(told, 3, "2 of 3 rows would be rejected")
    assert "1 no_title_and_no_image" in told.out
    assert "row 3, id '3'" in told.out
    assert run("check", tmp_path / "c.csv", "--max-bad-rate", "0.7").code == 0


def test_check_tells_what_says_nothing(run: Run, tmp_path: Path) -> None:
    things = ("Steel bottle 500 ml", "Oak dining chair", "Cotton shirt", "Garden hose 25 m", "Red mug", "nan")
    draw_picture(0).save(tmp_path / "none.png")
    rows = [f"{number},{title},none.png,{number}E+12\n" for number, title in enumerate(things)]
    (tmp_path / "c.csv").write_text("id,title,image,ean\n" + "".join(rows))
    told = run("check", tmp_path / "c.csv", "--max-bad-rate", "0.5").out
    assert "1 title that is no title: 'nan' 1\n" in told
    assert "one picture is shared by 6 listings with unlike titles: none.png" in told
    assert "identifier ean: 5 cells, 0 valid, 5 " in told
    as_json = run("check", tmp_path / "c.csv", "--max-bad-rate", "0.5", "--json").json
    assert as_json["no_titles"] == {"nan": 1}
    assert as_json["placeholders"] == [{"image": "none.png", "listings": 6}]
    assert as_json["placeholder_images"] == 5
    assert as_json["identifiers"].keys() == {"ean"}  # type: ignore[attr-defined]
    assert as_json["rejects"] == {"no_title_and_placeholder_image": 1}


def test_check_says_what_it_read_and_what_not(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(gzip.compress(b"id,title\n1,Mug\n"))
    (tmp_path / "b.json").write_text('{"products": [{"id": 2, "title": "Bowl"}]}')
    (tmp_path / "1.jpg").write_bytes(b"")
    (tmp_path / "2.jpg").write_bytes(b"")
    told = run("check", tmp_path)
    assert told.out.startswith("read as     gzip: commas, UTF-8 (1 file); JSON, array products (1 file)\n")
    assert f"\nleft out: {tmp_path}/1.jpg and 1 more: a picture\n" in told.out
    assert run("check", tmp_path, "--json").json["left_out"] == [
        {"why": "a picture", "files": 2, "example": str(tmp_path / "1.jpg")}
    ]


def test_check_says_how_a_file_is_written_and_options_say_otherwise(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes("id;title;price\n1;Früh;4,99\n".encode("windows-1252"))
    told = run("check", tmp_path / "c.csv")
    assert told.out.startswith("read as     semicolons, Windows-1252, decimal commas\n")
    assert run("check", tmp_path / "c.csv", "--json").json["formats"] == {
        "semicolons, Windows-1252, decimal commas": 1
    }
    (tmp_path / "p.tsv").write_bytes('#x\nid\ttitle\n1\t"łóżko"\n'.encode("windows-1250"))
    options = ("--delimiter", "tab", "--encoding", "windows-1250", "--quoting", "none", "--comment", "#")
    assert run("check", tmp_path / "p.tsv", *options).out.startswith(
        "read as     tabs, cp1250, quotes as characters\n"
    )
    one_line(run("check", tmp_path / "c.csv", "--delimiter", "||"), 2, "delimiter '||': it is one character")
    one_line(
        run("check", tmp_path / "c.csv", "--delimiter", "|"), 1, "c.csv: the header", "has no --delimiter '|'"
    )
    one_line(run("check", tmp_path / "c.csv", "--encoding", "utf-17"), 2, "encoding 'utf-17'")
    one_line(run("check", tmp_path / "c.csv", "--encoding", "utf-16"), 1, "c.csv: the bytes are not utf-16")
    one_line(run("check", tmp_path / "c.csv", "--quoting", "single"), 2, "quoting 'single': it is doubled")


def test_columns_can_be_mapped(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("sku,name\n1,mug\n2,lamp\n")
    one_line(run("check", tmp_path / "c.csv"), 1, "c.csv", "'id'", "--column")
    assert run("check", tmp_path / "c.csv", "--column", "id=sku", "--column", "title=name").code == 0
    one_line(run("check", tmp_path / "c.csv", "--column", "idsku"), 2, "'idsku'", "ROLE=NAME")
    one_line(run("check", tmp_path / "c.csv", "--column", "color=c"), 2, "color")
    one_line(run("check", tmp_path / "c.csv", "--image-root", tmp_path / "no"), 2, "--image-root")


def test_a_wrong_catalog_is_one_line(run: Run, tmp_path: Path, tiny_model: Path) -> None:
    def embed(name: str, content: bytes | None = None) -> Outcome:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        return run("embed", tmp_path / name, "--out", tmp_path / "store", "--model", tiny_model)

    one_line(embed("none.csv"), 1, "none.csv")
    one_line(embed("empty.csv", b"id,title\n"), 1, "empty.csv")
    one_line(embed("columns.csv", b"name,title\n1,mug\n"), 1, "'id'")
    one_line(embed("broken.parquet", b"PAR1 and nothing else"), 1, "broken.parquet")
    one_line(embed("bad.csv", b"id,title\n1,mug\n2,\n"), 3, "1 of 2 rows rejected")
    assert not (tmp_path / "store" / "manifest.json").exists()


def test_a_kind_of_number_that_stores_do_not_hold_is_one_line(
    run: Run, catalog_csv: Path, tmp_path: Path
) -> None:
    wrong = run("embed", catalog_csv, "--out", tmp_path / "store", "--dtype", "int8")
    one_line(wrong, 2, "--dtype is 'int8'; use float32 or float16")


def test_a_wrong_store_is_one_line(run: Run, store: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "index")
    one_line(run("index", "build", tmp_path / "none", *out), 1, "none")
    unfinished = tmp_path / "unfinished"
    shutil.copytree(store, unfinished)
    (unfinished / "manifest.json").unlink()
    one_line(run("index", "build", unfinished, *out), 1, "no manifest.json")
    one_line(run("index", "build", store, *out, "--spec", "IVF16,PQ5"), 1, "PQ5 does not fit 104")
    one_line(run("index", "build", store, *out, "--device", "tpu"), 1, "tpu")
    if faiss.get_num_gpus() == 0:
        one_line(run("index", "build", store, *out, "--device", "cuda"), 1, "FAISS sees no GPU here")


def test_a_wrong_question_is_one_line(run: Run, index: Path, tmp_path: Path) -> None:
    one_line(run("search", index, "--id", "nope"), 1, "'nope'")
    one_line(run("search", index, "--id", "00000", "-k", 0), 2, "-k is 0")
    one_line(run("search", index), 2, "either an id")
    one_line(run("search", index, "--queries", "q.csv"), 2, "--queries and --out")
    one_line(run("search", index, "--id", "1", "--queries", "q.csv", "--out", "r"), 2, "either --queries")
    one_line(run("search", tmp_path, "--id", "00000"), 1, "not an index")
    one_line(
        run("search", index, "--title", "mug", "--model", save_tiny_model(tmp_path / "m", 9)),
        1,
        "was made by",
    )
    (tmp_path / "words.jpg").write_text("words")
    one_line(run("search", index, "--image", tmp_path / "words.jpg"), 1, "words.jpg")
    one_line(run("search", index, "--image", tmp_path / "gone.jpg"), 1, "gone.jpg")
    missing = ("--queries", tmp_path / "gone.csv", "--out", tmp_path / "r.csv")
    one_line(run("search", index, *missing), 1, "gone.csv")
    assert run("search", index, "--min-score", "7", "--id", "0").code == 2


def test_a_filter_on_the_command_line(run: Run, index: Path, tmp_path: Path) -> None:
    def ids(*arguments: object) -> list[str]:
        return [hit["id"] for hit in run("search", index, *arguments, "--json").json["results"]]

    cheap = ids("--id", "00012", "-k", 60, "--where", "price < 20")
    assert sorted(cheap) == [f"{row:05d}" for row in range(20) if row != 12]
    others = ids("--id", "00012", "-k", 60, "--other", "category")
    assert sorted(others) == [f"{row:05d}" for row in range(60) if row % 10 != 2]
    assert ids("--title", titles(60)[12], "-k", 60, "--where", "id = '00044'") == ["00044"]
    assert "nothing found" in run("search", index, "--id", "00012", "--where", "price < 0").err
    queries, out = tmp_path / "q.csv", tmp_path / "r.parquet"
    queries.write_text(f"query_id,title,category\na,{titles(60)[3]},vase\nb,{titles(60)[7]},lamp\n")
    asked = ("search", index, "--queries", queries, "--out", out, "-k", 60)
    assert run(*asked, "--where", "price >= 50", "--other", "category", "--json").code == 0
    category = [titles(60)[row].split()[1].lower() for row in range(60)]
    for query, own in (("a", "vase"), ("b", "lamp")):
        found = pq.read_table(out, filters=[("query_id", "=", query)])["id"].to_pylist()
        assert sorted(found) == [f"{row:05d}" for row in range(50, 60) if category[row] != own]
    pairs = ("duplicates", index, "--out", tmp_path, "--where", "price < 10")
    assert run(*pairs, "--other", "category", "--json").json["rows"] == 10


def test_a_wrong_filter_is_one_line(run: Run, index: Path, tmp_path: Path) -> None:
    by_id = ("search", index, "--id", "00000")
    one_line(run(*by_id, "--where", "colour = 'red'"), 2, "no column 'colour'", "'category'", "'price'")
    one_line(run(*by_id, "--where", "price <"), 2, "the filter 'price <'", "syntax error")
    one_line(run(*by_id, "--where", "price"), 2, "write a condition")
    one_line(run(*by_id, "--other", "seller"), 2, "no column 'seller' to differ in")
    one_line(run("search", index, "--title", "mug", "--other", "category"), 2, "search by id")
    one_line(run("duplicates", index, "--out", tmp_path / "d", "--where", "1"), 2, "write a condition")
    (tmp_path / "q.csv").write_text("query_id,title\na,mug\n")
    asked = ("search", index, "--queries", tmp_path / "q.csv", "--out", tmp_path / "r.parquet")
    one_line(run(*asked, "--other", "category"), 1, "q.csv: no column 'category'")
    assert not (tmp_path / "r.parquet").exists()


def test_external_embeddings_from_the_command_line(run: Run, tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"id": ["a", "b"], "embedding": [[1.0, 0.0], [0.6, 0.8]]}), tmp_path / "v.parquet"
    )
    assert run("index", "build", tmp_path / "v.parquet", "--out", tmp_path / "index").code == 0
    found = run("search", tmp_path / "index", "--id", "a", "--json").json["results"]
    assert [(hit["id"], round(hit["score"], 6)) for hit in found] == [("b", 0.6)]


def test_a_recall_is_asked_for_and_told(run: Run, store: Path, tmp_path: Path) -> None:
    build = ("index", "build", store, "--out", tmp_path / "index")
    built = run(*build, "--target-recall", 0.95, "--max-memory", "1M", "--json")
    assert built.json["tuning"]["chosen"]["recall"] == 1.0  # type: ignore[index]
    assert "recall@10 1.0000 on 30 held-out queries" in run("index", "info", tmp_path / "index").out
    tuned = run("index", "tune", tmp_path / "index", "--target-recall", 0.9, "--at", 5)
    assert "recall@5" in tuned.out
    assert "version 2" in tuned.out
    one_line(run(*build, "--target-recall", 0.9, "--max-latency-ms", 1e-6), 4, "best found 1.0000")
    one_line(run(*build, "--target-recall", 0.9, "--max-memory", "1K"), 4, "fits in 1,024 bytes")
    assert run("index", "info", tmp_path / "index", "--json").json["version"] == 2


def test_wrong_targets_are_one_line(run: Run, store: Path, index: Path, tmp_path: Path) -> None:
    build = ("index", "build", store, "--out", tmp_path / "index")
    one_line(run(*build, "--target-recall", 95), 2, "--target-recall 95")
    one_line(run(*build, "--target-recall", 0.9, "--max-memory", "4X"), 2, "'4X'", "4G")
    one_line(run(*build, "--target-recall", 0.9, "--at", 0), 2, "--at 0")
    one_line(run(*build, "--max-memory", "4G"), 2, "belong to --target-recall")
    one_line(run("index", "tune", index), 2, "--target-recall is missing")
    assert not (tmp_path / "index").exists()


def test_pretrain_asks_for_one_configuration(run: Run, catalog_csv: Path, tmp_path: Path) -> None:
    out = ("--catalog", catalog_csv, "--out", tmp_path / "model")
    one_line(run("pretrain", *out), 2, "either --preset or --config")
    one_line(run("pretrain", *out, "--preset", "huge"), 1, "no preset 'huge'")
    one_line(run("pretrain", *out, "--config", tmp_path / "gone.toml"), 1, "gone.toml")


def test_a_full_disk_is_one_line(catalog_csv: Path, tiny_model: Path, tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "from itemsearch.cli.app import main; sys.argv = ['itemsearch', *sys.argv[1:]]; main()"
    )
    arguments = ["embed", str(catalog_csv), "--out", str(tmp_path / "store"), "--model", str(tiny_model)]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "itemsearch: error: " in done.stderr
    assert not (tmp_path / "store" / "manifest.json").exists()


def test_review_that_cannot_start_is_one_line(run: Run, index: Path, tmp_path: Path) -> None:
    import socket

    one_line(run("review", tmp_path), 1, "not an index")
    one_line(run("review", index, "--host", "0.0.0.0"), 2, "--token")
    one_line(run("review", index, "--token", "short"), 2, "12 or more")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        one_line(run("review", index, "--port", port), 1, f"port {port}", "give another --port")


def test_review_says_what_to_install(run: Run, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("itemsearch.review.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    one_line(run("review", index), 1, "pip install 'itemsearch[review]'")


def test_review_serves_until_it_is_interrupted(index: Path) -> None:
    import signal
    import urllib.request

    command = [sys.executable, "-m", "itemsearch", "review", str(index), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as served:
        assert served.stderr is not None
        address = re.search(r"http://\S+", served.stderr.readline())
        assert address
        with urllib.request.urlopen(address[0]) as answer:
            assert b"Search 60 listings" in answer.read()
        served.send_signal(signal.SIGINT)
        rest = served.stderr.read()
    assert "Traceback" not in rest
    assert served.returncode in (0, 130)
