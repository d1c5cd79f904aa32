"""Reads the evidence on candidates and ranks by it."""

from __future__ import annotations

from dataclasses import dataclass

from itemsearch.ranking.evidence import EvidenceReader
from itemsearch.ranking.ranking import Ranking


@dataclass(frozen=True, slots=True)
class ScoreModel:
    """Computes match scores. An index of external embeddings, or of a model without a ranking, has none."""

    reader: EvidenceReader
    ranking: Ranking
