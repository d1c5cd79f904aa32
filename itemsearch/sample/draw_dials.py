"""Drawings of wall clocks and watches."""

from __future__ import annotations

from itemsearch.sample.canvas import Canvas, Colour, Mask, Pen, around, slope, symmetric
from itemsearch.sample.colours import GOLD, INK, PAPER, STEEL, brightness, mixed
from itemsearch.sample.look import Look

_MIDDLE = (0.5, 0.5)


def clock(canvas: Canvas, look: Look) -> None:
    """Details: numerals, a second hand, a gold inner rim. The shape chooses the case."""
    outline, thick, slim_hands = look.shape
    radius = 0.31 + 0.07 * look.size
    face = radius * (0.90 - 0.08 * thick)
    case = _clock_outline(outline, radius)
    canvas.shadow(case, 0.03, 0.4, (0.02, 0.035))
    canvas.raised(case, look.accent, 0.03, 0.6)
    if look.detail == 3:
        canvas.paint(_clock_outline(outline, face), GOLD)
        face -= 0.012
    canvas.paint(_clock_outline(outline, face), look.fill(_MIDDLE, 0.9), slope(0.92, 1.05))
    ink, reach = _readable_on(look.colour), face * 0.86
    if look.detail == 1:
        numerals = Pen()
        for hour in range(12):
            numerals.text(around(_MIDDLE, reach * 0.93, hour / 12), str(hour or 12), 0.06)
        canvas.paint(numerals, ink)
    else:
        _hour_marks(canvas, reach, 0.016, ink)
    _hands(canvas, reach, (-0.16, 0.16), 0.024 - 0.010 * slim_hands, ink)
    if look.detail == 2:
        second = [around(_MIDDLE, 0.06, 0.04), around(_MIDDLE, reach * 0.8, 0.54)]
        canvas.paint(Pen().stroke(second, 0.008), (214, 44, 44))


def _clock_outline(kind: float, radius: float) -> Mask:
    if kind < 0.5:
        return Pen().ellipse(_MIDDLE, (radius, radius)).mask()
    if kind < 0.75:
        return Pen().box((0.5 - radius, 0.5 - radius, 0.5 + radius, 0.5 + radius), radius * 0.2).mask()
    return Pen().polygon([around(_MIDDLE, 1.06 * radius, (corner + 0.5) / 8) for corner in range(8)]).mask()


def watch(canvas: Canvas, look: Look) -> None:
    """Details: a date window, three small dials, a case of gold. The shape chooses a round or square case."""
    square, slim, turn = look.shape
    metal = GOLD if look.detail == 3 else STEEL
    radius = 0.18 + 0.035 * look.size
    _strap(canvas, look, 0.085 + 0.02 * (1 - slim))
    crown = Pen().box((0.5 + radius - 0.01, 0.475, 0.5 + radius + 0.03, 0.525), 0.008)
    canvas.raised(crown, metal, 0.01, 0.7)
    case = _watch_outline(square, radius)
    canvas.shadow(case, 0.015, 0.4, (0.01, 0.015))
    canvas.raised(case, metal, 0.025, 0.7)
    canvas.paint(_watch_outline(square, radius - 0.028), look.accent, slope(0.9, 1.1))

    ink, reach = _readable_on(look.accent), radius - 0.04
    if look.detail == 2:
        small = Pen()
        for place in (0.25, 0.5, 0.75):
            small.ellipse(around(_MIDDLE, reach * 0.45, place), (reach * 0.26, reach * 0.26))
        canvas.paint(small, mixed(look.accent, ink, 0.35))
    if look.detail == 1:
        canvas.paint(Pen().box((0.5 + reach * 0.42, 0.475, 0.5 + reach * 0.78, 0.525), 0.004), PAPER)
        canvas.paint(Pen().text((0.5 + reach * 0.6, 0.5), "24", 0.035), INK)
    _hour_marks(canvas, reach, 0.011, ink)
    _hands(canvas, reach, (0.16 * turn - 0.16, 0.16 * turn + 0.16), 0.016, ink)


def _strap(canvas: Canvas, look: Look, half: float) -> None:
    right = [
        (0.5, 0.04), (0.5 + half * 0.8, 0.04), (0.5 + half * 0.85, 0.06), (0.5 + half, 0.36),
        (0.5 + half, 0.64), (0.5 + half * 0.85, 0.94), (0.5 + half * 0.8, 0.96), (0.5, 0.97),
    ]  # fmt: skip
    strap = Pen().blob(symmetric(right)).mask()
    canvas.shadow(strap, 0.02, 0.35, (0.015, 0.02))
    canvas.raised(strap, look.fill((0.5, 0.82), 0.5), 0.03)
    holes = Pen()
    for y in (0.80, 0.84, 0.88):
        holes.ellipse((0.5, y), (0.009, 0.009))
    canvas.paint(holes, INK, opacity=0.7)


def _watch_outline(square: float, radius: float) -> Mask:
    if square < 0.65:
        return Pen().ellipse(_MIDDLE, (radius, radius)).mask()
    across = radius * 0.9
    return Pen().box((0.5 - across, 0.5 - radius, 0.5 + across, 0.5 + radius), radius * 0.3).mask()


def _hour_marks(canvas: Canvas, reach: float, width: float, ink: Colour) -> None:
    """Long marks at the quarters, short ones between."""
    marks = Pen()
    for hour in range(12):
        start, share = (0.80, 1.0) if hour % 3 == 0 else (0.89, 0.6)
        line = [around(_MIDDLE, reach * start, hour / 12), around(_MIDDLE, reach, hour / 12)]
        marks.stroke(line, width * share)
    canvas.paint(marks, ink)


def _hands(canvas: Canvas, reach: float, turns: tuple[float, float], width: float, ink: Colour) -> None:
    """The hour hand at the first turn, the minute hand at the second."""
    hands = Pen().ellipse(_MIDDLE, (width * 0.85, width * 0.85))
    for turn, length, share in zip(turns, (0.52, 0.80), (1.0, 0.7), strict=True):
        hands.stroke([_MIDDLE, around(_MIDDLE, reach * length, turn)], width * share)
    canvas.shadow(hands, 0.006, 0.3, (0.006, 0.01))
    canvas.paint(hands, ink)


def _readable_on(colour: Colour) -> Colour:
    return INK if brightness(colour) > 115 else PAPER
