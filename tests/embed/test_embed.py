from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from support.catalogs import draw_picture, titles, write_catalog
from support.models import save_tiny_model

from itemsearch.catalog import CatalogConfig
from itemsearch.embed import model_folder
from itemsearch.embed.catalog import EmbedConfig, EmbedReport, embed_catalog
from itemsearch.embed.encoder import Encoder, open_encoder
from itemsearch.errors import EmptyCatalogError, ModelError, TooManyBadRowsError, UsageError
from itemsearch.store.reader import open_embedded
from itemsearch.store.sketches import Sketches


def embed(catalog: Path, out: Path, encoder: Encoder, max_bad_rate: float = 0.05) -> EmbedReport:
    return embed_catalog(
        CatalogConfig(str(catalog)), out, encoder, EmbedConfig(max_bad_rate=max_bad_rate), print
    )


def test_rows_in_are_embedded_or_rejected(tmp_path: Path, encoder: Encoder) -> None:
    draw_picture(1).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no picture")
    (tmp_path / "shop.csv").write_text(
        "id,title,image,seller\n007,red mug,a.png,x\n008,,a.png,y\n009,lamp,,z\n"
        "010,,,x\n007,mug,,y\n011,cap,b.png,z\n"
    )
    report = embed(tmp_path / "shop.csv", tmp_path / "store", encoder, max_bad_rate=0.5)
    assert (report.rows, report.embedded, report.rejected) == (6, 4, 2)
    assert (report.without_title, report.without_image) == (1, 2)
    assert report.reasons == {"no_title_and_no_image": 1, "duplicate_id": 1}
    table = pa.Table.from_batches(open_embedded(tmp_path / "store").batches())
    assert table["id"].to_pylist() == ["007", "008", "009", "011"]
    assert table["seller"].to_pylist() == ["x", "y", "z", "z"]
    assert table["has_image"].to_pylist() == [True, True, False, False]
    rejects = pq.read_table(tmp_path / "store" / "rejects.parquet")
    assert rejects["row"].to_pylist() == [4, 5]
    assert rejects["id"].to_pylist() == ["010", "007"]
    with (tmp_path / "store" / "rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {name: str(cell) for name, cell in row.items()} for row in rejects.to_pylist()
        ]
    assert [(each.reason, each.rows) for each in report.frequent_reasons] == [
        ("no_title_and_no_image", 1),
        ("duplicate_id", 1),
    ]
    assert report.frequent_reasons[0].example == "row 4, id '010': shop.csv line 5: no title and no image"


def test_where_too_many_rows_are_rejected_the_reasons_are_told(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "shop.csv").write_text("id,title\n=1+1,\n2,\n,mug\n4,cup\n")
    with pytest.raises(TooManyBadRowsError, match=r"see .*rejects\.csv") as raised:
        embed(tmp_path / "shop.csv", tmp_path / "store", encoder)
    assert raised.value.__notes__ == [
        "2 no_title_and_no_image, such as row 1, id '=1+1': shop.csv line 2: no title and no image",
        "1 missing_id, such as row 3, id '': shop.csv line 4: no id",
    ]
    assert "'=1+1" in (tmp_path / "store" / "rejects.csv").read_text("utf-8-sig")


def test_a_bad_picture_beside_a_title_is_flagged_until_it_is_mended(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "images").mkdir()
    draw_picture(1).save(tmp_path / "images" / "ok.png")
    (tmp_path / "images" / "404.jpg").write_text("<html>404")
    shop, out = tmp_path / "shop.csv", tmp_path / "store"
    shop.write_text(
        "id,title,image\n1,handbag,images/ok.png\n2,pink handbag,images/404.jpg\n"
        "3,blush handbag,images/gone.jpg\n4,bag,https://cdn.example/x.jpg\n"
        '5,red bag,"images/gone.jpg, images/ok.png"\n6,,images/gone.jpg\n'
    )
    for embedded, reused in ((5, 0), (0, 5)):
        report = embed(shop, out, encoder, max_bad_rate=0.5)
        assert (report.rows, report.embedded, report.reused, report.rejected) == (6, embedded, reused, 1)
        assert (report.without_image, report.reasons) == (3, {"image_not_found": 1})
        counts = {reason: problem.listings for reason, problem in report.image_problems.items()}
        assert list(counts.items()) == [
            ("image_not_found", 2),
            ("image_unreadable", 1),
            ("image_is_an_address", 1),
        ]
        example = report.image_problems["image_unreadable"].example
        assert example.startswith(
            "row 2, id '2': shop.csv line 3: image 'images/404.jpg': not an image of a known format"
        )
        rows = rows_of(out)
        assert [row["image_number"] for row in rows.values()] == [1, None, None, None, 2]
        assert [row["image_name"] for row in rows.values()] == ["images/ok.png", *[None] * 3, "images/ok.png"]
        problems = [str(row["image_problem"]).partition(": /")[0] for row in rows.values()]
        assert problems[0] == "None"
        assert problems[2] == "image_not_found: image 'images/gone.jpg'"
        assert problems[4] == problems[2]
    alone = encoder.encode(["pink handbag"], [None])[0]
    np.testing.assert_allclose(rows["2"]["embedding"], alone, atol=1e-5)  # type: ignore[call-overload]

    draw_picture(2).save(tmp_path / "images" / "404.jpg")
    draw_picture(3).save(tmp_path / "images" / "gone.jpg")
    report = embed(shop, out, encoder)
    assert (report.embedded, report.reused, report.rejected) == (4, 2, 0), "2, 3, 5 and 6 have a picture now"
    assert rows_of(out)["5"]["image_number"] == 1
    assert list(report.image_problems) == ["image_is_an_address"]


