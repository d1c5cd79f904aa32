from __future__ import annotations

import gzip
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.catalog.images import decode_image
from itemsearch.catalog.read import content_hash
from itemsearch.columns import OWN_COLUMNS
from itemsearch.errors import (
    CatalogError,
    CatalogNotFoundError,
    EmptyCatalogError,
    MissingColumnError,
    UsageError,
)
from itemsearch.types import Listing, RejectReason, RowBatch


def read(path: Path | str, **config: object) -> list[RowBatch[Listing]]:
    """A catalog's batches, after the checks that hold for all of them."""
    options = CatalogConfig(str(path), **config)
    batches = list(open_catalog(options).batches())
    schema = next(open_catalog(options).batches()).carried.schema
    row = 0
    for batch in batches:
        outcomes = sorted([*batch.items, *batch.rejects], key=lambda outcome: outcome.row)
        assert [outcome.row for outcome in outcomes] == list(range(row + 1, row + batch.rows + 1))
        assert [product.row for product in batch.items] == sorted(p.row for p in batch.items)
        assert batch.carried.schema == schema
        assert batch.carried.num_rows == len(batch.items)
        assert all("\n" not in reject.message for reject in batch.rejects)
        row += batch.rows
    return batches


def products_of(batches: list[RowBatch[Listing]]) -> list[tuple[str, str, str]]:
    return [(p.id, p.title, p.category) for batch in batches for p in batch.items]


def rejects_of(batches: list[RowBatch[Listing]]) -> list[tuple[int, str, RejectReason]]:
    return [(r.row, r.id, r.reason) for batch in batches for r in batch.rejects]


def carried_of(batches: list[RowBatch[Listing]]) -> list[dict[str, object]]:
    return pa.Table.from_batches([batch.carried for batch in batches]).to_pylist()


def test_csv(write, encode):
    write("images/a.png", encode())
    path = write(
        "c.csv", "id,title,image,category,price\n007, A\tbag ,images/a.png,Bags,1.50\n8,,images/a.png,,\n"
    )
    (batch,) = batches = read(path)
    assert products_of(batches) == [("007", "A bag", "Bags"), ("8", "", "")]
    assert carried_of(batches) == [{"price": "1.50"}, {"price": ""}]
    assert [product.image.size for product in batch.items] == [(6, 4), (6, 4)]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".jsonl", ".jsonl.gz", ".parquet"])
