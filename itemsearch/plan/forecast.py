"""Forecasts what a catalog takes, a line for each quantity, with the formula that gave it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from itemsearch.plan.hardware import GPUS, MACHINE, SHARE_OF_BFLOAT16, SHARE_OF_FLOAT32, Gpu
from itemsearch.plan.rates import Rates
from itemsearch.plan.work import IndexWork, duplicates_seconds, near_seconds

PIXELS = 224
"""The side of the pictures that `Rates.embed` is of; the encoder reduces all others to it."""
VERSIONS, STORES = 4, 2
"""Versions of an index that are on the disk while one is built (`keep` is 3), and stores while one is."""
PROCESS_BYTES = 4e8
"""Of memory that `duplicates` takes with few listings."""
STORED_BYTES, INDEXED_BYTES = 4, 2
"""Of a number of a vector: in a store float32, in an index float16."""
CATEGORY_BYTES = 1_300
"""Of a listing's category vector in a store: 704 numbers of the shipped model in float16, compressed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is planned. listings, updates: a day. pictures: side in pixels. gpu: a key of `GPUS`; "" for none.
    hours: within which the first run, and later each day's, has to be done."""

    listings: int
    updates: int = 0
    pictures: int = PIXELS
    gpu: str = ""
    hours: float = 24.0


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity of the plan. formula: how `value` follows from rates and stated figures."""

    part: str
    name: str
    value: float
    unit: str
    formula: str


@dataclass(frozen=True, slots=True)
class Plan:
    """spec: of the index, by the rule of `index build`. drivers: stages by their share of the machine hours
    of the first run, the largest first."""

    wanted: Wanted
    rates: Rates
    spec: str
    lines: tuple[Line, ...]
    drivers: tuple[tuple[str, float], ...]
    stated: tuple[str, ...]


def make_plan(wanted: Wanted, rates: Rates) -> Plan:
    """Forecasts the first run, a day, and what is needed to search."""
    work, gpu = IndexWork.of(wanted.listings, rates.dim), GPUS.get(wanted.gpu)
    first = _first_run(wanted, rates, work, gpu)
    hours = {line.name: line.value for line in first}
    total = sum(hours.values())
    daily = _day(wanted, rates, work, gpu)
    lines = [
        *first,
        _machines("first run", total, wanted.hours),
        *daily,
        *([_machines("each day", sum(line.value for line in daily), wanted.hours)] if daily else []),
        *_memory(wanted, rates, work),
        *_disk(wanted, rates, work),
        *_network(wanted, rates),
    ]
    drivers = sorted(((name, value / total) for name, value in hours.items()), key=lambda each: -each[1])
    stated = [f"{MACHINE.name} ({MACHINE.source})"]
    if gpu:
        stated.append(
            f"{gpu.name}: {gpu.bfloat16 / 1e12:g} TFLOP/s in bfloat16, {gpu.float32 / 1e12:g} in float32 "
            f"({gpu.source}), of which {SHARE_OF_BFLOAT16:.1%} and "
            f"{SHARE_OF_FLOAT32:.0%} are guessed to be reached"
        )
    return Plan(wanted, rates, work.spec.factory, tuple(lines), tuple(drivers), tuple(stated))


def _machine_hours(part: str, name: str, cpu_seconds: float, formula: str) -> Line:
    return Line(
        part,
        name,
        cpu_seconds / MACHINE.cores / 3600,
        "machine hours",
        f"{formula} = {cpu_seconds:,.3g} CPU s / {MACHINE.cores} cores / 3600",
    )


def _embedding(part: str, listings: float, wanted: Wanted, rates: Rates, gpu: Gpu | None) -> Line:
    larger = rates.decode * max(wanted.pictures**2 - PIXELS**2, 0) / 1e6
    if gpu is None:
        formula = f"{listings:,} listings x ({rates.embed:.4g} + {larger:.2g} s to decode larger pictures)"
        return _machine_hours(part, "embed", listings * (rates.embed + larger), formula)
    encoded = gpu.bfloat16 * SHARE_OF_BFLOAT16 / (rates.gflop * 1e9)
    prepared = MACHINE.cores / (rates.prepare + larger)
    rate = min(encoded, prepared)
    return Line(
        part,
        "embed",
        listings / rate / 3600,
        "machine hours",
        f"{listings:,} listings / min({encoded:,.0f} a second that the GPU encodes, {prepared:,.0f} that "
        f"{MACHINE.cores} cores read and prepare) / 3600, on machines with a {gpu.name}",
    )


def _index(part: str, wanted: Wanted, rates: Rates, work: IndexWork, gpu: Gpu | None, train: bool) -> Line:
    operations = work.add + (work.train if train else 0.0)
    copy = rates.copy * work.rows * work.dim
    what = "train and add" if train else "add, the training is kept"
    formula = f"{copy:,.3g} s to copy and check {work.rows:,} x {work.dim} numbers"
    if gpu is None:
        formula += f" + {operations:.3g} operations to {what} / {rates.flops:.3g} a CPU second"
        return _machine_hours(part, "index", copy + operations / rates.flops, formula)
    seconds = copy / MACHINE.cores + operations / (gpu.float32 * SHARE_OF_FLOAT32)
    formula += f" / {MACHINE.cores} cores + {operations:.3g} operations to {what} / ({gpu.float32:.3g} x "
    return Line(
        part, "index", seconds / 3600, "machine hours", f"{formula}{SHARE_OF_FLOAT32}) a GPU second, / 3600"
    )


def _duplicates(part: str, listings: float, rates: Rates, work: IndexWork) -> Line:
    near = near_seconds(work, rates)
    formula = f"{listings:,} listings x ({rates.duplicates:.3g} s + {near:.3g} s to find neighbours)"
    return _machine_hours(part, "duplicates", duplicates_seconds(work, rates, listings), formula)


def _first_run(wanted: Wanted, rates: Rates, work: IndexWork, gpu: Gpu | None) -> list[Line]:
    return [
        _embedding("first run", wanted.listings, wanted, rates, gpu),
        _index("first run", wanted, rates, work, gpu, train=True),
        _duplicates("first run", wanted.listings, rates, work),
    ]


def _day(wanted: Wanted, rates: Rates, work: IndexWork, gpu: Gpu | None) -> list[Line]:
    if not wanted.updates:
        return []
    return [
        _embedding("each day", wanted.updates, wanted, rates, gpu),
        _index("each day", wanted, rates, work, gpu, train=False),
        _duplicates("each day", wanted.updates, rates, work),
    ]


def _machines(part: str, hours: float, within: float) -> Line:
    formula = f"{hours:,.3g} machine hours / {within:g} hours, as if work divided evenly"
    return Line(part, "machines", math.ceil(hours / within), "machines", formula)


def _memory(wanted: Wanted, rates: Rates, work: IndexWork) -> list[Line]:
    vectors = INDEXED_BYTES * work.dim * work.rows
    joined = PROCESS_BYTES + rates.duplicates_bytes * work.rows
    return [
        Line(
            "memory",
            "search",
            work.memory,
            "bytes",
            f"codes, ids, tables and centroids of {work.spec.factory}; {vectors:,.3g} bytes of vectors are "
            "mapped from the disk beside them, and speed is best where they fit too",
        ),
        Line(
            "memory",
            "machines to search",
            math.ceil(work.memory / MACHINE.memory_bytes),
            "machines",
            f"{work.memory:,.3g} bytes / {MACHINE.memory_bytes:,.3g} of a machine",
        ),
        Line(
            "memory",
            "duplicates",
            joined,
            "bytes",
            f"{PROCESS_BYTES:,.0f} + {wanted.listings:,} listings x {rates.duplicates_bytes:,.0f} bytes, "
            "mapped files aside",
        ),
        Line(
            "memory",
            "machines for duplicates",
            math.ceil(joined / MACHINE.memory_bytes),
            "machines",
            f"{joined:,.3g} bytes / {MACHINE.memory_bytes:,.3g} of a machine",
        ),
    ]


def _disk(wanted: Wanted, rates: Rates, work: IndexWork) -> list[Line]:
    stored = STORED_BYTES * rates.dim + rates.listing_bytes + CATEGORY_BYTES
    codes = work.memory / max(work.rows, 1)
    indexed = INDEXED_BYTES * rates.dim + rates.listing_bytes + codes
    return [
        Line(
            "disk",
            "stores",
            STORES * stored * wanted.listings,
            "bytes",
            f"{STORES} stores x {wanted.listings:,} listings x ({STORED_BYTES} x {rates.dim} + "
            f"{rates.listing_bytes:,.0f} + {CATEGORY_BYTES:,} bytes of the category vector)",
        ),
        Line(
            "disk",
            "index",
            VERSIONS * indexed * wanted.listings,
            "bytes",
            f"{VERSIONS} versions x {wanted.listings:,} listings x ({INDEXED_BYTES} x {rates.dim} + "
            f"{rates.listing_bytes:,.0f} bytes + {codes:,.0f} of codes and tables), sharing nothing",
        ),
    ]


def _network(wanted: Wanted, rates: Rates) -> list[Line]:
    picture = rates.picture_bytes * wanted.pictures**2
    amounts = {"pictures, first run": wanted.listings, "pictures, each day": wanted.updates}
    return [
        Line(
            "network",
            name,
            listings * picture,
            "bytes",
            f"{listings:,} listings x {picture:,.0f} bytes of a picture of {wanted.pictures} pixels: "
            f"{listings * picture / MACHINE.network / 3600:,.3g} hours of a machine's network",
        )
        for name, listings in amounts.items()
        if listings
    ]
