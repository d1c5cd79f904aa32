"""Formats are told by bytes: every container, and what is no table."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.catalog.formats.open import LeftOut, find_tables
from itemsearch.errors import CatalogError, NotCatalogError

CSV = b"id,title\n1,Mug\n2,Bowl\n"
RECORDS = [{"id": "1", "title": "Mug"}, {"id": "2", "title": "Bowl"}]


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def zstd(data):
    return pa.Codec("zstd").compress(data, asbytes=True)


def parquet():
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(RECORDS), buffer)
    return buffer.getvalue()


PACKED = {
    "gzip": gzip.compress(CSV),
    "gzip in two members": gzip.compress(CSV[:9]) + gzip.compress(CSV[9:]),
    "bzip2": bz2.compress(CSV),
    "xz": lzma.compress(CSV),
    "zstd": zstd(CSV),
    "zstd in two frames": zstd(CSV[:9]) + zstd(CSV[9:]),
    "xz in gzip": gzip.compress(lzma.compress(CSV)),
    "zip": zipped(**{"shop.csv": CSV}),
    "gzip in zip": zipped(**{"shop.csv.gz": gzip.compress(CSV)}),
    "zip in gzip": gzip.compress(zipped(**{"shop.csv": CSV})),
    "Parquet": parquet(),
    "Parquet in gzip": gzip.compress(parquet()),
    "Parquet in zip": zipped(**{"shop.parquet": parquet()}),
    "JSON Lines": b'{"id":"1","title":"Mug"}\n{"id":"2","title":"Bowl"}\n',
    "JSON": b'[{"id":"1","title":"Mug"},{"id":"2","title":"Bowl"}]',
    "XML": b"<a><item><id>1</id><title>Mug</title></item><item><id>2</id><title>Bowl</title></item></a>",
}


@pytest.mark.parametrize("name", ["shop.csv", "shop.csv.gz", "shop.parquet", "export", "shop.txt"])
@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_bytes_tell_whatever_the_name(write, read_all, name, packed):
    assert read_all(write(name, packed)) == RECORDS


@pytest.mark.parametrize("name", ["shop.csv", "shop.csv.gz", "shop.txt", "shop.zip", "export"])
def test_plain_text(write, read_all, name):
    assert read_all(write(name, CSV)) == RECORDS


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress, zstd], ids="gbxz")
def test_cut_file_is_one_line_that_names_it(write, packed):
    data = packed(b"id,title\n" + b"".join(b"%d,title %d\n" % (i, i * i) for i in range(9_000)))
    path = write("shop.csv.gz", data[: len(data) // 2])
    with pytest.raises(CatalogError, match=r"shop\.csv\.gz: .*(early|Truncated)") as caught:
        list(open_catalog(CatalogConfig(str(path))).batches())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.7\n", "a PDF document.*CSV or"),
        (b"SQLite format 3\0" + bytes(84), "an SQLite database.*export"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), r"an old Excel file \(\.xls\).*\.xlsx"),
        (b"Obj\x01\x04", "an Avro file.*Parquet"),
        (b"ORC\x08", "an ORC file.*Parquet"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive.*unpack"),
        (b"a.csv".ljust(257, b"\0") + b"ustar\x0000", "a tar archive.*unpack"),
        (b"\xff\xd8\xff\xe0", "a picture"),
        (b"<!DOCTYPE html>\n<html><body>Login, please</body></html>\n", r"a web page \(HTML\)"),
        (b"<?xml version='1.0'?>\n<!-- x --><html xmlns='http://www.w3.org/1999/xhtml'/>", "a web page"),
        (b"<HTML><table><tr><td>1</td></tr></table></HTML>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"{'asin': '1', 'title': 'Tutu'}\n", "Python literals.*ast.literal_eval"),
        (b"[{u'asin': '1'}]\n", "Python literals"),
        (zipped(**{"word/document.xml": "", "[Content_Types].xml": ""}), "a Word document"),
        (zipped(**{"META-INF/manifest.xml": "", "content.xml": ""}), r"OpenDocument file \(\.ods\).*\.xlsx"),
        (zipped(**{"a.zip": zipped(**{"a.csv": CSV})}), "archive in another: unpack it"),
        (zipped(**{"a.csv": CSV})[:-30], "a damaged zip archive"),
        (zipped(), "no catalog file there"),
        (zipped(**{"a.pdf": b"%PDF", "b.jpg": b""}), "a.pdf is a PDF document.*b.jpg is a picture"),
        (b"<urlset><url><loc>x</loc></url></urlset>", "XML without items"),
        (b'{"error": "unauthorised", "code": 401}', "no array of objects.*code, error"),
    ],
)
@pytest.mark.parametrize("name", ["export", "shop.csv"])
def test_what_is_no_table_is_named_in_one_line(write, name, content, message):
    path = write(name, content)
    with pytest.raises(CatalogError, match=message) as caught:
        find_tables(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.parquet", "a.xlsx"])
@pytest.mark.parametrize("content", [b"", b"id\0\0\0"])
def test_bytes_that_are_not_what_the_name_says(write, name, content):
    with pytest.raises(CatalogError, match="neither Parquet nor Excel, or damaged"):
        find_tables(str(write(name, content)))


def test_locked_member_of_a_zip(write):
    data = bytearray(zipped(**{"a.csv": CSV}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1  # says that it is encrypted
    with pytest.raises(CatalogError, match=r"shop\.zip/a\.csv: .*encrypted"):
        find_tables(str(write("shop.zip", bytes(data))))


def test_zip_of_several_tables(write, read_all, encode):
    members = {"b/two.jsonl": b'{"id":"2","title":"Bowl"}', "a.csv": b"id,title\n1,Mug\n", "notes.txt": b"hi"}
    path = write("shop.zip", zipped(**members, **{"__MACOSX/a.csv": b"x", "p/1.jpg": encode(format="JPEG")}))
    assert read_all(path) == RECORDS
    found = find_tables(str(path))
    assert [str(table.source) for table in found.tables] == [f"{path}/a.csv", f"{path}/b/two.jsonl"]
    assert [table.source.packing for table in found.tables] == ["zip", "zip"]
    assert found.left_out == (
        LeftOut("a picture", 1, f"{path}/p/1.jpg"),
        LeftOut("text whose name is not that of a table", 1, f"{path}/notes.txt"),
    )


def test_pictures_beside_an_archive_are_found(write, encode):
    write("1.png", encode())
    path = write("shop.zip", zipped(**{"deep/shop.csv": b"id,title,image\n1,Mug,1.png\n"}))
    (batch,) = open_catalog(CatalogConfig(str(path))).batches()
    assert [listing.image is not None for listing in batch.items] == [True]


def test_folder_of_several_formats(write, read_all, tmp_path):
    write("a.csv", b"id,title\n1,Mug\n")
    write("sub/b.ndjson", b'{"id":"2","title":"Bowl"}')
    for name, content in {
        "_SUCCESS": "",
        "Thumbs.db": "",
        "x.pdf": "%PDF",
        "y.PDF": "%PDF",
        "README.md": "# x, y",
    }.items():
        write(name, content)
    for i in range(3):
        write(f"images/{i}.JPG", "not looked at")
    assert read_all(tmp_path) == RECORDS
    left_out = {
        each.why.partition(",")[0]: (each.files, Path(each.example).name)
        for each in find_tables(str(tmp_path)).left_out
    }
    assert left_out == {
        "a picture": (3, "0.JPG"),
        "a PDF document": (2, "x.pdf"),
        "text whose name is not that of a table": (1, "README.md"),
    }


def test_folder_with_a_table_that_is_none_is_refused(write, tmp_path):
    write("a.csv", CSV)
    write("b.csv", "<!doctype html><html>")
    with pytest.raises(NotCatalogError, match=r"b\.csv: a web page"):
        find_tables(str(tmp_path))


def test_json_and_xml_of_another_kind_are_left_out_of_a_folder(write, read_all, tmp_path):
    write("a.csv", CSV)
    write("info.json", '{\n "features": {"dtype": "string"},\n "splits": {}\n}')
    write("sitemap.xml", "<urlset/>")
    assert read_all(tmp_path) == RECORDS


def test_text_without_a_tables_name_where_nothing_else_is(write, read_all, tmp_path):
    write("part-00000", b"id,title\n1,Mug\n")
    write("part-00001", b"id,title\n2,Bowl\n")
    write("_SUCCESS", "")
    assert read_all(tmp_path) == RECORDS


def test_hive_folders(write, read_all, tmp_path):
    write("seller=one/day=2026-01-01/a.csv", b"id,title,day\n1,Mug,own\n")
    pq.write_table(
        pa.table({"id": ["2"], "title": ["Bowl"]}), write("seller=__HIVE_DEFAULT_PARTITION__/b.parquet", "")
    )
    assert read_all(tmp_path) == [
        {"id": "2", "title": "Bowl", "seller": None},
        {"id": "1", "title": "Mug", "day": "own", "seller": "one"},
    ]
    catalog = open_catalog(CatalogConfig(str(tmp_path), columns={"category": "seller"}))
    batches = list(catalog.batches())
    assert [listing.category for batch in batches for listing in batch.items] == ["", "one"]
    carried = open_catalog(CatalogConfig(str(tmp_path)))
    assert [row for batch in carried.batches() for row in batch.carried.to_pylist()] == [
        {"seller": None, "day": None},
        {"seller": "one", "day": "own"},
    ]


def test_standard_input_is_read_twice(tmp_path):
    script = (
        "import sys, tempfile\n"
        "from itemsearch.catalog import CatalogConfig, check_catalog\n"
        "from itemsearch.catalog.formats.open import find_tables\n"
        "print(check_catalog(CatalogConfig('-')).listings, find_tables('-').tables[0].source)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=gzip.compress(CSV),
        capture_output=True,
        check=True,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.decode().strip() == "2 standard input"
    assert list(tmp_path.iterdir()) == [], "the copy is removed"


def test_decompression_bomb_is_bounded(write, monkeypatch):
    monkeypatch.setattr("itemsearch.catalog.formats.compression.FREE_BYTES", 2**14)
    bomb = b"id,title\n" + b"1,x\n" * 2**16
    for path in (write("a.csv.gz", gzip.compress(bomb)), write("a.zip", zipped(**{"a.csv": bomb}))):
        with pytest.raises(CatalogError, match=r"a\.csv.*over 200 times its size"):
            list(open_catalog(CatalogConfig(str(path))).batches())


def test_compressed_again_and_again(write):
    data = CSV
    for _ in range(5):
        data = gzip.compress(data)
    with pytest.raises(CatalogError, match="more than 3 times"):
        find_tables(str(write("a.gz", data)))
