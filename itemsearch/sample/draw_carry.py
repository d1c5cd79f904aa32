"""Drawings of backpacks, handbags and notebooks."""

from __future__ import annotations

from itemsearch.sample.canvas import Canvas, Colour, Pen, around, flipped, relief, slope, symmetric, within
from itemsearch.sample.colours import GOLD, INK, PAPER, STEEL, mixed
from itemsearch.sample.look import Look


def backpack(canvas: Canvas, look: Look) -> None:
    """Details: side pockets, buckled straps, a rolled top, all in the second colour."""
    round_top, pocket_height, _ = look.shape
    top, bottom, half = 0.24 - 0.05 * look.size, 0.88, 0.24 + 0.03 * look.size
    right, corner = 0.5 + half, 0.02 + 0.10 * round_top
    canvas.floor_shadow((0.5, bottom), half * 1.1)
    _carrying_straps(canvas, look, top, right)
    outline = [
        (0.5, top), (right - corner, top), (right, top + corner), (right + 0.015, 0.6),
        (right + 0.01, bottom), (right - 0.01, bottom + 0.01), (0.5, bottom + 0.01),
    ]  # fmt: skip
    canvas.raised(Pen().blob(symmetric(outline)), look.fill((0.5, 0.42)), 0.05)
    dark = mixed(look.colour, INK, 0.55)
    if look.detail == 3:
        roll = Pen().box((0.49 - half, top - 0.02, right + 0.01, top + 0.08), 0.04)
        canvas.raised(roll, look.accent, 0.03, 0.6)
    else:
        zip_line = flipped([(right - 0.03, 0.56), (right - 0.04, top + 0.10)], -1)
        zip_line += [(right - 0.04, top + 0.10), (right - 0.03, 0.56)]
        canvas.paint(Pen().stroke(zip_line, 0.011), dark)
    pocket_top = 0.60 - 0.05 * pocket_height
    _front_pocket(canvas, look, pocket_top, right, dark)
    if look.detail == 2:
        for x in (0.40, 0.60):
            band = Pen().box((x - 0.02, top + 0.04, x + 0.02, pocket_top + 0.1), 0.008).mask()
            canvas.shadow(band, 0.008, 0.3, (0.004, 0.004))
            canvas.raised(band, look.accent, 0.012)
            buckle = Pen().box((x - 0.03, pocket_top + 0.03, x + 0.03, pocket_top + 0.08), 0.008)
            canvas.paint(
                buckle.box((x - 0.014, pocket_top + 0.042, x + 0.014, pocket_top + 0.068), ink=0), GOLD
            )


def _carrying_straps(canvas: Canvas, look: Look, top: float, right: float) -> None:
    """The handle, the straps behind and, as a detail, the pockets at the sides."""
    handle = [(0.43, top + 0.03), (0.43, top - 0.07), (0.57, top - 0.07), (0.57, top + 0.03)]
    canvas.raised(Pen().stroke(handle, 0.03), look.accent, 0.012, 0.6)
    strap = [(right - 0.03, top + 0.12), (right + 0.07, top + 0.3), (right - 0.01, 0.82)]
    for side in (-1, 1):
        canvas.raised(Pen().stroke(flipped(strap, side), 0.04), mixed(look.accent, INK, 0.25), 0.015)
        if look.detail == 1:
            x = 0.5 + side * (right - 0.5)
            canvas.raised(Pen().box((x - 0.06, 0.60, x + 0.06, 0.84), 0.03), look.accent, 0.025, 0.6)


def _front_pocket(canvas: Canvas, look: Look, top: float, right: float, dark: Colour) -> None:
    outline = [(0.5, top), (right - 0.06, top), (right - 0.05, 0.84), (0.5, 0.85)]
    pocket = Pen().blob(symmetric(outline)).mask()
    canvas.shadow(pocket, 0.012, 0.35, (0.004, 0.01))
    canvas.raised(pocket, mixed(look.colour, INK, 0.10), 0.035)
    canvas.paint(Pen().stroke([(1.1 - right, top + 0.045), (right - 0.1, top + 0.045)], 0.011), dark)
    canvas.raised(Pen().box((0.46, top + 0.10, 0.54, top + 0.14), 0.008), look.accent, 0.006)


