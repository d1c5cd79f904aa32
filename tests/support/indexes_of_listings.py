"""Indexes of listings made up of vectors, titles and thumbnails, without a model."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.ranking.evidence import KINDS, EvidenceReader
from itemsearch.ranking.ranking import KNOTS, Ranking
from itemsearch.ranking.score_model import ScoreModel
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.search.folder import NGRAM_FREQUENCY
from support.catalogs import draw_picture

PARTS = {"stream": 8, "image": 6, "colour": 2}


def jpeg(seed: int, quality: int = 80) -> bytes:
    """A thumbnail that no other seed gives."""
    buffer = io.BytesIO()
    draw_picture(seed).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def listing(id: str, title: str, vector: np.ndarray, thumbnail: bytes | None = None, **more: Any) -> dict:
    content = hashlib.sha256(title.encode() + (thumbnail or b"")).hexdigest()
    shown = {"has_title": bool(title), "has_image": thumbnail is not None, "thumbnail": thumbnail}
    return {"id": id, "title": title, "embedding": vector, "content_hash": content, **shown, **more}


def build(folder: Path, listings: list[dict]) -> Path:
    """An index folder of listings, or the next version of it."""
    columns = {name: [each[name] for each in listings] for name in listings[0]}
    columns["embedding"] = pa.array(list(columns["embedding"]), pa.list_(pa.float32()))
    columns["thumbnail"] = pa.array(columns["thumbnail"], pa.binary())
    if "other_pictures" in columns:
        columns["other_pictures"] = pa.array(columns["other_pictures"], pa.binary())
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / "listings.parquet")
    build_index_folder(folder / "listings.parquet", folder / "index")
    return folder / "index"


def opened(index: Path, steep: float = 4.0) -> Engine:
    """The engine, with a ranking to which each piece of evidence counts alike."""
    engine = Engine.open(index)
    (frequency,) = (index / "versions" / f"{engine.summary.version:08d}").glob(NGRAM_FREQUENCY)
    reader = EvidenceReader(PARTS, np.load(frequency))
    curve = (steep, *(0.0 for _ in KNOTS))
    curves = tuple(curve for _ in reader.features)
    ranking = Ranking(
        reader.features, dict.fromkeys(KINDS, curves), dict.fromkeys(KINDS, -0.7 * steep * len(curves))
    )
    engine.ranker.score_model = ScoreModel(reader, ranking)
    return engine


def some_listings(count: int, seed: int = 0) -> list[dict]:
    """Products of a few kinds, near each other; every tenth listed again, some without picture or title."""
    rng = np.random.default_rng(seed)
    kinds = rng.standard_normal((max(count // 20, 2), 16))
    made: list[dict] = []
    for number in range(count):
        if number % 10 == 9:
            vector = made[-1]["embedding"] + 0.02 * rng.standard_normal(16)
            title, picture = f"new {made[-1]['title']}", jpeg(number - 1, 70)
        else:
            vector = kinds[number % len(kinds)] + 0.5 * rng.standard_normal(16)
            title, picture = f"kind {number % len(kinds)} item {number}", jpeg(number)
        if number % 17 == 3:
            picture = None
        elif number % 19 == 4:
            title = ""
        vector = vector / np.linalg.norm(vector)
        made.append(
            listing(f"{number:05d}", title, vector.astype(np.float32), picture, seller=f"s{number % 3}")
        )
    return made


def crowd(count: int, seed: int = 1, noise: float = 0.1) -> list[dict]:
    """One listing many times: its words in another order, some with a slip, its picture compressed anew."""
    rng = np.random.default_rng(seed)
    words = ["oak", "round", "small", "dining", "table", "with", "drawer"]
    centre = rng.standard_normal(16)
    made = []
    for number in range(count):
        said = rng.permutation(words).tolist()
        if number % 3 == 0:
            said[0] = said[0][:-1]
        vector = centre / np.linalg.norm(centre) + noise / 4 * rng.standard_normal(16)
        vector = (vector / np.linalg.norm(vector)).astype(np.float32)
        picture = jpeg(9999, quality=60 + number % 35)
        made.append(listing(f"crowd-{number:03d}", " ".join(said), vector, picture, seller=f"s{number % 3}"))
    return made