def test_further_pictures_are_sketched_and_a_change_of_one_embeds_the_row_again(
    tmp_path: Path, encoder: Encoder
) -> None:
    for seed in range(3):
        draw_picture(seed).save(tmp_path / f"{seed}.png")
    shop, out = tmp_path / "shop.csv", tmp_path / "store"
    shop.write_text('id,title,image\n1,mug,"0.png, 1.png, 2.png"\n2,cap,1.png\n')
    embed(shop, out, encoder)
    before = rows_of(out)
    sketches = Sketches.from_bytes(before["1"]["other_pictures"])  # type: ignore[arg-type]
    of_second = Sketches.of_jpegs([before["2"]["thumbnail"]])  # type: ignore[list-item]
    assert len(sketches.hashes) == 2
    assert sketches.hashes[0] == of_second.hashes[0], "sketched as the picture that is embedded"
    np.testing.assert_array_equal(sketches.colours[0], of_second.colours[0])
    assert before["2"]["other_pictures"] is None
    report = embed(shop, out, encoder)
    assert (report.embedded, report.reused) == (0, 2)
    assert rows_of(out) == before
    draw_picture(9).save(tmp_path / "2.png")
    report = embed(shop, out, encoder)
    assert (report.embedded, report.reused) == (1, 1)
    after = rows_of(out)["1"]
    assert after["other_pictures"] != before["1"]["other_pictures"]
    assert after["embedding"] == pytest.approx(before["1"]["embedding"], abs=1e-5)


def test_a_night_that_asks_for_pictures_refuses_what_an_earlier_one_let_through(
    tmp_path: Path, encoder: Encoder
) -> None:
    (tmp_path / "404.jpg").write_text("<html>404")
    shop, out = tmp_path / "shop.csv", tmp_path / "store"
    shop.write_text("id,title,image\n1,handbag,404.jpg\n2,bag,\n")
    embed(shop, out, encoder)
    strict = CatalogConfig(str(shop), require_image=True)
    report = embed_catalog(strict, out, encoder, EmbedConfig(max_bad_rate=0.5), print)
    assert (report.reused, report.rejected, report.reasons) == (1, 1, {"image_unreadable": 1})


def rows_of(store: Path) -> dict[str, dict[str, object]]:
    return {row["id"]: row for batch in open_embedded(store).batches() for row in batch.to_pylist()}


def test_what_has_not_changed_is_taken_over(tmp_path: Path, encoder: Encoder) -> None:
    out, shop = tmp_path / "store", write_catalog(tmp_path / "shop", 20)
    embed(shop, out, encoder)
    before = rows_of(out)
    report = embed(shop, out, encoder)
    assert (report.rows, report.embedded, report.reused, report.rejected) == (20, 0, 20, 0)
    assert (report.without_title, report.without_image) == (0, 0)
    assert rows_of(out) == before

    lines = shop.read_text().splitlines()
    lines[1] = lines[1].replace(titles(20)[0], "another title")
    lines[2] = lines[2].replace("1.50", "99")
    draw_picture(40).save(shop.parent / "images" / "2.png")
    shop.write_text("\n".join([*lines[:5], *lines[6:], "new,a new one,images/2.png,mugs,3"]) + "\n")
    report = embed(shop, out, encoder)
    assert (report.rows, report.embedded, report.reused, report.rejected) == (20, 3, 17, 0)
    after = rows_of(out)
    embed(shop, tmp_path / "afresh", encoder)
    assert list(after) == list(rows_of(tmp_path / "afresh"))
    for id, row in rows_of(tmp_path / "afresh").items():
        np.testing.assert_allclose(after[id].pop("embedding"), row.pop("embedding"), atol=1e-5)  # type: ignore[call-overload]
        assert after[id] == row


