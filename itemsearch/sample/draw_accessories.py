"""Drawings of caps, sunglasses and umbrellas."""

from __future__ import annotations

from itemsearch.sample.canvas import Canvas, Pen, Point, flipped, relief, slope, within
from itemsearch.sample.colours import GOLD, INK, OAK, PAPER, STEEL, mixed
from itemsearch.sample.look import Look


def cap(canvas: Canvas, look: Look) -> None:
    """Details: a badge, an eyelet row, a brim in the second colour."""
    tall, long_brim, curved = look.shape
    top, reach, dip = 0.27 - 0.05 * tall, 0.86 + 0.06 * long_brim, 0.03 * curved
    canvas.floor_shadow((0.5, 0.70), 0.36)
    outline = [
        (0.13, 0.66), (0.13, 0.66), (0.12, 0.45), (0.22, top + 0.03), (0.40, top - 0.02), (0.58, top + 0.04),
        (0.66, 0.44), (0.68, 0.60), (0.68, 0.60), (0.40, 0.68),
    ]  # fmt: skip
    crown = Pen().blob(outline).mask()
    canvas.paint(crown, look.fill((0.34, 0.50), 0.7), relief(crown, 0.07, 0.45))
    seams = Pen()
    for foot in (0.26, 0.55):
        seams.stroke([(0.40, top), (foot, 0.40), (foot, 0.67)], 0.006)
    canvas.paint(within(seams, crown), INK, opacity=0.35)
    canvas.raised(Pen().ellipse((0.40, top + 0.008), (0.03, 0.018)), look.accent, 0.01, 0.6)
    if look.detail == 1:
        badge = Pen().ellipse((0.55, 0.47), (0.06, 0.07)).mask()
        canvas.shadow(badge, 0.006, 0.3, (0.002, 0.004))
        canvas.raised(badge, look.accent, 0.012, 0.4)
        canvas.paint(Pen().text((0.55, 0.47), look.word[0], 0.07), look.colour)
    if look.detail == 2:
        eyelets = Pen()
        for x, y in ((0.20, 0.40), (0.31, 0.36), (0.47, 0.36), (0.58, 0.40)):
            eyelets.ellipse((x, y), (0.016, 0.016))
        canvas.raised(eyelets, look.accent, 0.006, 0.8)
    brim_line = [
        (0.42, 0.665), (0.42, 0.665), (0.56, 0.60), (0.69, 0.575), (0.82, 0.60), (reach, 0.66 + dip),
        (reach, 0.70 + dip), (0.78, 0.675 + dip), (0.60, 0.68),
    ]  # fmt: skip
    brim = Pen().blob(brim_line).mask()
    canvas.shadow(brim, 0.015, 0.35, (0.0, 0.015))
    canvas.raised(brim, look.accent if look.detail == 3 else mixed(look.colour, INK, 0.08), 0.02, 0.6)


def sunglasses(canvas: Canvas, look: Look) -> None:
    """Details: mirrored lenses, a double bridge, lenses in the second colour."""
    roundness, wide, cat_eye = look.shape
    across, down, y = 0.165 + 0.015 * wide, 0.125 + 0.02 * roundness, 0.50
    hinge, middle = 0.545 + 2 * across, 0.54 + across
    canvas.floor_shadow((0.5, 0.67), 0.28)
    arm = [
        (hinge - 0.02, y - 0.07),
        (hinge + 0.015, y - 0.10),
        (hinge - 0.05, y - 0.17),
        (hinge - 0.10, y - 0.19),
    ]
    frame, lenses, shine = Pen(), Pen(), Pen()
    for side in (-1, 1):
        canvas.raised(Pen().stroke(flipped(arm, side), 0.022), mixed(look.colour, INK, 0.3), 0.01)
        frame.blob(flipped(_lens((middle, y), (across, down), roundness, cat_eye), side))
        lenses.blob(
            flipped(_lens((middle, y + 0.003), (across - 0.03, down - 0.027), roundness, cat_eye), side)
        )
        x = 0.5 + side * (middle - 0.5)
        shine.polygon([(x - 0.06, y - 0.2), (x - 0.01, y - 0.2), (x - 0.10, y + 0.2), (x - 0.15, y + 0.2)])
    frame.stroke([(0.44, y - 0.03), (0.5, y - 0.065), (0.56, y - 0.03)], 0.03)
    if look.detail == 2:
        frame.stroke([(0.38, y - 0.12), (0.5, y - 0.135), (0.62, y - 0.12)], 0.026)
    canvas.raised(frame.mask(), look.fill((0.5, y), 0.5), 0.02, 0.7)
    glass = lenses.mask()
    tint = {1: (168, 196, 214), 3: mixed(look.accent, INK, 0.25)}.get(look.detail, (52, 54, 60))
    canvas.paint(glass, tint, slope(0.5, 1.75))
    canvas.paint(within(shine, glass), PAPER, opacity=0.55 if look.detail == 1 else 0.22)


