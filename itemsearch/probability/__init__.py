"""How sure a pair of listings is one product, learnt from the catalog itself: numpy alone.

`fit` turns compared pairs into a `Fitted` with a probability for each and a small `Model` that scores new
pairs; `refine` lets labels correct it; `estimate` says what precision and recall a threshold is expected to
have, and `threshold_for` which one keeps a promise.
"""

from itemsearch.probability.estimate import Estimate, Share, estimate, threshold_for
from itemsearch.probability.labels import refine
from itemsearch.probability.mixture import Fitted, fit
from itemsearch.probability.model import Curve, Model
from itemsearch.probability.pairs import Pairs

__all__ = [
    "Curve",
    "Estimate",
    "Fitted",
    "Model",
    "Pairs",
    "Share",
    "estimate",
    "fit",
    "refine",
    "threshold_for",
]