def handbag(canvas: Canvas, look: Look) -> None:
    """Details: a flap in the second colour, a chain strap, a charm."""
    flare, tall_handle, round_base = look.shape
    top, bottom = 0.46 - 0.04 * look.size, 0.84
    half_top, half_bottom = 0.26 - 0.04 * flare + 0.03 * look.size, 0.28 + 0.04 * look.size
    canvas.floor_shadow((0.5, bottom), half_bottom)
    _bag_handle(canvas, look, top, 0.22 - 0.09 * tall_handle)
    corner = 0.02 + 0.06 * round_base
    outline = [
        (0.5, top), (0.5 + half_top, top), (0.5 + half_top, top), (0.5 + half_bottom, bottom - corner),
        (0.5 + half_bottom - corner * 0.3, bottom), (0.5, bottom + 0.01),
    ]  # fmt: skip
    body = Pen().blob(symmetric(outline)).mask()
    canvas.raised(body, look.fill((0.5, 0.70), 0.8), 0.045)
    if look.detail == 1:
        edge = [
            (0.5, top - 0.02),
            (0.5 + half_bottom, top - 0.02),
            (0.5 + half_bottom, top + 0.1),
            (0.5, top + 0.26),
        ]
        flap = within(Pen().blob(symmetric(edge)), body)
        canvas.shadow(flap, 0.012, 0.35, (0.0, 0.012))
        canvas.raised(flap, look.accent, 0.03)
        clasp = Pen().box((0.475, top + 0.135, 0.525, top + 0.18), 0.012)
    else:
        seam = Pen().stroke([(0.47 - half_top, top + 0.045), (0.53 + half_top, top + 0.045)], 0.009)
        canvas.paint(within(seam, body), mixed(look.colour, INK, 0.5))
        clasp = Pen().ellipse((0.5, top + 0.045), (0.022, 0.022))
    canvas.raised(clasp, GOLD, 0.01, 0.8)
    if look.detail == 3:
        canvas.paint(Pen().stroke([(0.37, top), (0.35, top + 0.13)], 0.01), GOLD)
        canvas.raised(Pen().ellipse((0.35, top + 0.17), (0.045, 0.045)), look.accent, 0.02, 0.8)


def _bag_handle(canvas: Canvas, look: Look, top: float, peak: float) -> None:
    if look.detail == 2:
        chain = Pen()
        for link in range(19):
            x, y = around((0.0, 0.0), 1.0, (link - 9) / 36)
            chain.ellipse((0.5 + 0.16 * x, top + 0.03 + (top - peak) * y), (0.017, 0.013))
        canvas.raised(chain, GOLD, 0.012, 0.7)
    else:
        arch = [(0.37, top + 0.06), (0.36, peak), (0.64, peak), (0.63, top + 0.06)]
        canvas.raised(Pen().stroke(arch, 0.032), look.accent, 0.012, 0.7)


def notebook(canvas: Canvas, look: Look) -> None:
    """Details: an elastic band, a spiral, a ribbon."""
    rounded, slim, label = look.shape
    half, top = 0.23 + 0.05 * look.size - 0.02 * slim, 0.18 - 0.06 * look.size
    left, right, bottom, corner = 0.5 - half, 0.5 + half, 1 - top, 0.008 + 0.03 * rounded
    cover = Pen().box((left, top, right, bottom), corner).mask()
    canvas.shadow(cover, 0.025, 0.45, (0.02, 0.03))
    pages = Pen().box((left + 0.02, top + 0.012, right + 0.016, bottom + 0.012), corner)
    canvas.raised(pages, mixed(PAPER, INK, 0.08), 0.008)
    canvas.paint(cover, look.fill((0.5, 0.45)), relief(cover, 0.012) * slope(1.06, 0.96))
    if look.detail == 2:
        _spiral(canvas, left, top, bottom)
    else:
        spine = Pen().box((left, top, left + 0.055, bottom), corner)
        canvas.paint(spine, mixed(look.colour, INK, 0.35), slope(1.06, 0.96), opacity=0.75)
    if label > 0.6 and look.pattern != "Lettering":
        canvas.raised(Pen().box((0.41, 0.30, 0.63, 0.40), 0.012), PAPER, 0.006)
        lines = (
            Pen().stroke([(0.45, 0.338), (0.59, 0.338)], 0.006).stroke([(0.45, 0.365), (0.59, 0.365)], 0.006)
        )
        canvas.paint(lines, INK, opacity=0.5)
    if look.detail == 1:
        band = Pen().box((right - 0.075, top - 0.003, right - 0.05, bottom + 0.008), 0.003).mask()
        canvas.shadow(band, 0.006, 0.3, (0.004, 0.0))
        canvas.raised(band, look.accent, 0.008)
    if look.detail == 3:
        tail = [
            (0.60, bottom),
            (0.64, bottom),
            (0.655, bottom + 0.10),
            (0.635, bottom + 0.08),
            (0.615, bottom + 0.10),
        ]
        canvas.raised(Pen().polygon(tail), look.accent, 0.008)


def _spiral(canvas: Canvas, left: float, top: float, bottom: float) -> None:
    wire = Pen()
    for step in range(14):
        y = top + 0.04 + step * (bottom - top - 0.08) / 13
        wire.stroke([(left - 0.025, y), (left + 0.03, y)], 0.013)
    canvas.shadow(wire, 0.006, 0.3, (0.003, 0.006))
    canvas.raised(wire, STEEL, 0.006, 0.8)
