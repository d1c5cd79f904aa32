"""Drawings of cushions, table lamps and chairs."""

from __future__ import annotations

from collections.abc import Sequence

from itemsearch.sample.canvas import (
    Canvas,
    Colour,
    Mask,
    Pen,
    Point,
    cylinder,
    flipped,
    relief,
    slope,
    symmetric,
    within,
)  # fmt: skip
from itemsearch.sample.colours import GOLD, INK, OAK, PAPER, STEEL, WALNUT, mixed
from itemsearch.sample.look import Look
from itemsearch.sample.round_bodies import level_disc, turned


def cushion(canvas: Canvas, look: Look) -> None:
    """Details: tassels, piping in the second colour, a button in the middle."""
    plump, pointed, _ = look.shape
    across, down, middle = 0.27 + 0.07 * look.size, 0.30 - 0.04 * (look.size == 0.5), 0.52
    outline = _cushion_outline(across, down, middle, 0.015 + 0.03 * pointed)
    body = Pen().blob(outline).mask()
    canvas.shadow(body, 0.03, 0.35, (0.015, 0.035))
    if look.detail == 1:
        for x in (0.5 - across, 0.5 + across):
            for y in (middle - down, middle + down):
                _tassel(canvas, (x, y), look.accent)
    canvas.raised(body, look.fill((0.5, middle)), 0.07 + 0.03 * plump)
    if look.detail == 2:
        inside = [(0.5 + (x - 0.5) * 0.95, middle + (y - middle) * 0.95) for x, y in outline]
        canvas.paint(Pen().blob(outline).blob(inside, ink=0), look.accent, relief(body, 0.02, 0.4))
    if look.detail == 3:
        canvas.shadow(Pen().ellipse((0.5, middle), (0.06, 0.06)), 0.03, 0.35)
        canvas.raised(Pen().ellipse((0.5, middle), (0.028, 0.028)), look.accent, 0.012, 0.6)


def _cushion_outline(across: float, down: float, middle: float, pinch: float) -> Sequence[Point]:
    """A square whose sides are pulled in by `pinch` between pointed corners."""
    right, top, bottom = 0.5 + across, middle - down, middle + down
    return symmetric([
        (0.5, top + pinch), (0.5 + across * 0.6, top + pinch), (right, top), (right, top),
        (right - pinch, middle - down * 0.5), (right - pinch, middle + down * 0.5), (right, bottom),
        (right, bottom), (0.5 + across * 0.6, bottom - pinch), (0.5, bottom - pinch),
    ])  # fmt: skip


def _tassel(canvas: Canvas, at: Point, colour: Colour) -> None:
    x, y = at
    canvas.raised(Pen().polygon([(x, y), (x + 0.03, y + 0.09), (x - 0.03, y + 0.09)]), colour, 0.01)
    canvas.raised(Pen().ellipse(at, (0.02, 0.02)), mixed(colour, INK, 0.15), 0.01)


def lamp(canvas: Canvas, look: Look) -> None:
    """Details: an oak base, a brass base, a pull chain. The shape chooses a belly, a column or a tripod."""
    flared, footing, _ = look.shape
    canvas.floor_shadow((0.5, 0.90), 0.17)
    _lamp_base(canvas, footing, {1: OAK, 2: GOLD}.get(look.detail, mixed(look.accent, PAPER, 0.1)))
    half = 0.17 + 0.05 * look.size
    top_half = half * (0.45 + 0.5 * (1 - flared))
    shade = turned([(0.14, top_half), (0.52, half)])
    canvas.shadow(within(level_disc(0.52, half), shade), 0.03, 0.3, (0, 0.03))
    canvas.paint(shade, look.fill((0.5, 0.34), 0.8), cylinder(shade, 0.0) * slope(0.9, 1.32))
    canvas.paint(level_disc(0.14, top_half - 0.006), (255, 240, 200))
    if look.detail == 3:
        chain = Pen().stroke([(0.56, 0.53), (0.56, 0.68)], 0.012).ellipse((0.56, 0.69), (0.022, 0.026))
        canvas.raised(chain, GOLD, 0.008, 0.7)


