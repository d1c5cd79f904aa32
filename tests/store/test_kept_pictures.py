"""The larger pictures beside a store: which are kept, and that runs add and remove single ones."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from support.catalogs import draw_picture

from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, EmbedReport, embed_catalog
from itemsearch.embed.encoder import Encoder
from itemsearch.errors import StoreError
from itemsearch.store.kept_pictures import KEPT, KEPT_SIDE, KeepPictures, KeptPictures
from itemsearch.store.manifest import read_manifest
from itemsearch.store.reader import open_embedded


def png(seed: int, side: int = 600) -> bytes:
    buffer = io.BytesIO()
    draw_picture(seed).resize((side, side // 2)).save(buffer, "PNG")
    return buffer.getvalue()


def write(folder: Path, pictures: dict[str, bytes]) -> Path:
    """A catalog whose pictures lie within its own file."""
    rows = {"id": list(pictures), "title": [f"mug {id}" for id in pictures], "image": list(pictures.values())}
    pq.write_table(pa.table(rows), folder / "shop.parquet")
    return folder / "shop.parquet"


def embed(catalog: Path, out: Path, encoder: Encoder, keep: KeepPictures) -> EmbedReport:
    config = EmbedConfig(keep_pictures=keep)
    return embed_catalog(CatalogConfig(str(catalog)), out, encoder, config, lambda rows, rejected: None)


def sizes(store: Path) -> dict[str, tuple[int, int] | None]:
    """Id to the size of its kept picture."""
    kept = KeptPictures(store / KEPT)
    found = {}
    for row in pa.Table.from_batches(open_embedded(store).batches()).to_pylist():
        jpeg = kept.find(row["content_hash"])
        found[row["id"]] = Image.open(io.BytesIO(jpeg)).size if jpeg else None
    return found


def test_pictures_within_the_catalog_are_kept_and_leave_with_their_listings(
    tmp_path: Path, encoder: Encoder
) -> None:
    store = tmp_path / "store"
    embed(write(tmp_path, {"1": png(1), "2": png(2), "3": png(3, 80)}), store, encoder, KeepPictures.EMBEDDED)
    large = (KEPT_SIDE, KEPT_SIDE // 2)
    assert sizes(store) == {"1": large, "2": large, "3": None}, "of a small one the thumbnail is as large"
    gone = pa.Table.from_batches(open_embedded(store).batches())["content_hash"][1].as_py()
    changed = write(tmp_path, {"1": png(1), "2": png(7), "4": png(4)})
    report = embed(changed, store, encoder, KeepPictures.EMBEDDED)
    assert (report.embedded, report.reused) == (2, 1)
    assert sizes(store) == {"1": large, "2": large, "4": large}
    embed(changed, store, encoder, KeepPictures.EMBEDDED)
    assert KeptPictures(store / KEPT).find(gone) is None, "the run after removes what is in no store"


def test_what_is_kept_follows_the_option_and_nothing_is_embedded_again(
    tmp_path: Path, encoder: Encoder
) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    (tmp_path / "shop.csv").write_text("id,title,image\n1,mug,a.png\n")
    store = tmp_path / "store"
    embed(tmp_path / "shop.csv", store, encoder, KeepPictures.EMBEDDED)
    assert not (store / KEPT).exists(), "it is read from its own file"
    assert read_manifest(store).pictures.roots == ("..",)
    shards = sorted(path.name for path in (store / "data").iterdir())
    columns = pa.Table.from_batches(open_embedded(store).batches())
    report = embed(tmp_path / "shop.csv", store, encoder, KeepPictures.ALL)
    assert (report.embedded, report.reused) == (0, 1)
    assert sizes(store) == {"1": (KEPT_SIDE, KEPT_SIDE // 2)}
    again = pa.Table.from_batches(open_embedded(store).batches())
    assert again.equals(columns), "thumbnails, hashes and embeddings are as they were"
    assert sorted(path.name for path in (store / "data").iterdir()) != shards
    embed(tmp_path / "shop.csv", store, encoder, KeepPictures.NONE)
    assert not (store / KEPT).exists()


def test_a_damaged_file_of_kept_pictures_is_named(tmp_path: Path, encoder: Encoder) -> None:
    store, catalog = tmp_path / "store", write(tmp_path, {"1": png(1)})
    embed(catalog, store, encoder, KeepPictures.EMBEDDED)
    (store / KEPT).write_bytes(b"no database, though there is something in it" * 40)
    with pytest.raises(StoreError, match=r"pictures\.sqlite.*remove the file"):
        embed(catalog, store, encoder, KeepPictures.EMBEDDED)
    (store / KEPT).unlink()
    embed(catalog, store, encoder, KeepPictures.EMBEDDED)
    assert sizes(store) == {"1": (KEPT_SIDE, KEPT_SIDE // 2)}
