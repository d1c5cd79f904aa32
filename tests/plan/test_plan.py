"""Forecasts: formulas by hand, the rule of `index build`, rates that are kept, and how they are measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from itemsearch.cli.app import app
from itemsearch.errors import PlanError, UsageError
from itemsearch.indexes.building.choose import choose_spec
from itemsearch.plan.forecast import Wanted, make_plan
from itemsearch.plan.rates import OF_RECORD, read_rates, write_rates
from itemsearch.plan.work import IndexWork, duplicates_seconds


def value(wanted: Wanted, part: str, name: str) -> float:
    (line,) = [each for each in make_plan(wanted, OF_RECORD).lines if (each.part, each.name) == (part, name)]
    return line.value


def test_the_operations_are_those_of_the_chosen_index() -> None:
    work = IndexWork.of(1_000_000, 768)
    assert work.spec == choose_spec(1_000_000, 768)
    assert (work.spec.nlist, work.spec.m) == (2048, 96)
    lists = 10 * (64 * 2048) * 2048 * 768 * 2
    codes = 25 * (64 * 256) * 256 * 768 * 2
    assert work.train == lists + codes
    assert work.add == 1_000_000 * (2048 + 256) * 768 * 2


def test_an_exact_index_compares_with_every_vector() -> None:
    work = IndexWork.of(5000, 768)
    assert (work.spec.kind, work.train, work.add) == ("exact", 0, 0)
    assert duplicates_seconds(work, replace(OF_RECORD, duplicates=0.0)) == pytest.approx(
        5000 * 5000 * 768 * 2 / OF_RECORD.flops
    )


def test_a_plan_by_hand() -> None:
    wanted = Wanted(1_000_000, 10_000)
    assert value(wanted, "first run", "embed") == pytest.approx(1e6 * OF_RECORD.embed / 64 / 3600)
    assert value(wanted, "each day", "embed") == pytest.approx(1e4 * OF_RECORD.embed / 64 / 3600)
    assert value(wanted, "memory", "search") == IndexWork.of(1_000_000, 768).memory
    assert value(wanted, "disk", "stores") == 2 * 1e6 * (4 * 768 + OF_RECORD.listing_bytes + 1_300)


def test_a_gpu_is_no_faster_than_the_cores_that_feed_it() -> None:
    fast = value(Wanted(10**9, gpu="h100"), "first run", "embed")
    assert fast == pytest.approx(1e9 * OF_RECORD.prepare / 64 / 3600)
    assert fast < value(Wanted(10**9), "first run", "embed")
    assert value(Wanted(10**9, gpu="t4"), "first run", "embed") > fast


def test_larger_pictures_take_longer_and_more_network() -> None:
    small, large = Wanted(1000), Wanted(1000, pictures=1024)
    assert value(large, "first run", "embed") > value(small, "first run", "embed")
    assert value(large, "network", "pictures, first run") > 20 * value(
        small, "network", "pictures, first run"
    )


def test_a_billion_listings() -> None:
    plan = make_plan(Wanted(10**9, 10**7, gpu="h100"), OF_RECORD)
    assert plan.spec == "IVF65536,PQ96"
    assert all(line.formula and line.value > 0 for line in plan.lines)
    assert sum(share for _, share in plan.drivers) == pytest.approx(1)
    assert "data sheet" in plan.stated[1]


def test_rates_are_kept(tmp_path: Path) -> None:
    rates = replace(OF_RECORD, source="measured", embed=0.5)
    write_rates(tmp_path / "rates.json", rates)
    assert read_rates(tmp_path / "rates.json") == rates
    (tmp_path / "broken.json").write_text('{"dim": 3}')
    for name in ("broken.json", "none.json"):
        with pytest.raises(PlanError, match="--measure"):
            read_rates(tmp_path / name)


def test_the_command_says_where_its_rates_are_from(tmp_path: Path) -> None:
    run = CliRunner()
    shown = run.invoke(app, ["plan", "--listings", "1e6"], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "figures of record" in shown.output
    assert "cost drivers" in shown.output
    write_rates(tmp_path / "rates.json", replace(OF_RECORD, source="measured here"))
    arguments = ["plan", "--listings", "1e6", "--rates", str(tmp_path / "rates.json"), "--json"]
    told = json.loads(run.invoke(app, arguments, catch_exceptions=False).stdout)
    assert told["rates"]["source"] == "measured here"
    assert told["wanted"]["listings"] == 1_000_000


@pytest.mark.parametrize(
    "arguments", [["--listings", "many"], ["--listings", "-1"], ["--listings", "1e6", "--gpu", "abacus"]]
)
def test_wrong_arguments_are_named(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["plan", *arguments])
    assert isinstance(done.exception, UsageError)
    assert arguments[-1] in str(done.exception)


def test_a_machine_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    from itemsearch.benchmarks.runs import rates

    for name, small in {"PRODUCTS": 4, "VECTORS": 12_000, "MADE": 150, "QUERIES": 50, "DECODED": 1}.items():
        monkeypatch.setattr(rates, name, small)
    said: list[str] = []
    measured = rates.measure_rates(OF_RECORD, said.append)
    assert len(said) == 3
    assert measured.source.startswith("measured")
    assert measured.dim == 768
    assert min(measured.embed, measured.copy, measured.decode, measured.flops, measured.duplicates) > 0