def test_a_title_that_is_folded_otherwise_is_embedded_again(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop.csv"
    shop.write_text("id,title\n1,red mug &amp; lid\n2,green mug & lid\n3,lamp\n")
    with monkeypatch.context() as earlier_version:
        earlier_version.setattr("itemsearch.catalog.validate.fold_title", str.strip)
        embed(shop, tmp_path / "store", encoder)
    report = embed(shop, tmp_path / "store", encoder)
    assert (report.embedded, report.reused) == (1, 2)
    rows = rows_of(tmp_path / "store")
    assert rows["1"]["title"] == "red mug & lid"
    anew = encoder.encode(["red mug & lid"], [None], 1)[0]
    assert rows["1"]["embedding"] == pytest.approx(anew.tolist(), abs=1e-6)


def test_a_listing_under_a_new_id_is_not_embedded_again(tmp_path: Path, encoder: Encoder) -> None:
    shop = tmp_path / "shop.csv"
    shop.write_text("id,title\n1,red mug\n2,lamp\n")
    embed(shop, tmp_path / "store", encoder)
    before = rows_of(tmp_path / "store")
    shop.write_text("id,title\n2,red mug\nnew,lamp\n")
    report = embed(shop, tmp_path / "store", encoder)
    assert (report.embedded, report.reused) == (0, 2)
    after = rows_of(tmp_path / "store")
    assert after["new"]["embedding"] == before["2"]["embedding"]
    assert after["2"]["embedding"] == before["1"]["embedding"]


def test_a_placeholder_is_no_image(tmp_path: Path, encoder: Encoder) -> None:
    things = ("Steel bottle 500 ml", "Oak dining chair", "Cotton shirt", "Garden hose 25 m", "Red mug")
    for number in range(5):
        draw_picture(number).save(tmp_path / f"{number}.png")
    rows = [f"{number},{title},{number}.png\n" for number, title in enumerate(things)]
    shop = tmp_path / "shop.csv"
    shop.write_text("id,title,image\n" + "".join(rows))
    embed(shop, tmp_path / "store", encoder)
    for number in range(1, 5):
        draw_picture(0).save(tmp_path / f"{number}.png")
    shop.write_text("id,title,image\n" + "".join(rows) + "5,,1.png\n")
    report = embed(shop, tmp_path / "store", encoder, max_bad_rate=0.5)
    assert (report.embedded, report.reused, report.rejected) == (5, 0, 1)
    assert (report.without_image, report.placeholder_images) == (5, 5)
    assert report.reasons == {"no_title_and_placeholder_image": 1}
    for id, row in rows_of(tmp_path / "store").items():
        assert (row["has_image"], row["thumbnail"]) == (False, None)
        alone = encoder.encode([things[int(id)]], [None])[0]
        np.testing.assert_allclose(row["embedding"], alone, atol=1e-5)  # type: ignore[call-overload]
    report = embed(shop, tmp_path / "store", encoder, max_bad_rate=0.5)
    assert (report.embedded, report.reused, report.placeholder_images) == (0, 5, 5)


def test_another_model_embeds_every_row(tmp_path: Path, catalog_csv: Path, encoder: Encoder) -> None:
    other = open_encoder(str(save_tiny_model(tmp_path / "other", seed=1)))
    embed(catalog_csv, tmp_path / "store", encoder)
    assert embed(catalog_csv, tmp_path / "store", other).reused == 0


def test_a_run_that_is_killed_is_gone_on_with(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("itemsearch.store.writer.SHARD_ROWS", 8)
    shop = write_catalog(tmp_path / "shop", 40)
    config = CatalogConfig(str(shop), batch_rows=4)

    def stop(rows: int, rejected: int) -> None:
        if rows == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_catalog(config, tmp_path / "store", encoder, EmbedConfig(), stop)
    report = embed_catalog(config, tmp_path / "store", encoder, EmbedConfig(), print)
    assert (report.embedded, report.reused) == (24, 16)
    assert list(rows_of(tmp_path / "store")) == [f"{row:05d}" for row in range(40)]
    assert not (tmp_path / "store" / ".staging").exists()


def test_a_damaged_shard_is_embedded_again(tmp_path: Path, catalog_csv: Path, encoder: Encoder) -> None:
    embed(catalog_csv, tmp_path / "store", encoder)
    shard = next((tmp_path / "store" / "data").iterdir())
    shard.write_bytes(shard.read_bytes()[:-50])
    report = embed(catalog_csv, tmp_path / "store", encoder)
    assert (report.embedded, report.damaged) == (60, (str(shard),))
    assert open_embedded(tmp_path / "store").rows == 60


def test_each_row_has_the_embedding_of_its_own_product(store: Path, encoder: Encoder) -> None:
    table = pa.Table.from_batches(open_embedded(store).batches())
    stored = np.stack(table["embedding"].to_pylist())
    for row in (0, 17, 59):
        alone = encoder.encode([titles(60)[row]], [draw_picture(row)])
        np.testing.assert_allclose(stored[row], alone[0], atol=1e-5)


def test_too_many_bad_rows_make_no_store_and_keep_the_old_one(
    tmp_path: Path, catalog_csv: Path, encoder: Encoder
) -> None:
    out = tmp_path / "store"
    embed(catalog_csv, out, encoder)
    (tmp_path / "bad.csv").write_text("id,title\n1,mug\n2,\n")
    with pytest.raises(TooManyBadRowsError, match=r"1 of 2 rows rejected.*rejects\.csv"):
        embed(tmp_path / "bad.csv", out, encoder)
    assert open_embedded(out).rows == 60
    assert pq.read_table(out / "rejects.parquet")["id"].to_pylist() == ["2"]


def test_a_catalog_without_a_usable_row_is_told(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "bad.csv").write_text("id,title\n1,\n2,\n")
    with pytest.raises(EmptyCatalogError, match="none of its 2 rows"):
        embed(tmp_path / "bad.csv", tmp_path / "store", encoder, max_bad_rate=1)


def test_batches_of_any_size_give_the_same_embeddings(encoder: Encoder) -> None:
    words = [*titles(7), "", "a lamp"]
    images: list[Image.Image | None] = [*(draw_picture(n) for n in range(7)), draw_picture(7), None]
    one, four, all_ = (encoder.encode(words, images, batch_size) for batch_size in (1, 4, 64))
    np.testing.assert_allclose(one, four, atol=1e-5)
    np.testing.assert_allclose(one, all_, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)


def test_the_fingerprint_follows_the_weights_and_not_the_folder(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "copy")
    other = save_tiny_model(tmp_path / "other", seed=1)
    first, copy, third = (open_encoder(str(f)) for f in (tiny_model, tmp_path / "copy", other))
    assert first.fingerprint == copy.fingerprint != third.fingerprint


def test_the_fingerprint_follows_how_titles_are_folded(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = model_folder.fingerprint(tiny_model)
    monkeypatch.setattr(model_folder, "FOLDING_VERSION", "other")
    assert model_folder.fingerprint(tiny_model) != before


def test_models_that_cannot_be_used_are_told_in_one_line(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither a model folder nor a model on a reachable hub"):
        open_encoder("no-such/model")
    with pytest.raises(ModelError, match=r"no config\.json"):
        open_encoder(str(tmp_path))
    broken = tmp_path / "broken"
    shutil.copytree(tiny_model, broken)
    (broken / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="cannot be loaded") as error:
        open_encoder(str(broken))
    assert "\n" not in str(error.value)
    with pytest.raises(UsageError, match="tpu"):
        open_encoder(str(tiny_model), "tpu")


def test_weights_that_do_not_fit_their_configuration_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"num_hidden_layers": 1', '"num_hidden_layers": 2'))
    with pytest.raises(ModelError, match="does not fit"):
        open_encoder(str(folder))


def test_the_shipped_weights_load() -> None:
    encoder = open_encoder()
    red, blue = encoder.encode(["red ceramic mug", "blue ceramic mug"], [None, None])
    shirt = encoder.encode(["men's polo shirt"], [None])[0]
    assert red @ blue > red @ shirt


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_embeddings_of_the_cpu(tiny_model: Path, encoder: Encoder) -> None:
    on_gpu = open_encoder(str(tiny_model), "cuda")
    images = [draw_picture(n) for n in range(20)]
    one, other = (chosen.encode(titles(20), images) for chosen in (encoder, on_gpu))
    assert (one * other).sum(axis=1).min() > 0.999
