"""Pictures that are web addresses, from the catalog to the store, by the commands."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.catalogs import titles
from support.picture_server import PictureServer, page, picture
from typer.testing import CliRunner, Result

from itemsearch.catalog import CatalogConfig
from itemsearch.cli.app import app
from itemsearch.errors import ItemSearchError
from itemsearch.fetch.addresses import picture_addresses
from itemsearch.store.reader import open_embedded


def run(*arguments: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == code or isinstance(done.exception, ItemSearchError), done.output
    return done


def counts(report: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(report[name] for name in ("addresses", "downloaded", "unchanged", "failed"))


@pytest.fixture
def shop(tmp_path: Path, server: PictureServer) -> Path:
    """A catalog of 24 rows whose pictures are addresses, with an ETag each."""
    path = tmp_path / "shop.csv"
    server.pages = {f"/{number}.png": picture(number, f'"{number}"') for number in range(24)}
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "image"])
        for number, title in enumerate(titles(24)):
            writer.writerow([f"{number:03d}", title, server.url(f"/{number}.png")])
    return path


def test_fetch_then_check_and_embed(
    shop: Path, tmp_path: Path, server: PictureServer, tiny_model: Path
) -> None:
    server.pages["/5.png"] = page(200, b"<html>gone</html>", Content_Type="image/png")
    pictures, store = tmp_path / "pictures", tmp_path / "store"
    done = run("fetch", shop, "--out", pictures, "--allow-private")
    assert "24 addresses = 23 downloaded + 0 unchanged + 1 failed" in done.stdout
    assert f"1 not a picture: {server.url('/5.png')}: not a picture: HTML" in done.stdout
    report = json.loads(run("fetch", shop, "--out", pictures, "--allow-private", "--json").stdout)
    assert counts(report) == (24, 0, 23, 1)

    options = ("--fetched", pictures, "--require-image")
    checked = json.loads(run("check", shop, *options, "--json").stdout)
    assert (checked["listings"], checked["rejects"]) == (23, {"image_not_found": 1})
    asked = server.asked.total()
    run("embed", shop, "--out", store, "--model", tiny_model, *options)
    assert server.asked.total() == asked
    assert open_embedded(store).rows == 23
    (reject,) = pq.read_table(store / "rejects.parquet").to_pylist()
    assert reject["message"].endswith(f"image '{server.url('/5.png')}': not fetched: not a picture: HTML")


def test_without_fetched_pictures_the_rows_say_what_to_do(shop: Path, tmp_path: Path) -> None:
    checked = json.loads(run("check", shop, "--json").stdout)
    assert (checked["listings"], checked["without_image"]) == (24, 24)
    problem = checked["image_problems"]["image_is_an_address"]
    assert problem["listings"] == 24
    assert "download it with --fetch" in problem["example"]
    done = run("check", shop, "--fetched", tmp_path / "nowhere")
    assert "run `itemsearch fetch CATALOG --out" in str(done.exception)


def test_embed_and_dedupe_fetch_by_themselves(
    shop: Path, tmp_path: Path, server: PictureServer, tiny_model: Path
) -> None:
    private = run("embed", shop, "--out", tmp_path / "none", "--model", tiny_model, "--fetch")
    assert "24 private address" in private.stderr
    assert not server.asked
    options = ("--model", tiny_model, "--fetch", "--allow-private")
    done = run("embed", shop, "--out", tmp_path / "store", *options)
    assert "24 addresses = 24 downloaded" in done.stderr
    assert (tmp_path / "store-pictures" / "fetched.sqlite").is_file()
    assert open_embedded(tmp_path / "store").rows == 24
    options = (*options, "--fetched", tmp_path / "store-pictures")
    done = run("dedupe", shop, "--out", tmp_path / "dedupe", *options)
    assert "24 addresses = 0 downloaded + 24 unchanged" in done.stderr
    assert "24 embedded" in done.stdout


def test_rebuild_fetches_what_changed(
    shop: Path, tmp_path: Path, server: PictureServer, tiny_model: Path
) -> None:
    config = tmp_path / "rebuild.toml"
    config.write_text(
        f'catalog = "shop.csv"\nstore = "store"\nindex = "index"\nmodel = "{tiny_model}"\nfetch = true\n'
        "[fetching]\nallow_private = true\nper_host = 4\n"
    )

    def night() -> dict[str, dict[str, object]]:
        done = run("rebuild", "--config", config, "--json")
        return {stage["name"]: stage["facts"] for stage in json.loads(done.stdout)["stages"]}

    first = night()
    assert list(first) == ["check", "fetch", "embed", "index"]
    assert counts(first["fetch"]) == (24, 24, 0, 0)
    assert first["embed"]["embedded"] == 24
    server.pages["/3.png"] = picture(99, '"new"')
    server.pages["/4.png"] = page(404)
    second = night()
    assert counts(second["fetch"]) == (24, 1, 22, 1)
    assert "status 404" in str(second["fetch"]["most_failed"])
    # The listing without its picture goes on by its title, and is embedded again as well.
    assert (second["embed"]["embedded"], second["embed"]["reused"], second["embed"]["rejected"]) == (2, 22, 0)
    assert second["embed"]["image_problems"] == 1
    assert (tmp_path / "store-pictures").is_dir()


def test_a_wrong_key_of_fetching_is_refused_by_name(tmp_path: Path) -> None:
    config = tmp_path / "rebuild.toml"
    config.write_text('catalog = "a"\nstore = "b"\nindex = "c"\n[fetching]\nper_host = 0\n')
    told = str(run("rebuild", "--config", config).exception)
    assert told == f"{config}: per_host is 0: it must be 1 or more"


def test_pictures_beside_the_tables_of_a_folder_are_none_of_them(shop: Path, server: PictureServer) -> None:
    server.pages["/5.png"] = page(404)
    pictures = shop.parent / "pictures"
    run("fetch", shop.parent, "--out", pictures, "--allow-private")
    assert (pictures / "failures.csv").is_file()
    checked = json.loads(run("check", shop.parent, "--fetched", pictures, "--json").stdout)
    assert (checked["rows"], checked["listings"], checked["without_image"]) == (24, 24, 1)


def test_when_nothing_can_be_fetched_the_command_fails(shop: Path, tmp_path: Path) -> None:
    done = run("fetch", shop, "--out", tmp_path / "pictures")
    assert "24 private address" in done.stdout
    assert "none of 24 addresses could be fetched: see" in str(done.exception)


def test_addresses_are_read_once_each_and_no_more_rows_than_wanted(tmp_path: Path) -> None:
    cells = [
        "http://a/1",
        "pictures/2.png",
        None,
        " http://a/1 ",
        "HTTPS://b/3",
        "http://me:x@a/1",
        "http://a/4",
    ]
    table = pa.table({"id": [str(i) for i in range(7)], "image": cells})
    pq.write_table(table, tmp_path / "catalog.parquet")
    config = CatalogConfig(str(tmp_path / "catalog.parquet"), batch_rows=2, rows=6)
    assert picture_addresses(config) == ["http://a/1", "HTTPS://b/3"]
    kind = pa.struct({"path": pa.string(), "bytes": pa.binary()})
    nested = pa.array([{"path": "http://a/1", "bytes": None}], kind)
    pq.write_table(pa.table({"id": ["1"], "image": nested}), tmp_path / "nested.parquet")
    assert picture_addresses(CatalogConfig(str(tmp_path / "nested.parquet"))) == ["http://a/1"]


def test_several_addresses_of_a_row_are_read_up_to_the_most_images(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text(
        'id,title,image\n1,Mug,"http://a/1.jpg, http://a/2.jpg, http://a/3.jpg"\n'
    )
    config = CatalogConfig(str(tmp_path / "shop.csv"), max_images=2)
    assert picture_addresses(config) == ["http://a/1.jpg", "http://a/2.jpg"]
