"""Drawings of T-shirts, dresses and trainers."""

from __future__ import annotations

from itemsearch.sample.canvas import (
    Canvas,
    Colour,
    Light,
    Mask,
    Pen,
    Point,
    flipped,
    relief,
    symmetric,
    within,
)  # fmt: skip
from itemsearch.sample.colours import GOLD, INK, PAPER, mixed
from itemsearch.sample.look import Look

_RUBBER: Colour = (240, 239, 234)


def t_shirt(canvas: Canvas, look: Look) -> None:
    """Details: a V-neck, a chest pocket, sleeves in the second colour."""
    boxy, sleeve, flare = look.shape
    hem, side, drop = 0.86, 0.70 + 0.02 * boxy, 0.36 + 0.07 * sleeve
    right = [
        (0.58, 0.16), (0.58, 0.16), (0.66, 0.19), (0.74, 0.24), (0.90, drop), (0.90, drop),
        (0.80, drop + 0.07), (0.80, drop + 0.07), (side + 0.02, 0.37), (side, 0.45),
        (side + 0.02 * flare, hem), (side + 0.02 * flare, hem), (0.5, hem + 0.01),
    ]  # fmt: skip
    body = Pen().blob(symmetric(right)).mask()
    canvas.shadow(body, 0.02, 0.3, (0.01, 0.02))
    light = relief(body, 0.035, 0.45) * _folds([(0.42, 0.84), (0.47, 0.5)], [(0.60, 0.85), (0.63, 0.42)])
    canvas.paint(body, look.fill((0.5, 0.56)), light)
    collar = mixed(look.colour, INK, 0.12)
    if look.detail == 3:
        collar, sleeves = look.accent, Pen()
        for hand in (-1, 1):
            sleeves.polygon(flipped([(0.735, 0.2), (0.71, 0.48), (1, 0.6), (1, 0.2)], hand))
        canvas.paint(within(sleeves, body), look.accent, light)
    below_edge = Pen().box((0, 0.158, 1, 1)).mask()
    canvas.paint(within(_neckline(look.detail == 1, 0.022), below_edge), collar)
    canvas.paint(within(_neckline(look.detail == 1, 0.0), below_edge), mixed(look.colour, INK, 0.45))
    if look.detail == 2:
        edge = [
            (0.56, 0.36),
            (0.56, 0.36),
            (0.66, 0.36),
            (0.66, 0.36),
            (0.66, 0.47),
            (0.61, 0.49),
            (0.56, 0.47),
        ]
        pocket = Pen().blob(edge).mask()
        canvas.shadow(pocket, 0.008, 0.35, (0.003, 0.005))
        canvas.raised(pocket, look.accent, 0.008, 0.4)


def _neckline(pointed: bool, grown: float) -> Mask:
    """The opening for the head, larger by `grown`."""
    bottom = (
        [(0.5, 0.30 + grown), (0.5, 0.30 + grown)]
        if pointed
        else [(0.5, 0.235 + grown), (0.55, 0.235 + grown)]
    )
    return Pen().blob(symmetric([(0.59 + grown, 0.14), (0.59 + grown, 0.17), *reversed(bottom)])).mask()


def _folds(*lines: list[Point]) -> Light:
    """Soft creases along lines, as a light."""
    pen = Pen()
    for line in lines:
        pen.stroke(line, 0.03)
    return relief(pen.mask(), 0.03, 0.12)


def dress(canvas: Canvas, look: Look) -> None:
    """Details: a belt, long sleeves, a collar. The shape flares the skirt and shifts the waist."""
    flare, waist_shift, strap = look.shape
    waist, hem, wide = 0.40 + 0.05 * waist_shift, 0.80 + 0.12 * look.size, 0.20 + 0.12 * flare
    outer = 0.585 + 0.02 * strap
    right = [
        (0.5, 0.18), (0.53, 0.165), (0.555, 0.08), (0.555, 0.08), (outer, 0.08), (outer, 0.08), (0.60, 0.17),
        (0.63, 0.23), (0.62, 0.28), (0.585, waist), (0.585, waist), (0.62, waist + 0.12),
        (0.5 + wide, hem), (0.5 + wide, hem), (0.5, hem + 0.03),
    ]  # fmt: skip
    body = Pen().blob(symmetric(right)).mask()
    surface = look.fill((0.5, 0.55), 0.8)
    canvas.shadow(body, 0.02, 0.28, (0.01, 0.02))
    if look.detail == 2:
        for hand in (-1, 1):
            sleeve = flipped([(0.59, 0.15), (0.66, 0.24), (0.71, 0.48)], hand)
            canvas.raised(Pen().stroke(sleeve, 0.06), surface, 0.02)
    pleats = [[(0.5 + x * 0.06, waist + 0.04), (0.5 + x * wide * 0.8, hem)] for x in (-0.75, -0.3, 0.2, 0.65)]
    canvas.paint(body, surface, relief(body, 0.035, 0.45) * _folds(*pleats))
    if look.detail == 1:
        belt = within(Pen().box((0.3, waist - 0.018, 0.7, waist + 0.018)), body)
        canvas.raised(belt, look.accent, 0.01)
        canvas.paint(Pen().box((0.48, waist - 0.022, 0.52, waist + 0.022), 0.005), GOLD)
    else:
        canvas.paint(within(Pen().stroke([(0.4, waist), (0.6, waist)], 0.006), body), INK, opacity=0.3)
    if look.detail == 3:
        collar = [(0.5, 0.20), (0.52, 0.25), (0.58, 0.22), (0.59, 0.13), (0.55, 0.15)]
        canvas.raised(Pen().blob(symmetric(collar)), look.accent, 0.01)


