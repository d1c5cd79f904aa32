"""Plots of a report, each written as PNG and SVG into the run's folder plots/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from itemsearch.indexes.arrays import Doubles, Ints

POINTS = 400
"""Points of a curve at most: more are not visible, and an SVG of 100,000 points has megabytes."""

# Text stays text in the SVG, and equal plots give equal files.
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "itemsearch", "font.size": 10, "axes.spines.top": False}


def save_curves(
    path: Path,
    curves: Mapping[str, tuple[Ints | Doubles, Doubles]],
    labels: tuple[str, str],
    marker: str = "",
    log: bool = False,
    log_x: bool = False,
) -> None:
    """Plots a line for each name.

    Args:
        curves: name to (P,) x and (P,) y.
        labels: of the x axis and the y axis.
        marker: drawn at each point; "" for none.
        log, log_x: whether the y axis and the x axis are logarithmic.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(7.5, 4.6)
        for name, (x, y) in curves.items():
            axes.plot(*_thinned(x, y), label=name, marker=marker, linewidth=1.8, markersize=4)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        axes.set_yscale("log" if log else "linear")
        axes.set_xscale("log" if log_x else "linear")
        axes.grid(alpha=0.3)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        _save(figure, path)


def save_confusion(path: Path, names: Sequence[str], columns: Sequence[str], counts: Ints) -> None:
    """Plots a confusion matrix: (R, C) counts, of R = len(names) rows and C = len(columns) columns."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(2.5 + 0.5 * len(columns), 1.8 + 0.36 * len(names))
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
        axes.set_yticks(range(len(names)), names)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                shade = "white" if shares[row, column] > 0.6 else "black"
                axes.text(column, row, f"{count}", ha="center", va="center", color=shade, fontsize=8)
        axes.set(xlabel="category of the first answer", ylabel="category of the query")
        _save(figure, path)


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def _thinned(x: Ints | Doubles, y: Doubles) -> tuple[Ints | Doubles, Doubles]:
    places = np.unique(np.linspace(0, len(x) - 1, POINTS).round().astype(int)) if len(x) else np.arange(0)
    return x[places], y[places]


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path.with_suffix(".png"), dpi=130, bbox_inches="tight", metadata={"Software": None})
    figure.savefig(path.with_suffix(".svg"), bbox_inches="tight", metadata={"Date": None})