def _lens(centre: Point, radii: Point, roundness: float, lift: float) -> list[Point]:
    """The right lens, a rounded square to a near circle; `lift` raises its outer upper corner."""
    (x, y), (across, down) = centre, radii
    cut = 0.35 + 0.25 * roundness
    corners: list[Point] = []
    for right, low in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        raised = 0.035 * lift if (right, low) == (1, -1) else 0.0
        at_side = (x + right * across, y + low * down * (1 - cut) - raised)
        at_edge = (x + right * across * (1 - cut), y + low * down - raised)
        corners += [at_side, at_edge] if right * low > 0 else [at_edge, at_side]
    return corners


def umbrella(canvas: Canvas, look: Look) -> None:
    """Details: an oak handle, a beaded edge in the second colour, a gold tip."""
    dome, gores, curl = look.shape
    half, rise, edge = 0.34 + 0.06 * look.size, 0.30 + 0.10 * dome, 0.52
    panels, left = 5 + 2 * (gores > 0.5), 0.5 - half
    step, hook = 2 * half / panels, 0.10 + 0.04 * curl
    canvas.floor_shadow((0.5, 0.94), 0.14)
    canvas.raised(Pen().stroke([(0.5, 0.12), (0.5, 0.84)], 0.016), STEEL, 0.008, 0.6)
    crook = [(0.5, 0.78), (0.5, 0.93), (0.5 - hook, 0.93), (0.5 - hook, 0.84)]
    canvas.raised(Pen().stroke(crook, 0.034), OAK if look.detail == 1 else look.accent, 0.014, 0.7)
    tip_width = 0.034 if look.detail == 3 else 0.02
    tip = Pen().stroke([(0.5, edge - rise - 0.05), (0.5, edge - rise + 0.02)], tip_width)
    canvas.paint(tip, GOLD if look.detail == 3 else STEEL)

    scallops, ribs = Pen(), Pen()
    for panel in range(panels):
        scallops.ellipse((left + (panel + 0.5) * step, edge), (step / 2 - 0.004, 0.05))
        x = left + panel * step
        ribs.stroke([(0.5, edge - rise), (0.5 + (x - 0.5) * 0.85, edge - rise * 0.75), (x, edge)], 0.006)
    canvas.paint(scallops, mixed(look.colour, INK, 0.5))
    canopy = Pen().ellipse((0.5, edge), (half, rise)).box((0, edge, 1, 1), ink=0).mask()
    canvas.raised(canopy, look.fill((0.5, edge - rise * 0.45), 0.9), 0.09)
    canvas.paint(within(ribs, canopy), mixed(look.colour, INK, 0.45), opacity=0.6)
    if look.detail == 2:
        beads = Pen()
        for bead in range(4 * panels + 1):
            beads.ellipse((left + bead * step / 4, edge), (step / 7, 0.022))
        canvas.raised(beads, look.accent, 0.01)