def trainer(canvas: Canvas, look: Look) -> None:
    """Details: a high top, an arrow on the side, a strap. The shape sets sole, toe cap and nose."""
    thick, capped, nose = look.shape
    high = 0.13 if look.detail == 1 else 0.0
    sole_top = 0.665 - 0.02 * thick
    canvas.floor_shadow((0.51, 0.755), 0.40)
    outline = [
        (0.12, sole_top + 0.03), (0.12, sole_top + 0.03), (0.13, 0.54), (0.105, 0.42 - high),
        (0.12, 0.37 - high), (0.16, 0.37 - high), (0.22, 0.42 - high), (0.29, 0.42 - high),
        (0.34, 0.36 - high), (0.36, 0.31 - high), (0.41, 0.30 - high), (0.45, 0.35 - high / 2),
        (0.52, 0.43), (0.62, 0.49), (0.76, 0.52 + 0.03 * nose), (0.87, 0.57), (0.905, 0.63),
        (0.90, sole_top + 0.03), (0.90, sole_top + 0.03),
    ]  # fmt: skip
    upper = Pen().blob(outline).mask()
    light = relief(upper, 0.045)
    canvas.paint(upper, look.fill((0.42, 0.56), 0.7), light)
    heel = Pen().blob([(0.05, 0.30), (0.17, 0.40 - high), (0.20, 0.55), (0.24, 0.72), (0.05, 0.75)])
    canvas.paint(within(heel, upper), look.accent, light)
    if capped > 0.4:
        toe_cap = Pen().ellipse((0.90, 0.69), (0.17, 0.17))
        canvas.paint(within(toe_cap, upper), mixed(look.accent, PAPER, 0.15), light)
    _laces(canvas, look, high)
    if look.detail == 2:
        arrow = Pen().polygon(
            [(0.30, 0.48), (0.42, 0.48), (0.52, 0.57), (0.42, 0.66), (0.30, 0.66), (0.40, 0.57)]
        )
        canvas.paint(within(arrow, upper), look.accent, light)
    if look.detail == 3:
        strap = within(Pen().stroke([(0.34, 0.62), (0.40, 0.50), (0.53, 0.40)], 0.085), upper)
        canvas.shadow(strap, 0.01, 0.25, (0, 0.008))
        canvas.raised(strap, look.accent, 0.02)
    _sole(canvas, sole_top, mixed(look.accent, INK, 0.2))


def _laces(canvas: Canvas, look: Look, high: float) -> None:
    (left, top), (right, bottom) = (0.385, 0.345 - high), (0.615, 0.525)
    tongue = Pen().stroke(
        [(left, top), ((left + right) / 2, (top + bottom) / 2 + 0.02), (right, bottom)], 0.055
    )
    canvas.raised(tongue, mixed(look.colour, INK, 0.25), 0.015)
    laces, count = Pen(), 5 + 2 * (high > 0)
    for step in range(count):
        along = (step + 0.3) / count
        x, y = left + along * (right - left), top + along * (bottom - top) + 0.012
        laces.stroke([(x - 0.035, y + 0.03), (x + 0.03, y - 0.025)], 0.015)
    canvas.shadow(laces, 0.005, 0.3, (0.003, 0.006))
    canvas.paint(laces, _RUBBER)


def _sole(canvas: Canvas, top: float, tread: Colour) -> None:
    outline = [
        (0.10, top), (0.10, top), (0.5, top + 0.025), (0.92, top - 0.025), (0.93, top + 0.03), (0.90, 0.755),
        (0.60, 0.765), (0.14, 0.765), (0.095, 0.74),
    ]  # fmt: skip
    sole = Pen().blob(outline).mask()
    canvas.raised(sole, _RUBBER, 0.02, 0.6)
    canvas.paint(within(Pen().box((0, 0.742, 1, 1)), sole), tread)
