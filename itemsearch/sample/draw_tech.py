"""Drawings of phone cases, headphones and speakers."""

from __future__ import annotations

from itemsearch.sample.canvas import Canvas, Pen, Point, flipped, relief, slope, within
from itemsearch.sample.colours import INK, PAPER, STEEL, mixed
from itemsearch.sample.look import Look


def phone_case(canvas: Canvas, look: Look) -> None:
    """Details: a ring to hold, a wrist strap, a card pocket. The size chooses the phone and so the camera."""
    corner, slim, _ = look.shape
    half, top = 0.195 - 0.01 * slim, 0.08
    left, right = 0.5 - half, 0.5 + half
    body = Pen().box((left, top, right, 1 - top), 0.035 + 0.035 * corner).mask()
    canvas.shadow(body, 0.025, 0.45, (0.02, 0.03))
    if look.detail == 2:
        loop = [(right - 0.04, 0.88), (0.80, 0.90), (0.88, 0.70), (0.80, 0.62), (right - 0.02, 0.84)]
        canvas.raised(Pen().stroke(loop, 0.024), look.accent, 0.008, 0.6)
    keys = Pen().box((right - 0.01, 0.30, right + 0.012, 0.36), 0.006)
    canvas.paint(keys.box((right - 0.01, 0.40, right + 0.012, 0.50), 0.006), mixed(look.colour, INK, 0.25))
    canvas.paint(body, look.fill((0.5, 0.46)), relief(body, 0.02, 0.6) * slope(1.06, 0.95))
    _cameras(canvas, look.size, left, top)
    if look.detail == 1:
        ring = Pen().ellipse((0.5, 0.62), (0.085, 0.085)).ellipse((0.5, 0.62), (0.062, 0.062), ink=0).mask()
        canvas.shadow(ring, 0.008, 0.4, (0.005, 0.01))
        canvas.raised(ring, STEEL, 0.01, 0.9)
    if look.detail == 3:
        pocket = Pen().box((left + 0.05, 0.55, right - 0.05, 0.84), 0.02).mask()
        canvas.shadow(pocket, 0.008, 0.35, (0.003, 0.006))
        canvas.raised(pocket, look.accent, 0.012)


def _cameras(canvas: Canvas, size: float, left: float, top: float) -> None:
    """Two lenses in a column, three in a square, or a bar across the whole back."""
    if size < 0.34:
        island = Pen().box((left + 0.03, top + 0.03, left + 0.13, top + 0.23), 0.05)
        lenses = [(left + 0.08, top + 0.08), (left + 0.08, top + 0.18)]
    elif size < 0.67:
        island = Pen().box((left + 0.03, top + 0.03, left + 0.22, top + 0.22), 0.045)
        lenses = [(left + 0.08, top + 0.08), (left + 0.08, top + 0.17), (left + 0.17, top + 0.125)]
    else:
        island = Pen().box((left + 0.025, top + 0.06, 0.975 - left, top + 0.17), 0.05)
        lenses = [(left + 0.085, top + 0.115), (left + 0.18, top + 0.115), (left + 0.275, top + 0.115)]
    canvas.raised(island, mixed(INK, PAPER, 0.12), 0.012)
    rings, glass, glints = Pen(), Pen(), Pen()
    for x, y in lenses:
        rings.ellipse((x, y), (0.04, 0.04))
        glass.ellipse((x, y), (0.030, 0.030))
        glints.ellipse((x - 0.009, y - 0.009), (0.008, 0.008))
    canvas.raised(rings, mixed(INK, STEEL, 0.55), 0.01, 0.7)
    canvas.paint(glass, (16, 18, 30))
    canvas.paint(glints, (150, 170, 210))


