from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from support.catalogs import THINGS, draw_picture, titles

from itemsearch.benchmarks.data.relist import encode_image
from itemsearch.benchmarks.experiments import reproduction
from itemsearch.benchmarks.experiments.reproduction import CONFIG, advance, reached, run, watched_exam
from itemsearch.benchmarks.experiments.reproduction_variants import (
    BOTH,
    PICTURE,
    TITLE,
    ReproductionSettings,
    as_seen,
    folder_of,
    streams,
)
from itemsearch.benchmarks.experiments.trivial import trivial_losses
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.errors import UsageError
from itemsearch.model import ITEmConfig
from itemsearch.pretrain.config import PretrainConfig, read_config
from itemsearch.pretrain.data import prepare_catalogs

GLOBALS = ("global_mlm", "global_mim")


def tiny(steps: int = 4) -> PretrainConfig:
    base = read_config(CONFIG)
    shape = {**base.model, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    shape = {**shape, "intermediate_size": 32, "image_size": 32, "patch_size": 8, "max_title_tokens": 16}
    few = {"steps": steps, "batch_size": 4, "held_out": 4, "log_every": 1}
    return replace(base, model=shape, train=replace(base.train, **few, validate_every=2, save_every=2))


def write_shop(path: Path, first: int, count: int) -> str:
    numbers = range(first, first + count)
    words = titles(first + count)
    rows = [
        {
            "id": str(number),
            "title": words[number],
            "image": encode_image(draw_picture(number), "PNG"),
            "category": THINGS[number % 10],
        }
        for number in numbers
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return str(path)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ReproductionSettings:
    folder = tmp_path_factory.mktemp("shop")
    catalog, watch, test = (
        write_shop(folder / f"{name}.parquet", first, 40)
        for name, first in (("train", 0), ("watch", 40), ("test", 80))
    )
    return ReproductionSettings((catalog,), watch, test, rows=20, category_rows=40, config=tiny())


@pytest.fixture(scope="module")
def done(settings: ReproductionSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reproduction") / "run"
    run(settings, out, until=2, slice=1)
    return out


@pytest.fixture(scope="module")
def whole(done: Path) -> TorchEncoder:
    return TorchEncoder.from_pretrained(str(folder_of(done, "full")), "cpu")


def test_each_variant_lacks_what_it_is_named_after() -> None:
    found = streams(read_config(CONFIG))
    weights = {name: stream.config.objectives for name, stream in found.items()}
    assert next(iter(found)) == "full"
    assert all(of.relisting == 0 for of in weights.values())
    assert weights["no global MLM"] == replace(weights["full"], global_mlm=0.0)
    assert weights["no global MIM"] == replace(weights["full"], global_mim=0.0)
    assert weights["neither global"] == replace(weights["full"], global_mlm=0.0, global_mim=0.0)
    assert weights["MLM and ITM"] == replace(weights["neither global"], mim=0.0)
    kept = {TITLE: {"mlm", "global_mlm"}, PICTURE: {"mim", "global_mim"}}
    for name, objectives in kept.items():
        assert found[name].sees == name
        assert {of for of in ("itm", "mlm", "mim", *GLOBALS) if getattr(weights[name], of)} == objectives
    budgets = {stream.config.train for name, stream in found.items() if name != "untrained"}
    assert len(budgets) == 1


def test_the_stream_stands_alone_and_reads_products_as_they_are() -> None:
    base = read_config(CONFIG)
    assert ITEmConfig(**base.model).parts == {"stream": base.model["hidden_size"]}
    assert base.model["pooling"] == "cls"
    assert (base.relisting.word_edits, base.relisting.picture_edits, base.relisting.other_angle) == (0, 0, 0)
    assert base.objectives.relisting == 0


def test_a_stream_of_one_modality_never_sees_the_other(
    settings: ReproductionSettings, tmp_path: Path
) -> None:
    (catalog,) = settings.catalogs
    assert as_seen(catalog, BOTH, tmp_path / "none.parquet") == catalog
    words = pq.read_table(as_seen(catalog, TITLE, tmp_path / "a" / "t.parquet"))
    pictures = pq.read_table(as_seen(catalog, PICTURE, tmp_path / "b" / "p.parquet"))
    assert set(words.column_names) == {"id", "title", "category"}
    assert set(pictures.column_names) == {"id", "image", "category"}
    assert words["title"].equals(pq.read_table(catalog)["title"])


def test_all_variants_are_kept_at_the_same_step(
    settings: ReproductionSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop in the middle of a round leaves nobody more than a slice ahead, and the command goes on."""
    order: list[tuple[str, int]] = []

    def counted(settings: ReproductionSettings, out: Path, name: str, *others: object) -> None:
        if len(order) == 9:
            raise KeyboardInterrupt
        order.append((name, reached(out, name)))
        advance(settings, out, name, *others)  # type: ignore[arg-type]

    out = tmp_path / "run"
    monkeypatch.setattr(reproduction, "advance", counted)
    with pytest.raises(KeyboardInterrupt):
        run(settings, out, until=None, slice=2)
    names = list(streams(settings.config))
    assert [name for name, _ in order] == [*names, "full"]
    assert [step for _, step in order] == [0] * 8 + [2]
    assert [reached(out, name) for name in names] == [4, *[2] * 6, 1]
    assert not (out / "reproduction.md").exists()


def test_a_variant_in_slices_is_the_variant_at_once(
    settings: ReproductionSettings, done: Path, tmp_path: Path
) -> None:
    name = "neither global"
    stream = dict(reproduction.variants(settings, done))[name]
    advance(settings, tmp_path, name, stream, 2, watched_exam(settings))
    at_once, sliced = (load_file(folder_of(out, name) / "model.safetensors") for out in (tmp_path, done))
    assert all(torch.equal(at_once[key], sliced[key]) for key in at_once)


def test_a_variant_that_another_process_trains_is_left_to_it(
    settings: ReproductionSettings, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    reproduction.claim(out, settings)
    exam = watched_exam(settings)
    with reproduction.locked(folder_of(out, "full")) as free:
        assert free
        with reproduction.locked(folder_of(out, "full")) as second:
            assert not second
        assert reproduction._train_next(settings, out, 1, 1, exam) == "no global MLM"
    assert reached(out, "full") == 0
    assert reproduction._train_next(settings, out, 1, 1, exam) == "full"


def test_what_is_measured_and_written(settings: ReproductionSettings, done: Path) -> None:
    held = json.loads((done / "reproduction.json").read_text())["variants"]
    assert list(held) == list(streams(settings.config))
    full = held["full"]
    assert {"title and picture @1", "title alone @5", "picture, whole listings @10"} <= set(full["figures"])
    assert "title alone, whitened @1" in full["figures"]
    assert full["step"] == 2
    assert held["untrained"]["step"] == 1
    assert not [name for name in held[TITLE]["figures"] if "picture" in name]
    assert "listening" not in held[PICTURE]
    assert set(full["category"]) >= {"linear accuracy", "10-NN macro-F1"}
    assert set(full["listening"]["losses"]) == {"loss", "itm", "mlm", "mim", *GLOBALS}
    assert len(full["listening"]["attention"]) == 2
    table = (done / "reproduction.md").read_text()
    assert "2 of 4 steps of 4 products" in table
    assert table.count("\n| full | ") == 7 - 1  # all tables but that of differences to it
    assert (done / "plots" / "attention.png").exists()
    assert (done / "plots" / "recall-title-alone.svg").exists()


def test_measured_once_until_there_are_more_steps(
    settings: ReproductionSettings,
    done: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = (folder_of(done, "full") / "result.json").stat().st_mtime_ns
    run(settings, done, until=0, slice=1)
    assert (folder_of(done, "full") / "result.json").stat().st_mtime_ns == before
    assert "| full | " in capsys.readouterr().out


def test_a_folder_of_other_settings_is_refused(settings: ReproductionSettings, done: Path) -> None:
    with pytest.raises(UsageError, match="give another --out"):
        run(replace(settings, config=tiny(steps=5)), done, until=1, slice=1)


def test_trivial_predictors(
    settings: ReproductionSettings, done: Path, tmp_path: Path, whole: TorchEncoder
) -> None:
    prepare_catalogs([CatalogConfig(settings.catalogs[0])], tmp_path / "catalog.arrow", "")
    found = trivial_losses(tmp_path, whole, settings.config)
    assert found["mlm"] == found["global_mlm"]
    assert 0 < found["mlm"] < math.log(len(whole.processor.tokenizer)) + 1
    assert 0 < found["mim"] < 1.5
    assert 0 <= found["itm"] <= math.log(2) + 1e-9


def test_the_command(
    settings: ReproductionSettings,
    done: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = ["--catalog", settings.catalogs[0], "--watch", settings.watch, "--test", settings.test]
    monkeypatch.setattr("sys.argv", ["reproduction", *paths, "--out", str(done), "--rows", "20", "--measure"])
    with pytest.raises(SystemExit) as leaving:  # the configuration is another one
        reproduction.main()
    assert leaving.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
