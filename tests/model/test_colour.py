from __future__ import annotations

import math
from statistics import median_low

import torch
from PIL import Image, ImageDraw

from itemsearch.model import ITEmImageProcessor
from itemsearch.model.colour import (
    BACKGROUND_DISTANCE,
    BACKGROUND_WEIGHT,
    CENTRE_SPREAD,
    INSET,
    SIDE,
    ColourHistogram,
)


def slow_histogram(pixels: list[list[tuple[float, float, float]]], bins: int) -> list[float]:
    """Of SIDE x SIDE pixels, each channel from 0 to 1: a pixel and a bin at a time."""
    pixels = [row[INSET : SIDE - INSET] for row in pixels[INSET : SIDE - INSET]]
    last = len(pixels) - 1
    edge = [*pixels[0], *pixels[last], *(row[0] for row in pixels), *(row[last] for row in pixels)]
    background = [median_low(pixel[channel] for pixel in edge) for channel in range(3)]
    counts = [0.0] * bins**3
    for y, row in enumerate(pixels):
        for x, pixel in enumerate(row):
            weight = min(1.0, math.dist(pixel, background) / BACKGROUND_DISTANCE) + BACKGROUND_WEIGHT
            away = (y / last - 0.5) ** 2 + (x / last - 0.5) ** 2
            weight *= math.exp(-away / (2 * CENTRE_SPREAD**2))
            for number in range(bins**3):
                bin_of = (number // bins**2, number // bins % bins, number % bins)
                shares = [
                    max(0.0, 1 - abs(value * (bins - 1) - centre))
                    for value, centre in zip(pixel, bin_of, strict=True)
                ]
                counts[number] += weight * math.prod(shares)
    total = sum(counts)
    return [math.sqrt(count / total) for count in counts]


def histogram(*images: Image.Image, bins: int = 4) -> torch.Tensor:
    return ColourHistogram(bins)(torch.from_numpy(ITEmImageProcessor(side=96)(images)))


def picture(colour: str, left: int = 30, background: str = "white", light: float = 1.0) -> Image.Image:
    image = Image.new("RGB", (96, 96), background)
    ImageDraw.Draw(image).ellipse((left, 25, left + 40, 70), fill=colour)
    return image.point(lambda value: round(value * light))


def test_a_histogram_is_the_slow_obvious_one() -> None:
    small = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 0.3
    small[:, 10:30, 5:25] += torch.tensor([0.7, 0.2, 0.0])[:, None, None]
    # Twice as large in each direction: pooling gives the small one back.
    large = small.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    pixels = [[tuple(small[:, y, x].tolist()) for x in range(SIDE)] for y in range(SIDE)]
    for bins in (2, 3):
        histogram = ColourHistogram(bins)(((large * 255 - 127) / 128)[None])
        torch.testing.assert_close(
            histogram[0], torch.tensor(slow_histogram(pixels, bins)), atol=1e-5, rtol=0
        )


def test_the_objects_colour_counts_and_not_where_it_is() -> None:
    red, moved, blue, on_grey = histogram(
        picture("red"), picture("red", left=10), picture("blue"), picture("red", background="lightgrey")
    )
    assert red @ moved > 0.98
    assert red @ on_grey > 0.85
    assert red @ blue < 0.3


def test_a_frame_does_not_count() -> None:
    framed = picture("red")
    ImageDraw.Draw(framed).rectangle((0, 0, 95, 95), outline="black", width=8)
    plain, with_frame = histogram(picture("red"), framed)
    torch.testing.assert_close(with_frame, plain)


def test_a_slight_shift_of_light_moves_it_little() -> None:
    # The last is half way between two bins: were a pixel given whole to the nearer, it would change bins.
    shades = ("#d02030", "#3060a0", "#f0e0c0", "#828282")
    light, dim = (histogram(*(picture(shade, light=by) for shade in shades)) for by in (1.0, 0.95))
    assert ((light * dim).sum(dim=1) > 0.96).all()


def test_a_picture_of_one_colour_still_has_it() -> None:
    white, black = histogram(Image.new("RGB", (50, 50), "white"), Image.new("RGB", (50, 50), "black"))
    assert white.norm().item() == 1
    assert white @ black == 0


def test_a_batch_gives_what_each_picture_gives_alone() -> None:
    images = [picture("red"), picture("green", left=5), picture("#334455", background="black")]
    together = histogram(*images)
    assert together.shape == (3, 64)
    for row, image in enumerate(images):
        torch.testing.assert_close(together[row], histogram(image)[0], atol=1e-6, rtol=0)