def headphones(canvas: Canvas, look: Look) -> None:
    """Details: a boom microphone, a cable, padding in the second colour on the band."""
    oval, thick, wide = look.shape
    spread, y, width = 0.25 + 0.03 * wide, 0.60, 0.045 + 0.02 * thick
    left, right = 0.5 - spread, 0.5 + spread
    canvas.floor_shadow((0.5, 0.83), 0.34)
    if look.detail == 2:
        cable = [(left, 0.76), (left, 0.92), (0.44, 0.96), (0.62, 0.90), (0.80, 0.95)]
        canvas.raised(Pen().stroke(cable, 0.016), INK, 0.006)
    reach = right + 0.01
    arch = [*flipped([(reach, y), (reach, 0.06)], -1), (reach, 0.06), (reach, y)]
    canvas.raised(Pen().stroke(arch, width), mixed(look.colour, INK, 0.12), 0.018, 0.6)
    if look.detail == 3:
        above = Pen().box((0.5 - spread * 0.62, 0, 0.5 + spread * 0.62, 0.5), 0.04).mask()
        canvas.raised(within(Pen().stroke(arch, width * 1.5), above), look.accent, 0.02, 0.6)
    for side in (-1, 1):
        _ear_cup(canvas, look, (0.5 + side * spread, y), 0.165 + 0.03 * oval)
    if look.detail == 1:
        canvas.raised(Pen().stroke([(left, y + 0.1), (left + 0.02, 0.88), (0.46, 0.86)], 0.02), INK, 0.008)
        canvas.raised(Pen().ellipse((0.47, 0.86), (0.045, 0.028)), INK, 0.015, 0.7)


def _ear_cup(canvas: Canvas, look: Look, at: Point, down: float) -> None:
    """The cushion, towards the head, and the shell that holds it."""
    x, y = at
    side = 1 if x > 0.5 else -1
    inner = x - side * 0.06
    cushion = Pen().box((inner - 0.05, y - down * 0.9, inner + 0.05, y + down * 0.9), 0.05)
    canvas.raised(cushion, mixed(look.accent, INK, 0.15), 0.03, 0.6)
    shell = [
        (-0.035, -1.0),
        (-0.035, -1.0),
        (0.09, -0.95),
        (0.13, 0.0),
        (0.09, 0.95),
        (-0.035, 1.0),
        (-0.035, 1.0),
    ]
    outline = [(x + side * across, y + down * share) for across, share in shell]
    canvas.raised(Pen().blob(outline), look.fill(at, 0.7), 0.04, 0.6)


def speaker(canvas: Canvas, look: Look) -> None:
    """Details: a carrying handle, rings of light, feet of steel."""
    slim, rounded, cone = look.shape
    half, top, bottom = 0.22 + 0.04 * (1 - slim), 0.34 - 0.16 * look.size, 0.86
    canvas.floor_shadow((0.5, bottom + 0.02), half * 1.1)
    if look.detail == 1:
        grip = [(0.40, top + 0.02), (0.40, top - 0.09), (0.60, top - 0.09), (0.60, top + 0.02)]
        canvas.raised(Pen().stroke(grip, 0.032), look.accent, 0.012, 0.7)
    if look.detail == 3:
        feet = Pen().box((0.53 - half, bottom - 0.02, 0.60 - half, bottom + 0.03), 0.01)
        canvas.raised(
            feet.box((0.40 + half, bottom - 0.02, 0.47 + half, bottom + 0.03), 0.01), STEEL, 0.01, 0.8
        )
    body = Pen().box((0.5 - half, top, 0.5 + half, bottom), 0.02 + 0.07 * rounded)
    canvas.raised(body, look.fill((0.5, top + 0.1), 0.8), 0.03)
    woofer = half * (0.66 + 0.1 * cone)
    tweeter = min(woofer * 0.5, (bottom - top - 2 * woofer - 0.06) / 2)
    _driver(canvas, look, (0.5, bottom - woofer - 0.03), woofer)
    _driver(canvas, look, (0.5, top + 0.02 + tweeter), tweeter)


def _driver(canvas: Canvas, look: Look, at: Point, radius: float) -> None:
    """A surround in the second colour, a dark cone that sinks in, a dome in its middle."""
    canvas.raised(
        Pen().ellipse(at, (radius, radius)), (90, 210, 255) if look.detail == 2 else look.accent, 0.02
    )
    cone = Pen().ellipse(at, (radius * 0.82, radius * 0.82))
    canvas.raised(cone, mixed(INK, PAPER, 0.10), radius * 0.3, -0.7)
    canvas.raised(
        Pen().ellipse(at, (radius * 0.32, radius * 0.32)), mixed(INK, PAPER, 0.2), radius * 0.12, 0.9
    )
