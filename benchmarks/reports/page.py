"""A benchmark run's page: what was run, the figures, and pictures, as Markdown and as one HTML file."""

from __future__ import annotations

import base64
import json
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from itemsearch.errors import CatalogError
from itemsearch.indexes.durable import replace_file
from itemsearch.store.manifest import ModelStamp

CONFIG, METRICS = "config.json", "metrics.json"
TEMPLATES = Path(__file__).parent / "templates"
LIBRARIES = ("itemsearch", "faiss-cpu", "faiss-gpu", "numpy", "scikit-learn", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Table:
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A listing in pictures. caption: what it is here. picture: a JPEG or PNG, None without."""

    caption: str
    title: str
    detail: str
    picture: bytes | None


@dataclass(frozen=True, slots=True)
class Section:
    """text: what is measured, and how to read it. terms: the words of the table, each with its meaning.
    plots: names of files in the run's folder plots/, without .png and .svg. cases: rows of listings.
    whole: a folder in the run's own, whose report tells all that is summed up here."""

    heading: str
    text: str = ""
    terms: Mapping[str, str] | None = None
    tables: Sequence[Table] = ()
    plots: Sequence[str] = ()
    cases: Sequence[Sequence[Shown]] = ()
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    summary: str
    sections: Sequence[Section]


def describe_run(benchmark: str, config: Any, model: ModelStamp | None, summary: str) -> dict[str, Any]:
    """What config.json holds.

    Args:
        config: the benchmark's frozen dataclass. model: None where none was run.
        summary: what was asked of what, in a sentence.
    """
    stamp = model and {"name": model.name, "fingerprint": model.fingerprint, "precision": model.precision}
    return {
        "benchmark": benchmark,
        "summary": summary,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "options": asdict(config),
        "model": stamp,
        "machine": describe_machine(),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def describe_machine() -> dict[str, Any]:
    """Processor, cores this process may use, memory in bytes, and the GPU that torch sees, if any."""
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "gpu": gpu,
        "system": platform.platform(),
    }


def write_description(out: Path, described: Mapping[str, Any]) -> None:
    (out / CONFIG).write_text(json.dumps(described, indent=1, default=str), "utf-8")


def read_description(run: Path) -> dict[str, Any]:
    """
    Raises:
        CatalogError: the folder is no finished benchmark run.
    """
    try:
        described: dict[str, Any] = json.loads((run / CONFIG).read_text("utf-8"))
        described["benchmark"]
    except (OSError, ValueError, KeyError) as error:
        raise CatalogError(f"{run}: not the folder of a finished benchmark run: no {CONFIG}") from error
    return described


def read_metrics(run: Path) -> dict[str, Any]:
    """
    Raises:
        CatalogError: the folder is no finished benchmark run.
    """
    try:
        metrics: dict[str, Any] = json.loads((run / METRICS).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogError(f"{run}: not the folder of a finished benchmark run: no {METRICS}") from error
    return metrics


def write_report(out: Path, described: Mapping[str, Any], metrics: Mapping[str, Any], report: Report) -> None:
    """Writes metrics.json, report.md and report.html."""
    replace_file(out / METRICS, json.dumps(metrics, indent=1).encode())
    facts = run_facts(described)
    replace_file(out / "report.md", _markdown(report, facts).encode())
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["data_uri"] = _data_uri
    plots = {name: (out / "plots" / f"{name}.svg").read_bytes() for s in report.sections for name in s.plots}
    page = environment.get_template("report.html").render(report=report, facts=facts, plots=plots)
    replace_file(out / "report.html", page.encode())


def run_facts(described: Mapping[str, Any]) -> dict[str, str]:
    """What ends a report: how to make it again, and on what it was made."""
    machine, model = described["machine"], described["model"]
    facts = {"command": described["command"]}
    if model:
        facts["model"] = f"{model['name']} ({model['fingerprint'][:8]}, {model['precision']})"
    if "seed" in described["options"]:
        facts["seed"] = str(described["options"]["seed"])
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['memory'] / 2**30:.0f} GiB"
    facts["machine"] = where + (f", {machine['gpu']}" if machine["gpu"] else "")
    facts["versions"] = ", ".join(f"{name} {held}" for name, held in described["versions"].items())
    facts["made"] = described["made"]
    return facts


def _markdown(report: Report, facts: Mapping[str, str]) -> str:
    lines = [f"# {report.title}", "", report.summary, ""]
    for section in report.sections:
        lines += [f"## {section.heading}", ""]
        lines += [section.text, ""] if section.text else []
        lines += [*(f"- **{term}**: {meaning}" for term, meaning in (section.terms or {}).items()), ""]
        for table in section.tables:
            lines += [*markdown_table(table), ""]
        lines += [f"![{section.heading}](plots/{name}.svg)\n" for name in section.plots]
        for case in section.cases:
            lines.append("- " + "; ".join(f"{shown.caption}: {_plain(shown)}" for shown in case))
        lines += [""] if section.cases else []
        lines += [f"[The whole report]({section.whole}/report.md)", ""] if section.whole else []
    lines += ["## How it was made", "", *(f"- {name}: {value}" for name, value in facts.items())]
    return "\n".join(lines) + "\n"


def markdown_table(table: Table) -> list[str]:
    cells = [table.head, ["---"] * len(table.head), *table.rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells]


def _plain(shown: Shown) -> str:
    return f"{shown.title or 'no title'} ({shown.detail})"


def _data_uri(picture: bytes) -> str:
    """A picture inside the page itself."""
    kind = "svg+xml" if picture.lstrip().startswith(b"<") else "png" if picture[:4] == b"\x89PNG" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # one of FAISS's two wheels is installed
            continue
    return found
