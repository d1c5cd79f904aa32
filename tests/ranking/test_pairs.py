from __future__ import annotations

from pathlib import Path

import numpy as np
from support.indexes_of_listings import build, opened, some_listings

from itemsearch.ranking.evidence import ListingArrays
from itemsearch.ranking.pairs import PairReader, TitleNgrams


def test_many_pairs_at_once_have_the_evidence_of_one_query_after_another(tmp_path: Path) -> None:
    engine = opened(build(tmp_path, some_listings(120)))
    products, vectors = engine.listings, engine.vectors
    reader = engine.ranker.score_model.reader
    titles, has_image = products["title"].to_pylist(), products["has_image"].to_numpy()
    modalities = np.array([bool(title) for title in titles]) + 2 * has_image.astype(np.int64)
    halves = [TitleNgrams.from_titles(titles[:50]), TitleNgrams.from_titles(titles[50:])]
    pairs = PairReader(reader, vectors, TitleNgrams.joined(halves), modalities)
    rng = np.random.default_rng(0)
    a, b = rng.integers(120, size=(2, 3000))
    found = pairs.compare(a, b)
    listings = ListingArrays(vectors, titles, has_image)
    for query in range(120):
        places = np.flatnonzero(a == query)
        slow = reader.compare(listings.one(query), listings.take(b[places]))
        for name in ("joint", "title_similarity", "image_similarity", "features", "kinds"):
            np.testing.assert_allclose(getattr(found, name)[places], getattr(slow, name), atol=2e-6)
    assert np.isnan(found.title_similarity).any()
    assert np.isnan(found.image_similarity).any()


def test_no_pairs_and_no_titles() -> None:
    ngrams = TitleNgrams.from_titles(["", "red mug", ""])
    assert np.diff(ngrams.offsets)[[0, 2]].tolist() == [0, 0]
    buckets, lengths = ngrams.of(np.array([2, 1, 1]))
    assert lengths.tolist() == [0, len(ngrams.buckets), len(ngrams.buckets)]
    assert buckets.tolist() == [*ngrams.buckets, *ngrams.buckets]
    assert len(TitleNgrams.from_titles([]).buckets) == 0
