"""OpenVINO gives the embeddings of torch; the two may be mixed because their cosines agree as stated here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.catalogs import draw_picture, titles

from itemsearch.embed.encoder import open_encoder
from itemsearch.embed.graphs import COLOURS, Graphs, graphs_folder
from itemsearch.embed.inputs import sketch_titles
from itemsearch.embed.model_folder import DEFAULT_MODEL, fingerprint
from itemsearch.embed.openvino_encoder import OpenVINOEncoder
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.errors import ModelError
from itemsearch.indexes.arrays import Vectors
from itemsearch.model.lexical import pad_ngrams

SAME_PRECISION = 0.999999
HALF_PRECISION = 0.99
"""The least cosines to torch's float32, in float32 and in bfloat16."""


def listings(count: int) -> tuple[list[str], list[Image.Image | None]]:
    """Titles with a picture, titles alone and pictures alone, in turn."""
    texts = [title if number % 3 else "" for number, title in enumerate(titles(count))]
    return texts, [draw_picture(number) if number % 3 != 1 else None for number in range(count)]


def float32(encoder: TorchEncoder, texts: Sequence[str], images: Sequence[Image.Image | None]) -> Vectors:
    vectors = np.empty((len(texts), encoder.dim), np.float32)
    for batch in encoder.prepare(texts, images, 4):
        vectors[batch.rows] = encoder.embed(batch, half=False)
    return vectors


@pytest.mark.parametrize(("precision", "least"), [("float32", SAME_PRECISION), ("bfloat16", HALF_PRECISION)])
def test_openvino_gives_the_embeddings_of_torch(
    tiny_model: Path, torch_encoder: TorchEncoder, precision: str, least: float
) -> None:
    texts, images = listings(30)
    encoder = OpenVINOEncoder.from_pretrained(str(tiny_model), precision)
    assert encoder.precision == precision
    cosines = (encoder.encode(texts, images, 7) * float32(torch_encoder, texts, images)).sum(axis=1)
    assert cosines.min() > least


def test_the_shipped_weights_too() -> None:
    texts, images = listings(9)
    expected = float32(TorchEncoder.from_pretrained(DEFAULT_MODEL, "cpu"), texts, images)
    for precision, least in (("float32", SAME_PRECISION), ("bfloat16", HALF_PRECISION)):
        encoder = OpenVINOEncoder.from_pretrained(DEFAULT_MODEL, precision)
        assert (encoder.encode(texts, images) * expected).sum(axis=1).min() > least


def test_a_title_without_pictures_and_pictures_without_a_title(
    tiny_model: Path, torch_encoder: TorchEncoder
) -> None:
    encoder = OpenVINOEncoder.from_pretrained(str(tiny_model), "float32")
    for texts, images in ((titles(5), [None] * 5), ([""] * 5, [draw_picture(n) for n in range(5)])):
        expected = float32(torch_encoder, texts, images)
        assert (encoder.encode(texts, images) * expected).sum(axis=1).min() > SAME_PRECISION


def test_both_engines_make_one_fingerprint(tiny_model: Path, torch_encoder: TorchEncoder) -> None:
    encoder = OpenVINOEncoder.from_pretrained(str(tiny_model))
    assert (encoder.fingerprint, encoder.dim) == (torch_encoder.fingerprint, torch_encoder.dim)
    assert (encoder.stamp.engine, torch_encoder.stamp.engine) == ("openvino", "torch")
    assert encoder.stamp.parts == torch_encoder.stamp.parts


def test_the_sketch_of_numpy_is_that_of_torch(tiny_model: Path, torch_encoder: TorchEncoder) -> None:
    lexical = torch_encoder.model.lexical
    assert lexical is not None
    texts = ["", "é", *titles(20)]
    sketches = sketch_titles(texts, lexical.signs.numpy(), lexical.weights.numpy())
    lengths = np.linalg.norm(sketches, axis=1, keepdims=True)
    with torch.inference_mode():
        expected = lexical(pad_ngrams(texts)).numpy()
    assert np.allclose(sketches / np.maximum(lengths, 1e-12), expected, atol=1e-5)


def test_graphs_are_exported_once(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITEMSEARCH_CACHE", str(tmp_path))
    folder = graphs_folder(tiny_model, fingerprint(tiny_model))
    written = (folder / COLOURS).stat().st_mtime_ns
    assert graphs_folder(tiny_model, fingerprint(tiny_model)) == folder
    assert (folder / COLOURS).stat().st_mtime_ns == written
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_cache_that_cannot_be_written_is_told(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ITEMSEARCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="ITEMSEARCH_CACHE"):
        graphs_folder(tiny_model, fingerprint(tiny_model))


def test_damaged_graphs_are_told(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITEMSEARCH_CACHE", str(tmp_path))
    folder = graphs_folder(tiny_model, fingerprint(tiny_model))
    for graph in folder.glob("*.xml"):
        graph.write_text("damaged")
    with pytest.raises(ModelError, match="delete the folder"):
        Graphs.compiled(folder, "float32", 1)


def test_a_search_by_title_loads_no_torch(index: Path) -> None:
    """Once the graphs are in the cache, which making the index has seen to."""
    code = (
        "import sys; from itemsearch.search.engine import Engine\n"
        f"hits = Engine.open({str(index)!r}).search(title='red mug').hits\n"
        "print(len(hits), sorted({'torch', 'transformers'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "10 []"


def test_threads_do_not_change_embeddings(tiny_model: Path) -> None:
    texts, images = listings(9)
    one, two = (open_encoder(str(tiny_model), "cpu", threads).encode(texts, images) for threads in (1, 2))
    assert np.allclose(one, two, atol=1e-3)


def test_many_batches_pass_at_once(tiny_model: Path) -> None:
    """As of one after the other. The first two passes of a process once waited for each other for ever."""
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import numpy as np\n"
        "from itemsearch.embed.encoder import open_encoder\n"
        f"encoder = open_encoder({str(tiny_model)!r}, 'cpu', 4, bulk=True)\n"
        "titles = ['red mug', 'a blue cotton shirt', 'lamp', 'bag of green tea'] * 8\n"
        "batches = list(encoder.prepare(titles, [None] * 32, 2))\n"
        "with ThreadPoolExecutor(8) as pool: together = list(pool.map(encoder.embed, batches))\n"
        "alone = list(map(encoder.embed, batches))\n"
        "print(all(np.array_equal(a, b) for a, b in zip(together, alone)))\n"
    )
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
        )
        assert done.stdout.strip() == "True"


def test_signals_keep_their_stack(tiny_model: Path) -> None:
    """OpenVINO gave the thread one that was too small for a signal: Ctrl-C was a segmentation fault."""
    code = (
        "import ctypes, os, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in the background
        "from itemsearch.embed.encoder import open_encoder\n"
        "from itemsearch.embed.signal_stack import _Stack\n"
        "def stack():\n"
        "    now = _Stack()\n"
        "    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(now))\n"
        "    return now.sp, now.flags, now.size\n"
        "before = stack()\n"
        f"encoder = open_encoder({str(tiny_model)!r}, 'cpu')\n"
        "encoder.encode(['red mug'], [None])\n"
        "print(stack() == before)\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept KeyboardInterrupt:\n    print('stopped')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\nstopped\n")