def test_every_format_gives_the_same_products(write, write_jsonl, tmp_path, suffix):
    rows = [{"id": f"0{i}", "title": f"title {i}", "category": "c", "colour": f"x{i}"} for i in range(7)]
    path = tmp_path / f"c{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif suffix.startswith(".jsonl"):
        path = write_jsonl(path.name, rows)
    else:
        delimiter = "\t" if suffix == ".tsv" else ","
        lines = [delimiter.join(cells) for cells in (rows[0], *(row.values() for row in rows))]
        path = write(path.name, "\n".join(lines))
    if suffix.endswith(".gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    batches = read(path, batch_rows=3)
    assert [batch.rows for batch in batches] == [3, 3, 1]
    assert products_of(batches) == [(row["id"], row["title"], "c") for row in rows]
    assert carried_of(batches) == [{"colour": row["colour"]} for row in rows]
    assert next(open_catalog(CatalogConfig(str(path))).batches()).carried.schema == pa.schema(
        [("colour", pa.string())]
    )


@pytest.mark.parametrize("rows", [1, 3, 4, 7, 9])
def test_no_more_than_the_first_rows_are_read(write, rows):
    first = write("a.csv", "id,title\n1,a\n1,again\n3,c\n4,d\n")
    write("b.csv", "id,title\n5,e\n6,f\n7,g\n")
    batches = read(first.parent, batch_rows=3, rows=rows)
    assert sum(batch.rows for batch in batches) == min(rows, 7)
    assert [id for id, _, _ in products_of(batches)] == ["1", "3", "4", "5", "6", "7"][: max(rows - 1, 1)]
    assert len(rejects_of(batches)) == (rows > 1)


def test_every_kind_of_reject(write, encode, tmp_path):
    write("ok.png", encode())
    write("bad.png", encode()[:40])
    os.mkfifo(tmp_path / "pipe")
    path = write(
        "c.csv",
        "id,title,image\n"
        "1,fine,ok.png\n"
        ",no id,ok.png\n"
        "1,again,ok.png\n"
        "4,  ,\n"
        "5,title,none.png\n"
        "6,title,bad.png\n"
        "7,title,http://a/b.png\n"
        "8,title,../secret.png\n"
        "9,title,pipe\n"
        "10,too,many,cells\n"
        '11,"open,ok.png\n'
        "12,fine,\n",
    )
    batches = read(path, batch_rows=5, require_image=True)
    assert [row for row, _, _ in products_of(batches)] == ["1", "12"]
    assert rejects_of(batches) == [
        (2, "", RejectReason.MISSING_ID),
        (3, "1", RejectReason.DUPLICATE_ID),
        (4, "4", RejectReason.EMPTY),
        (5, "5", RejectReason.IMAGE_NOT_FOUND),
        (6, "6", RejectReason.IMAGE_UNREADABLE),
        (7, "7", RejectReason.IMAGE_ADDRESS),
        (8, "8", RejectReason.IMAGE_NOT_FOUND),
        (9, "9", RejectReason.IMAGE_UNREADABLE),
        (10, "", RejectReason.MALFORMED),
        (11, "", RejectReason.MALFORMED),
    ]
    messages = {reject.row: reject.message for batch in batches for reject in batch.rejects}
    assert all(message.startswith(f"c.csv line {row + 1}: ") for row, message in messages.items())
    assert "row 1" in messages[3]
    assert "'none.png'" in messages[5]
    assert "download it" in messages[7]
    assert "outside" in messages[8]
    # With a title, a row goes on without its picture.
    batches = read(path, batch_rows=5)
    assert [row for row, _, _ in products_of(batches)] == ["1", "5", "6", "7", "8", "9", "12"]
    assert [row for row, _, _ in rejects_of(batches)] == [2, 3, 4, 10, 11]
    problems = [listing.image_problem for batch in batches for listing in batch.items]
    assert [problem and problem.reason for problem in problems] == [
        None,
        RejectReason.IMAGE_NOT_FOUND,
        RejectReason.IMAGE_UNREADABLE,
        RejectReason.IMAGE_ADDRESS,
        RejectReason.IMAGE_NOT_FOUND,
        RejectReason.IMAGE_UNREADABLE,
        None,
    ]
    of_row_5 = problems[1]
    assert of_row_5
    assert f"{of_row_5.place}: {of_row_5.message}" == messages[5]


def test_a_bad_picture_without_a_title_is_rejected_for_what_it_is(write):
    write("404.jpg", "<html>404</html>")
    path = write("c.csv", "id,title,image\n1,,404.jpg\n2,nan,none.jpg\n3,,https://a/b.jpg\n4,,\n")
    batches = read(path)
    assert products_of(batches) == []
    assert rejects_of(batches) == [
        (1, "1", RejectReason.IMAGE_UNREADABLE),
        (2, "2", RejectReason.IMAGE_NOT_FOUND),
        (3, "3", RejectReason.IMAGE_ADDRESS),
        (4, "4", RejectReason.EMPTY),
    ]


def test_a_picture_cell_of_another_kind_does_not_lose_the_listing(write_jsonl):
    records = [{"id": "1", "title": "t", "image": 12}, {"id": "2", "title": "", "image": {"size": 3}}]
    batches = read(write_jsonl("c.jsonl", records))
    (listing,) = batches[0].items
    assert listing.image_problem
    assert listing.image_problem.reason is RejectReason.IMAGE_MALFORMED
    assert rejects_of(batches) == [(2, "2", RejectReason.IMAGE_MALFORMED)]


def test_the_first_picture_that_can_be_used_is_the_listing_s(write, encode):
    write("images/red.png", encode("red"))
    write("images/blue.png", encode("blue"))
    write("images/cut.png", encode("red")[:40])
    path = write(
        "c.csv",
        "id,title,image\n"
        '1,mug,"images/red.png, images/blue.png"\n'
        '2,mug,"images/gone.png, images/cut.png, images/blue.png"\n'
        "3,,images/cut.png|images/red.png\n"
        '4,mug,"a.png,b.png,c.png,d.png,images/red.png"\n'
        "5,mug,images/red.png\n"
        "6,mug,/images/blue.png\n"
        "7,mug,images\\blue.png\n",
    )
    listings = [listing for batch in read(path) for listing in batch.items]
    pixels = [listing.image and listing.image.getpixel((0, 0)) for listing in listings]
    red, blue = (255, 0, 0), (0, 0, 255)
    assert pixels == [red, blue, red, None, red, blue, blue]
    assert [listing.image_number for listing in listings] == [1, 3, 2, 0, 1, 1, 1]
    assert [listing.image_name for listing in listings[:4]] == [
        *("images/red.png", "images/blue.png", "images/red.png", "")
    ]
    reasons = [listing.image_problem and listing.image_problem.reason for listing in listings]
    missing, damaged = RejectReason.IMAGE_NOT_FOUND, RejectReason.IMAGE_UNREADABLE
    assert reasons == [None, missing, damaged, missing, None, None, None]
    others = [[image.getpixel((0, 0)) for image in listing.other_images] for listing in listings]
    assert others == [[blue], *[[]] * 6]
    hashes = [listing.content_hash for listing in listings]
    assert hashes[0] != hashes[4], "another listing has a second picture"
    assert hashes[1] == hashes[5] == hashes[6], "what cannot be used is no part of a listing"
    (fifth,) = [each for batch in read(path, max_images=5) for each in batch.items if each.id == "4"]
    assert (fifth.image_number, fifth.content_hash) == (5, hashes[4])
    (first, *_) = [each for batch in read(path, max_images=1) for each in batch.items]
    assert (first.other_images, first.content_hash) == ((), hashes[4])


def test_the_pictures_of_two_columns_are_those_of_both(write, encode):
    write("red.png", encode("red"))
    write("blue.png", encode("blue"))
    path = write("c.csv", 'id,title,main,more\n1,mug,red.png,"red.png,blue.png"\n2,cap,,blue.png\n')
    first, second = read(path, columns={"image": "main+more"})[0].items
    assert (first.image_name, len(first.other_images)) == ("red.png", 1)
    assert (second.image_name, second.image_number) == ("blue.png", 1)


def test_a_listing_that_is_known_by_a_later_picture_is_told_so(write, encode):
    write("red.png", encode("red"))
    write("cut.png", encode("blue")[:40])
    path = write("c.csv", 'id,title,image\n1,mug,"cut.png, red.png"\n2,mug,cut.png\n')
    catalog = open_catalog(CatalogConfig(str(path)))
    known = {listing.content_hash for batch in catalog.batches() for listing in batch.items}
    listings = [listing for batch in catalog.batches(known.__contains__) for listing in batch.items]
    assert [(each.known, each.image, each.image_number) for each in listings] == [
        (True, None, 2),
        (True, None, 0),
    ]
    assert all(each.image_problem for each in listings), "flagged again every night"


def test_rows_count_over_files_and_duplicates_are_found_across_them(write, write_jsonl, tmp_path):
    write("a.csv", "id,title\n1,a\nbroken\n2,b\n")
    write_jsonl("b.jsonl", [{"id": "1", "title": "again"}, {"id": "3", "title": "c"}])
    batches = read(tmp_path)
    assert products_of(batches) == [("1", "a", ""), ("2", "b", ""), ("3", "c", "")]
    assert rejects_of(batches) == [(2, "", RejectReason.MALFORMED), (4, "1", RejectReason.DUPLICATE_ID)]
    assert batches[1].rejects[0].message == "b.jsonl line 1: the id '1' is that of row 1 already"


@pytest.mark.parametrize("type_", [pa.binary(), pa.large_binary()])
def test_embedded_images(tmp_path, encode, type_):
    images = pa.array([encode("red"), None, encode()[:30], b""], type_)
    pq.write_table(
        pa.table({"id": [1, 2, 3, 4], "title": ["t"] * 4, "image": images}), tmp_path / "c.parquet"
    )
    batches = read(tmp_path / "c.parquet")
    pictures = [product.image for product in batches[0].items]
    assert pictures[0].getpixel((0, 0)) == (255, 0, 0)
    assert pictures[1:] == [None, None, None]
    problem = batches[0].items[2].image_problem
    assert problem
    assert (problem.reason, problem.place) == (RejectReason.IMAGE_UNREADABLE, "c.parquet row 3")
    assert problem.message.startswith("embedded image: ")


def test_hugging_face_images(write, tmp_path, encode):
    write("blue.png", encode("blue"))
    images = [{"bytes": encode("red"), "path": "blue.png"}, {"bytes": None, "path": "blue.png"}, None]
    type_ = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(
        pa.table({"id": ["1", "2", "3"], "title": ["t"] * 3, "image": pa.array(images, type_)}),
        tmp_path / "c.parquet",
    )
    pictures = [product.image for product in read(tmp_path / "c.parquet")[0].items]
    assert [picture and picture.getpixel((0, 0)) for picture in pictures] == [(255, 0, 0), (0, 0, 255), None]


def test_a_folder_s_files_look_for_images_beside_them(write, encode, tmp_path):
    for folder, colour in (("x", "red"), ("y", "blue")):
        write(f"{folder}/a.png", encode(colour))
        write(f"{folder}/c.csv", f"id,image\n{folder},a.png\n")
    pixels = [p.image.getpixel((0, 0)) for batch in read(f"{tmp_path}/*/c.csv") for p in batch.items]
    assert pixels == [(255, 0, 0), (0, 0, 255)]


def test_image_root(write, encode, tmp_path):
    picture = write("pictures/a.png", encode())
    path = write("tables/c.csv", f"id,image\n1,a.png\n2,{picture}\n")
    assert rejects_of(read(path)) == [(row, str(row), RejectReason.IMAGE_NOT_FOUND) for row in (1, 2)]
    assert len(products_of(read(path, image_root=tmp_path / "pictures"))) == 2
    with pytest.raises(CatalogNotFoundError, match="none"):
        read(path, image_root=tmp_path / "none")


def test_parquet_types_are_carried(tmp_path):
    table = pa.table(
        {
            "id": pa.array([7, 8], pa.int32()),
            "title": ["a", ""],
            "price": [1.5, None],
            "tags": [["x"], []],
            "brand": pa.array(["p", "q"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "c.parquet")
    batches = read(tmp_path / "c.parquet")
    assert products_of(batches) == [("7", "a", "")]
    assert carried_of(batches) == [{"price": 1.5, "tags": ["x"], "brand": "p"}]
    types = next(open_catalog(CatalogConfig(str(tmp_path / "c.parquet"))).batches()).carried.schema.types
    assert types[0] == pa.float64()
    assert pa.types.is_list(types[1])
    assert types[2] == pa.string()  # a file may have a dictionary where another has plain text


def test_whole_float_ids_are_whole_numbers(tmp_path):
    table = pa.table({"id": [1.0, None, float("nan"), 2.5], "title": ["a", "b", "c", "d"]})
    pq.write_table(table, tmp_path / "c.parquet")
    batches = read(tmp_path / "c.parquet")
    assert products_of(batches) == [("1", "a", ""), ("2.5", "d", "")]
    assert rejects_of(batches) == [(2, "", RejectReason.MISSING_ID), (3, "", RejectReason.MISSING_ID)]


def test_jsonl_values(write_jsonl):
    rows = [
        {"id": 7, "title": "a", "n": 1.5, "x": {"y": [1]}},
        {"id": "08", "title": "b", "late": None, "n": "s"},
    ]
    batches = read(write_jsonl("c.jsonl", rows))
    assert products_of(batches) == [("7", "a", ""), ("08", "b", "")]
    assert carried_of(batches) == [
        {"n": "1.5", "x": '{"y":[1]}', "late": None},
        {"n": "s", "x": None, "late": None},
    ]


def test_mapped_columns(write):
    path = write("c.csv", "sku,name,kind,id_\n1,a,k,x\n")
    batches = read(path, columns={"id": "sku", "title": "name", "category": "kind"})
    assert products_of(batches) == [("1", "a", "k")]
    assert carried_of(batches) == [{"id_": "x"}]


def test_one_column_for_two_roles(write):
    assert products_of(read(write("c.csv", "id,title\n1,a\n"), columns={"category": "title"})) == [
        ("1", "a", "a")
    ]


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        ("sku,title", {}, r"c\.csv: no column 'id'; the columns are 'sku', 'title': .*--column"),
        ("id,name", {}, r"c\.csv: no column 'title' or 'image'; .*'id', 'name': .*--column"),
        ("id,title", {"id": "sku"}, r"c\.csv: no column 'sku', which --column id=sku asks for"),
        ("id,title", {"image": "photo"}, r"c\.csv: no column 'photo', which --column image=photo"),
        ("id,title", {"category": "kind"}, r"c\.csv: no column 'kind'"),
    ],
)
def test_missing_column(write, header, columns, message):
    path = write("c.csv", f"{header}\n1,a\n")
    with pytest.raises(MissingColumnError, match=message):
        read(path, columns=columns)


def test_missing_column_of_one_file_among_several(write, tmp_path):
    write("a.csv", "id,title\n1,a\n")
    write("b.csv", "sku,title\n1,a\n")
    with pytest.raises(MissingColumnError, match=r"b\.csv: no column 'id'"):
        read(tmp_path)


@pytest.mark.parametrize("name", sorted(OWN_COLUMNS))
def test_a_column_may_have_a_name_that_the_store_uses(write, name):
    path = write("c.csv", f"sku,name,kind,{name},catalog.{name},Id\n1,a,k,x,y,z\n")
    batches = read(path, columns={"id": "sku", "title": "name", "category": "kind"})
    assert products_of(batches) == [("1", "a", "k")]
    assert carried_of(batches) == [{f"catalog.{name}": "x", f"catalog.catalog.{name}": "y", "Id": "z"}]


def test_the_id_that_another_column_stands_for_is_carried(write):
    path = write("c.csv", "id,sku,title\n1,AB-1,Blue mug\n")
    batches = read(path, columns={"id": "sku"})
    assert products_of(batches) == [("AB-1", "Blue mug", "")]
    assert carried_of(batches) == [{"catalog.id": "1"}]


def test_a_title_of_several_columns(write):
    path = write("c.csv", 'id,brand,name,x\n1,Acme,Mug,\n2,,Cup,\n3,Acme,N/A,\n4,,nan,\n5,-," Pot ",\n')
    batches = read(path, columns={"title": "brand+name"})
    titles = [("1", "Acme Mug", ""), ("2", "Cup", ""), ("3", "Acme", ""), ("5", "Pot", "")]
    assert products_of(batches) == titles
    assert rejects_of(batches) == [(4, "4", RejectReason.EMPTY)]
    assert carried_of(batches)[0] == {"brand": "Acme", "name": "Mug", "x": ""}


@pytest.mark.parametrize(
    ("header", "expression", "title"),
    [
        ("id,brand,name,brand+name", "brand+name", "c"),
        ("id,brand,c++,b+c++", "brand+c++", "a b"),
        ("id,a,b,a+b", "a+b+a", "c a"),
        ("id,a,b,c", "a + c + b", "a c b"),
        ("id,a+,b,c", "a++b", "a b"),
    ],
)
def test_a_column_whose_name_has_a_plus_wins(write, header, expression, title):
    path = write("c.csv", f"{header}\n1,a,b,c\n")
    assert products_of(read(path, columns={"title": expression})) == [("1", title, "")]


def test_a_title_of_several_columns_in_files_that_have_some(write, tmp_path):
    write("a.csv", "id,brand\n1,Acme\n")
    write("b.csv", "id,name\n2,Mug\n")
    assert products_of(read(tmp_path, columns={"title": "brand+name"})) == [
        ("1", "Acme", ""),
        ("2", "Mug", ""),
    ]
    with pytest.raises(
        MissingColumnError, match=r"no column 'nome', which --column title=brand\+nome asks for"
    ):
        read(tmp_path, columns={"title": "brand+nome"})


def test_an_ignored_column_is_neither_read_nor_carried(write, tmp_path):
    write("a.csv", "id,title,image,notes,price\n1,Mug,missing.jpg,x,2\n")
    pq.write_table(pa.table({"id": [2], "title": ["Cup"], "price": [3]}), tmp_path / "b.parquet")
    batches = read(tmp_path, ignored=("image", "price"))
    assert products_of(batches) == [("1", "Mug", ""), ("2", "Cup", "")]
    assert carried_of(batches) == [{"notes": "x"}, {"notes": None}]


def test_what_is_ignored_must_be_there_and_unread(write):
    path = write("c.csv", "id,title,name\n1,Mug,x\n")
    with pytest.raises(MissingColumnError, match="no column 'naem', which --ignore-column asks to leave out"):
        read(path, ignored=("naem",))
    with pytest.raises(
        UsageError, match=r"--ignore-column name leaves out what --column title=title\+name reads"
    ):
        read(path, columns={"title": "title+name"}, ignored=("name",))
    with pytest.raises(MissingColumnError, match="no column 'id'"):
        read(path, ignored=("id",))


@pytest.mark.parametrize(
    ("separator", "cell", "category"),
    [
        ("", "Home&gt;Kitchen >Mugs", "Home > Kitchen > Mugs"),
        ("", "Home/Kitchen", "Home/Kitchen"),
        ("/", "Home/Kitchen / Mugs", "Home > Kitchen > Mugs"),
        ("/", "Home > Kitchen", "Home > Kitchen"),
        (" - ", "T-Shirts - Men", "T-Shirts > Men"),
    ],
)
def test_category_separator(write, separator, cell, category):
    path = write("c.csv", f"id,title,category\n1,Mug,{cell}\n")
    assert products_of(read(path, category_separator=separator)) == [("1", "Mug", category)]


def test_files_with_different_columns_are_filled_with_null(write, tmp_path):
    write("a.csv", "id,title,colour\n1,a,red\n")
    write("b.csv", "size,id,title\nXL,2,b\n")
    pq.write_table(pa.table({"id": [3], "title": ["c"], "price": [2]}), tmp_path / "c.parquet")
    pq.write_table(pa.table({"id": [4], "title": ["d"], "price": [2.5]}), tmp_path / "d.parquet")
    batches = read(tmp_path)
    assert carried_of(batches) == [
        {"colour": "red", "size": None, "price": None},
        {"colour": None, "size": "XL", "price": None},
        {"colour": None, "size": None, "price": 2.0},
        {"colour": None, "size": None, "price": 2.5},
    ]


def test_a_number_here_and_a_text_there_is_text(write, write_jsonl, tmp_path):
    write("a.csv", "id,title,price,tags\n1,a,2.50,x\n")
    table = pa.table({"id": [3, 4], "title": ["c", "d"], "price": [2.0, 1e-7], "tags": [["x", "y"], None]})
    pq.write_table(table, tmp_path / "b.parquet")
    write_jsonl("c.jsonl", [{"id": "5", "title": "e", "price": 3, "tags": ["x"]}])
    assert carried_of(read(tmp_path)) == [
        {"price": "2.50", "tags": "x"},
        {"price": "2", "tags": '["x", "y"]'},
        {"price": "0.0000001", "tags": None},
        {"price": "3", "tags": '["x"]'},
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [("c.csv", ""), ("c.csv", "id,title\n"), ("c.jsonl", "\n"), ("c.csv.gz", gzip.compress(b""))],
)
def test_no_rows(write, name, content):
    with pytest.raises(EmptyCatalogError, match=name):
        read(write(name, content))


def test_no_rows_in_one_file_is_fine(write, tmp_path):
    write("a.csv", "")
    write("b.csv", "id,title\n1,a\n")
    assert products_of(read(tmp_path)) == [("1", "a", "")]


def test_jsonl_without_one_sound_line_is_all_rejects(write):
    batches = read(write("c.jsonl", "oops\n{\n"))
    assert [reason for _, _, reason in rejects_of(batches)] == [RejectReason.MALFORMED] * 2


def test_errors_come_before_the_first_batch(tmp_path):
    with pytest.raises(CatalogNotFoundError):
        open_catalog(CatalogConfig(str(tmp_path / "none.csv"))).batches()


@pytest.mark.parametrize("options", [{"columns": {"colour": "x"}}, {"batch_rows": 0}, {"rows": 0}])
def test_bad_config(options):
    with pytest.raises(UsageError):
        CatalogConfig("c.csv", **options)


def test_content_hash_depends_on_title_and_image_and_where_one_ends(write, encode):
    assert content_hash("ab", b"c") != content_hash("a", b"bc")
    assert content_hash("ab") != content_hash("", b"ab")
    assert content_hash("a", b"b") == content_hash("a", b"b")
    assert content_hash("a", b"b", b"c") != content_hash("a", b"bc") != content_hash("a", b"c", b"b")
    assert len(content_hash("a")) == 32
    write("a.png", encode())
    (batch,) = read(write("c.csv", "id,title,image\n1,  a ,a.png\n2,a,\n"))
    assert [p.content_hash for p in batch.items] == [content_hash("a", encode()), content_hash("a")]


def test_a_title_has_one_hash_however_its_characters_are_written(write):
    titles = ["Café &amp; bar", "Cafe\u0301 <b>&#38;</b> bar", "Café & bar\u200b", "nan", "café & bar"]
    rows = "".join(f"{i},{title}\n" for i, title in enumerate(titles))
    (batch,) = read(write("c.csv", "id,title\n" + rows))
    assert {p.content_hash for p in batch.items[:3]} == {content_hash("Café & bar")}
    assert batch.items[3].title == "café & bar"
    assert batch.no_titles == ("nan",)
    assert rejects_of([batch]) == [(4, "3", RejectReason.EMPTY)]


def test_order_is_kept_whatever_the_pictures_cost(write, encode):
    for i in range(40):
        side = 900 if i % 7 == 0 else 4
        write(f"{i}.png", encode(decode_image(encode("red")).resize((side, side)).point(lambda _, i=i: i)))
    path = write("c.csv", "id,image\n" + "".join(f"{i},{i}.png\n" for i in range(40)))
    batches = read(path, batch_rows=15)
    pixels = [p.image.getpixel((0, 0)) for batch in batches for p in batch.items]
    assert pixels == [(i, i, i) for i in range(40)]


def test_reading_is_a_stream(write):
    """The first batch is there though the file breaks later, and no thread outlives a closed reader."""
    good = gzip.compress(b"id,title\n" + b"".join(b"%d,title\n" % i for i in range(10_000)))
    before = threading.active_count()
    batches = open_catalog(
        CatalogConfig(str(write("c.csv.gz", good[: len(good) // 2])), batch_rows=10)
    ).batches()
    assert isinstance(batches, Iterator)
    assert next(batches).items[0].id == "0"
    with pytest.raises(CatalogError, match="cannot be read past line"):
        list(batches)
    assert threading.active_count() == before


def test_memory_does_not_grow_with_a_row_group(tmp_path):
    rng = random.Random(0)
    notes = [rng.randbytes(10_000) for _ in range(6000)]
    ids = [str(i) for i in range(6000)]
    pq.write_table(pa.table({"id": ids, "title": ids, "note": notes}), tmp_path / "c.parquet")
    del notes
    before = pa.total_allocated_bytes()
    for batch in open_catalog(CatalogConfig(str(tmp_path / "c.parquet"), batch_rows=100)).batches():
        assert batch.carried.nbytes < 2e6
        assert pa.total_allocated_bytes() - before < 30e6
