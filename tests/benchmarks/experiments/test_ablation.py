from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from support.catalogs import titles

from itemsearch.benchmarks.experiments import ablation
from itemsearch.benchmarks.experiments.ablation import CONFIG, Settings, draw_relistings, measure, run
from itemsearch.benchmarks.experiments.ablation_variants import OBJECTIVES, variants
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.errors import UsageError
from itemsearch.model import ITEmConfig
from itemsearch.pretrain.config import PretrainConfig, read_config, read_preset


def tiny(vocabulary: Path) -> PretrainConfig:
    preset = read_preset("tiny")
    train = replace(preset.train, steps=2, batch_size=4, held_out=4, validate_every=2, save_every=2)
    shape = {**preset.model, "hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 32}
    return replace(preset, model=shape, train=train, start=replace(preset.start, tokenizer=str(vocabulary)))


@pytest.fixture(scope="module")
def settings(catalog_csv: Path, tiny_model: Path) -> Settings:
    return Settings((str(catalog_csv),), str(catalog_csv), rows=20, config=tiny(tiny_model))


def test_each_variant_lacks_the_part_of_its_name() -> None:
    base = read_config(CONFIG)
    by_name = variants(base)
    assert next(iter(by_name)) == "full"
    for name in OBJECTIVES:
        assert by_name[f"no {name}"].config == replace(
            base, objectives=replace(base.objectives, **{name: 0.0})
        )
    alone = by_name["no objectives"].config.objectives
    assert [getattr(alone, name) for name in OBJECTIVES] == [0] * 5
    assert alone.relisting == base.objectives.relisting > 0
    assert by_name["no relisting contrast"].config.objectives == replace(base.objectives, relisting=0.0)
    assert by_name["no hard batches"].config.relisting == replace(base.relisting, same_category=0.0)
    unhidden = by_name["no modality dropout"].config.relisting
    assert (unhidden.hide_title, unhidden.hide_image) == (0, 0)
    for part, field in (
        ("image skip", "image_skip_dim"),
        ("colour", "colour_bins"),
        ("lexical", "lexical_dim"),
    ):
        assert base.model[field] > 0
        assert by_name[f"no {part}"].config.model == {**base.model, field: 0}
    bare = by_name["no parts"].config.model
    assert [bare[field] for field in ("image_skip_dim", "colour_bins", "lexical_dim")] == [0, 0, 0]
    assert by_name["untrained"].config.train.learning_rate == 0
    assert (by_name["parts only"].model, by_name["parts only"].parts_only) == ("full", True)
    assert all(ITEmConfig(**variant.config.model) for variant in by_name.values())
    configs = [variant.config for name, variant in by_name.items() if name != "parts only"]
    assert all(configs.count(config) == 1 for config in configs)


def test_parts_that_the_full_variant_lacks_are_not_left_out(tiny_model: Path) -> None:
    assert "no image skip" not in variants(tiny(tiny_model))
    bare = tiny(tiny_model)
    bare = replace(bare, model={**bare.model, "colour_bins": 0, "lexical_dim": 0})
    bare = replace(bare, objectives=replace(bare.objectives, relisting=0.0))
    assert not {"no colour", "no lexical", "no parts", "parts only", "no relisting contrast"} & set(
        variants(bare)
    )


def test_an_ablation_keeps_finished_variants(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(settings, tmp_path, ["full", "parts only"])
    assert list(first) == ["full", "parts only"]
    assert first["full"].training == first["parts only"].training
    assert set(first["full"].training.held_out) == {"loss", *OBJECTIVES, "relisting"}
    assert first["full"].training.seconds > 0
    assert not (tmp_path / "full" / "run").exists()
    weights = load_file(tmp_path / "full" / "model.safetensors")

    trained: list[str] = []
    pretrain = ablation.pretrain

    def watched(catalogs: object, config: PretrainConfig, out: Path, *others: object) -> object:
        trained.append(out.name)
        return pretrain(catalogs, config, out, *others)

    monkeypatch.setattr(ablation, "pretrain", watched)
    both = run(settings, tmp_path, ["full", "no itm"])
    assert trained == ["no-itm"]
    assert list(both) == ["full", "no itm", "parts only"]
    assert both["full"] == first["full"]
    assert "itm" not in both["no itm"].training.held_out
    other = load_file(tmp_path / "no-itm" / "model.safetensors")
    assert any((weights[name] != other[name]).any() for name in weights)

    written = json.loads((tmp_path / "ablation.json").read_text())
    assert list(written["variants"]) == list(both)
    table = (tmp_path / "ablation.md").read_text()
    assert "20 relistings" in table
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows] == ["| variant", "| full", "| no itm", "| parts only"]
    assert {len(row) for row in rows} == {1 + 3 + 5 + 1}
    assert (rows[2][4], rows[1][4]) == ("", f"{both['full'].training.held_out['itm']:.3f}")


def test_a_stopped_training_is_resumed(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretrain = ablation.pretrain

    def stopped(catalogs: object, config: PretrainConfig, out: Path, report: object, note: object) -> object:
        done = pretrain(catalogs, config, out, report, note)
        return replace(done, finished=out.name != "untrained")

    with monkeypatch.context() as patched:
        patched.setattr(ablation, "pretrain", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(settings, tmp_path, ["no objectives", "untrained"])
    assert list(json.loads((tmp_path / "ablation.json").read_text())["variants"]) == ["no objectives"]
    after = run(settings, tmp_path, ["untrained"])
    assert list(after) == ["no objectives", "untrained"]
    assert after["no objectives"].training.seconds is not None
    assert after["untrained"].training.seconds is None  # nothing was left to train


def test_parts_only_is_the_full_variant_without_its_stream(
    settings: Settings, torch_encoder: TorchEncoder
) -> None:
    listings, relisted = draw_relistings(settings)
    assert [listing.title for listing in listings] == titles(20)
    chosen = variants(settings.config)
    width = torch_encoder.model.config.parts["stream"]

    def slow_recall(query_titles: Sequence[str], query_images: Sequence[object], start: int) -> float:
        gallery = torch_encoder.encode([p.title for p in listings], [p.image for p in listings])[:, start:]
        queries = torch_encoder.encode(query_titles, query_images)[:, start:]
        hits = 0
        for row, query in enumerate(queries):
            cosines = [float(query @ other / np.linalg.norm(other)) for other in gallery]
            hits += max(cosines) == cosines[row]
        return hits / len(listings)

    title_queries, image_queries = [r.title for r in relisted], [r.image for r in relisted]
    for name, start in (("full", 0), ("parts only", width)):
        recall = measure(torch_encoder, listings, relisted, chosen[name])
        assert recall["title and picture"].value == slow_recall(title_queries, image_queries, start)
        assert recall["title alone"].value == slow_recall(title_queries, [None] * 20, start)
        assert recall["picture alone"].value == slow_recall([""] * 20, image_queries, start)


def test_wrong_settings_are_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'no luck' is no variant; there are full, no itm"):
        run(settings, tmp_path, ["no luck"])
    (tmp_path / "settings.json").write_text(json.dumps({"rows": 4}))
    with pytest.raises(UsageError, match="give another --out"):
        run(settings, tmp_path, [])


def test_the_command(
    catalog_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--catalog", catalog_csv, "--test", catalog_csv, "--out", tmp_path / "run", "--rows", "3"]
    (tmp_path / "tiny.toml").write_text(
        "[model]\nhidden_size = 32\nnum_hidden_layers = 1\nnum_attention_heads = 2\nintermediate_size = 32\n"
        "max_title_tokens = 16\nimage_size = 32\npatch_size = 8\ncolour_bins = 2\n"
        "[train]\nsteps = 30\nbatch_size = 4\nheld_out = 4\n"
    )
    chosen = ["--config", tmp_path / "tiny.toml", "--steps", "1", "--only", "no colour"]
    monkeypatch.setattr("sys.argv", ["ablation", *map(str, [*arguments, *chosen])])
    ablation.main()
    printed = capsys.readouterr().out
    assert "| no colour | " in printed
    assert "1 steps of 4 listings" in printed
    monkeypatch.setattr("sys.argv", ["ablation", *map(str, [*arguments, *chosen[:-1], "no luck"])])
    with pytest.raises(SystemExit) as leaving:
        ablation.main()
    assert leaving.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
