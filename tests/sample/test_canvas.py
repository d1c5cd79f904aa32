from __future__ import annotations

import numpy as np
import pytest

from itemsearch.sample.canvas import SIDE, Canvas, Pen, around, cylinder, relief, smooth, symmetric, within
from itemsearch.sample.patterns import PATTERNS, pattern_mask
from itemsearch.sample.round_bodies import wrapped


def test_a_mask_covers_the_area_of_its_outline() -> None:
    mask = np.asarray(Pen().ellipse((0.5, 0.5), (0.3, 0.2)).mask()) / 255
    assert mask.mean() == pytest.approx(np.pi * 0.3 * 0.2, rel=0.01)
    assert ((mask > 0) & (mask < 1)).any(), "no soft edge"


def test_smoothing_keeps_ends_and_doubled_corners() -> None:
    line = smooth([(0.0, 0.0), (0.5, 1.0), (1.0, 0.0)], closed=False)
    np.testing.assert_allclose(line[[0, -1]], [(0, 0), (1, 0)])
    closed = smooth([(0.0, 0.0), (0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], closed=True)
    assert np.abs(closed).sum(axis=1).min() < 1e-3
    assert np.abs(closed - 1).sum(axis=1).min() > 0.1, "a single corner is rounded off"


def test_smoothing_equals_corners_cut_by_hand() -> None:
    line = [np.array(point) for point in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.2, 0.9))]
    for _ in range(4):
        pairs = zip(line, line[1:] + line[:1], strict=True)
        line = [cut for a, b in pairs for cut in (0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b)]
    np.testing.assert_allclose(smooth([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.2, 0.9)], closed=True), line)


def test_symmetric_outlines_are_symmetric() -> None:
    mask = np.asarray(Pen().polygon(symmetric([(0.5, 0.1), (0.8, 0.5), (0.6, 0.9)])).mask(), np.int16)
    assert np.abs(mask - mask[:, ::-1]).mean() < 3


def test_light_falls_from_the_upper_left() -> None:
    body = Pen().box((0.3, 0.3, 0.7, 0.7), 0.05).mask()
    light = relief(body)
    assert light[100, 160] > 1.05 > 0.95 > light[220, 160]
    assert light[160, 160] == pytest.approx(1.0, abs=0.01)
    round_light = cylinder(body)[160]
    assert round_light[130] > round_light[222]


def test_paint_stays_within_its_mask_and_shadow_darkens() -> None:
    canvas = Canvas((250, 250, 250))
    before = np.asarray(canvas.picture(), np.int16)
    body = Pen().box((0.4, 0.4, 0.6, 0.6)).mask()
    canvas.paint(body, (200, 30, 30))
    after = np.asarray(canvas.picture(), np.int16)
    assert (after[np.asarray(body) == 0] == before[np.asarray(body) == 0]).all()
    assert tuple(after[160, 160]) == (200, 30, 30)
    canvas.shadow(body, 0.02, 0.5, (0.2, 0.0))
    assert np.asarray(canvas.picture())[160, 224, 0] < 0.6 * before[160, 224, 0]
    assert not np.asarray(within(Pen().box((0, 0, 0.2, 0.2)), body)).any()


def test_around_goes_clockwise_from_the_top() -> None:
    points = [around((0.5, 0.5), 0.5, turn / 4) for turn in range(4)]
    np.testing.assert_allclose(points, [(0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)], atol=1e-12)


@pytest.mark.parametrize("name", [*PATTERNS, "Lettering"])
def test_every_pattern_leaves_both_colours(name: str) -> None:
    middle = np.asarray(pattern_mask(name, "AHOY", (0.5, 0.5), 1.0))[60:260, 60:260] / 255
    assert 0.02 < middle.mean() < 0.8


def test_plain_is_plain() -> None:
    assert pattern_mask("Plain", "AHOY", (0.5, 0.5), 1.0).getbbox() is None


def test_wrapping_squeezes_the_sides_and_keeps_the_middle() -> None:
    cloth = pattern_mask("Vertical Stripes", "", (0.5, 0.5), 0.5).convert("RGB")
    row = np.asarray(wrapped(cloth, 0.5, 0.3))[160, :, 0] > 127
    edges = np.flatnonzero(np.diff(row.astype(int)))
    inside = edges[(edges > 0.21 * SIDE) & (edges < 0.79 * SIDE)]
    middle = inside[len(inside) // 2] - inside[len(inside) // 2 - 2]
    assert inside[2] - inside[0] < 0.8 * middle
