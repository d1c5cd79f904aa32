"""itemsearch plan: forecasts what a catalog takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson
from itemsearch.cli._output import emit_json, facts, note, table
from itemsearch.errors import UsageError

if TYPE_CHECKING:
    from itemsearch.plan.forecast import Line, Plan

MOST = 1e12


def plan(
    listings: Annotated[str, typer.Option(help="How many listings: 1000000, or 1e9.")],
    pictures: Annotated[int, typer.Option(min=1, max=20_000, help="Pixels of a picture's side.")] = 224,
    updates_per_day: Annotated[str, typer.Option(help="Listings that are new or change each day.")] = "0",
    gpu: Annotated[str, typer.Option(help="GPU of each machine: h100, a100, l4 or t4. Default: none.")] = "",
    within_hours: Annotated[
        float, typer.Option(min=0.1, help="Hours in which the first run, and each day's, has to be done.")
    ] = 24.0,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Measure this machine, which takes minutes, and keep it in --rates."),
    ] = False,
    rates: Annotated[
        Path | None, typer.Option(help="JSON of measured rates. Default: figures of record of the docs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Forecast hours, machines, memory, disk and network that a catalog takes, each with its formula.

    Example: itemsearch plan --listings 1e9 --updates-per-day 1e7 --gpu h100

    Example: itemsearch plan --listings 1e6 --measure --rates rates.json
    """
    # Before FAISS is loaded: threads that wait would else spin, and --measure would count their seconds.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from itemsearch.plan.forecast import Wanted, make_plan
    from itemsearch.plan.hardware import GPUS
    from itemsearch.plan.rates import OF_RECORD, read_rates, write_rates

    if gpu and gpu not in GPUS:
        raise UsageError(f"--gpu {gpu}: no figures are known; give one of {', '.join(GPUS)}")
    wanted = Wanted(
        max(_number("--listings", listings), 1),
        _number("--updates-per-day", updates_per_day),
        pictures,
        gpu,
        within_hours,
    )
    if measure:
        from itemsearch.benchmarks.runs.rates import measure_rates

        used = measure_rates(OF_RECORD, note)
        if rates is not None:
            write_rates(rates, used)
    else:
        used = OF_RECORD if rates is None else read_rates(rates)
    made = make_plan(wanted, used)
    if as_json:
        emit_json(made)
    else:
        _show(made)


def _number(option: str, text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= MOST:
        raise UsageError(f"{option} {text}: write a number such as 1000000 or 1e9, {MOST:g} at most")
    return round(number)


def _show(plan: Plan) -> None:
    rows = [[line.part, line.name, _amount(line), line.formula] for line in plan.lines]
    table(["", "", "", "as"], rows)
    facts(
        {
            "index": f"{plan.spec}, as index build chooses it",
            "cost drivers": ", ".join(f"{name} {share:.0%}" for name, share in plan.drivers)
            + " of the first run's machine hours",
            "rates": plan.rates.source,
            "stated": "not measured: " + "; ".join(plan.stated),
        }
    )


def _amount(line: Line) -> str:
    if line.unit != "bytes":
        return f"{line.value:,.3g} {line.unit}" if line.value < 1000 else f"{line.value:,.0f} {line.unit}"
    value, units = line.value, ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:,.3g} {units[0]}"