def _lamp_base(canvas: Canvas, kind: float, colour: Colour) -> None:
    top, bottom = 0.46, 0.90
    if kind < 0.34:
        belly = [(top, 0.02), (0.56, 0.025), (0.62, 0.15), (0.76, 0.17), (0.84, 0.08), (bottom, 0.09)]
        canvas.raised(turned(belly), colour, 0.05)
    elif kind < 0.67:
        foot = turned([(bottom - 0.03, 0.14), (bottom, 0.14)])
        column = turned([(top, 0.018), (bottom - 0.03, 0.018)])
        canvas.paint(foot, colour, cylinder(foot))
        canvas.paint(column, colour, cylinder(column))
    else:
        for end in ((0.5, bottom + 0.01), (0.33, bottom - 0.01), (0.67, bottom - 0.01)):
            canvas.raised(Pen().stroke([(0.5, top), end], 0.022), colour, 0.01, 0.6)


def chair(canvas: Canvas, look: Look) -> None:
    """Details: armrests, steel legs, a pad in the second colour. The shape chooses the back."""
    back, splay, height = look.shape
    wood = STEEL if look.detail == 2 else (OAK if height < 0.5 else WALNUT)
    lean, top = 0.02 + 0.03 * splay, 0.17 - 0.06 * height
    canvas.floor_shadow((0.5, 0.90), 0.26)
    _legs(canvas, (0.66, 0.58), (0.66 + lean, 0.85), mixed(wood, INK, 0.25))
    _legs(canvas, (0.64, 0.40), (0.64, 0.58), wood)
    canvas.raised(_chair_back(back, top), look.fill((0.5, (top + 0.44) / 2), 0.8), 0.025)
    _legs(canvas, (0.71, 0.62), (0.71 + lean, 0.92), wood)
    seat = Pen().blob(
        symmetric([(0.5, 0.54), (0.66, 0.54), (0.68, 0.55), (0.77, 0.66), (0.75, 0.685), (0.5, 0.69)])
    ).mask()  # fmt: skip
    canvas.shadow(seat, 0.02, 0.25, (0, 0.03))
    canvas.raised(seat, look.fill((0.5, 0.61), 0.8), 0.03, 0.45)
    if look.detail == 3:
        pad = Pen().blob(symmetric([(0.5, 0.53), (0.64, 0.53), (0.72, 0.645), (0.5, 0.66)]))
        canvas.raised(pad, look.accent, 0.04, 0.6)
    if look.detail == 1:
        for side in (-1, 1):
            arm = flipped([(0.68, 0.38), (0.76, 0.42), (0.77, 0.48), (0.745, 0.64)], side)
            canvas.raised(Pen().stroke(arm, 0.03), wood, 0.012, 0.6)


def _chair_back(kind: float, top: float) -> Mask:
    if kind < 0.34:
        right = [(0.5, top), (0.66, top), (0.72, top + 0.08), (0.68, 0.48), (0.5, 0.49)]
        return Pen().blob(symmetric(right)).mask()
    if kind < 0.67:
        return Pen().box((0.31, top + 0.01, 0.69, 0.45), 0.03).mask()
    slats = Pen().box((0.31, top, 0.69, top + 0.07), 0.02)
    for x in (0.31, 0.3975, 0.485, 0.5725, 0.66):
        slats.box((x, top + 0.04, x + 0.03, 0.57), 0.01)
    return slats.mask()


def _legs(canvas: Canvas, start: Point, end: Point, colour: Colour) -> None:
    """A pair of legs, given the right one."""
    for side in (-1, 1):
        canvas.raised(Pen().stroke(flipped([start, end], side), 0.028), colour, 0.012, 0.6)
