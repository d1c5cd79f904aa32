"""Drawings of mugs, teapots and bottles."""

from __future__ import annotations

from itemsearch.sample.canvas import Canvas, Colour, Pen, cylinder, within
from itemsearch.sample.colours import GOLD, INK, OAK, PAPER, STEEL, mixed
from itemsearch.sample.look import Look
from itemsearch.sample.round_bodies import level_disc, turned, wrapped


def mug(canvas: Canvas, look: Look) -> None:
    """Details: a gold rim, an oak lid, a handle in the second colour."""
    taper, plump, round_handle = look.shape
    centre, bottom, radius = 0.45, 0.78, 0.20 + 0.03 * plump
    top = 0.38 - 0.14 * look.size
    middle = (top + bottom) / 2
    canvas.floor_shadow((0.48, bottom + 0.02), 0.27)

    joint, reach = centre + radius - 0.03, centre + radius + 0.11 + 0.04 * round_handle
    half = 0.13 - 0.03 * round_handle
    corners = [(joint, middle - half), (reach, middle - half), (reach, middle + half), (joint, middle + half)]
    canvas.raised(Pen().stroke(corners, 0.042), look.accent if look.detail == 3 else look.colour, 0.015, 0.7)

    foot = radius * (1 - 0.35 * taper)
    profile = [(top, radius), (middle, radius), (bottom - 0.05, (radius + foot) / 2), (bottom, foot)]
    body = turned(profile, centre)
    canvas.paint(body, wrapped(look.fill((centre, middle), 0.8), centre, radius), cylinder(body))
    _opening(canvas, centre, top, radius, GOLD if look.detail == 1 else mixed(look.colour, PAPER, 0.45))
    if look.detail == 2:
        _oak_lid(canvas, centre, top, radius * 1.02)


def _opening(canvas: Canvas, centre: float, top: float, radius: float, rim: Colour) -> None:
    canvas.paint(level_disc(top, radius, centre), rim)
    inside = level_disc(top + 0.002, radius - 0.014, centre).mask()
    canvas.paint(inside, mixed(PAPER, INK, 0.22), cylinder(inside, 0.0))
    deep = level_disc(top + 0.02, radius - 0.03, centre + 0.01)
    canvas.paint(within(deep, inside), mixed(PAPER, INK, 0.45), opacity=0.6)


def _oak_lid(canvas: Canvas, centre: float, top: float, radius: float) -> None:
    lid = turned([(top - 0.035, radius), (top - 0.005, radius)], centre)
    canvas.paint(lid, OAK, cylinder(lid, 0.1))
    canvas.paint(level_disc(top - 0.035, radius, centre), mixed(OAK, PAPER, 0.2))
    knob = turned([(top - 0.075, 0.03), (top - 0.04, 0.022)], centre)
    canvas.paint(knob, OAK, cylinder(knob))


def teapot(canvas: Canvas, look: Look) -> None:
    """Details: a gold knob, an oak handle, little feet in the second colour."""
    plump, low, long_spout = look.shape
    middle, across = 0.58 + 0.03 * low, 0.21 + 0.03 * plump + 0.03 * look.size
    down = across * (0.88 - 0.12 * low)
    canvas.floor_shadow((0.5, middle + down + 0.005), across * 0.95)

    right, grip = 0.5 + across - 0.03, 0.15
    handle = [(right - 0.03, middle - 0.1), (right + grip, middle - 0.17), (right + grip, middle + 0.1),
              (right, middle + 0.07)]  # fmt: skip
    canvas.raised(Pen().stroke(handle, 0.036), OAK if look.detail == 2 else look.colour, 0.015, 0.7)

    left, lip = 0.5 - across, 0.12 + 0.04 * long_spout
    spout = [
        (left + 0.06, middle + 0.12), (left + 0.06, middle - 0.05), (left - lip * 0.3, middle - 0.02),
        (left - lip + 0.03, middle - 0.18), (left - lip + 0.03, middle - 0.18),
        (left - lip - 0.02, middle - 0.17), (left - lip - 0.02, middle - 0.17),
        (left - lip * 0.7, middle + 0.07),
    ]  # fmt: skip
    canvas.raised(Pen().blob(spout), look.colour, 0.02, 0.6)
    if look.detail == 3:
        for side in (-0.6, 0.0, 0.6):
            foot = Pen().ellipse((0.5 + side * across, middle + down - 0.012), (0.025, 0.03))
            canvas.raised(foot, look.accent, 0.01)

    body = Pen().ellipse((0.5, middle), (across, down))
    canvas.raised(body, wrapped(look.fill((0.5, middle), 0.8), 0.5, across), 0.07, 0.42)
    _domed_lid(canvas, look, middle - down, across)


def _domed_lid(canvas: Canvas, look: Look, top: float, across: float) -> None:
    seat = Pen().ellipse((0.5, top + 0.02), (across * 0.55, 0.035))
    canvas.raised(seat, mixed(look.colour, INK, 0.18), 0.02)
    canvas.raised(Pen().ellipse((0.5, top + 0.01), (across * 0.5, 0.034)), look.colour, 0.02, 0.6)
    knob = Pen().ellipse((0.5, top - 0.035), (0.027, 0.027))
    canvas.raised(knob, GOLD if look.detail == 1 else look.colour, 0.015, 0.8)


def bottle(canvas: Canvas, look: Look) -> None:
    """Details: a straw lid, a carrying loop, a steel base."""
    slim, sloping, wide_neck = look.shape
    radius = 0.125 + 0.025 * (1 - slim)
    top, bottom = 0.34 - 0.12 * look.size, 0.90
    neck = radius * (0.5 + 0.25 * wide_neck)
    shoulder = top + 0.08 + 0.07 * sloping
    canvas.floor_shadow((0.5, bottom + 0.012), radius * 1.2)
    if look.detail == 2:
        loop = (
            Pen().ellipse((0.5, top - 0.085), (0.07, 0.07)).ellipse((0.5, top - 0.085), (0.048, 0.048), ink=0)
        )
        canvas.raised(loop, look.accent, 0.012)
    body = turned(
        [(top, neck), (top + 0.03, neck), (shoulder, radius), (shoulder + 0.06, radius), (bottom, radius)]
    )
    surface = wrapped(look.fill((0.5, (shoulder + bottom) / 2 + 0.03), 0.75), 0.5, radius)
    canvas.paint(body, surface, cylinder(body, 0.35))
    if look.detail == 3:
        base = within(turned([(bottom - 0.06, radius), (bottom, radius)]), body)
        canvas.paint(base, STEEL, cylinder(base, 0.35))
    cap = turned([(top - 0.08, neck * 1.08), (top + 0.01, neck * 1.08)])
    canvas.paint(cap, look.accent, cylinder(cap, 0.3))
    canvas.paint(level_disc(top - 0.08, neck * 1.08), mixed(look.accent, PAPER, 0.3))
    if look.detail == 1:
        straw = Pen().stroke(
            [(0.5, top - 0.08), (0.5, top - 0.15), (0.5, top - 0.15), (0.57, top - 0.17)], 0.026
        )
        canvas.raised(straw, mixed(look.accent, PAPER, 0.35), 0.01, 0.7)
