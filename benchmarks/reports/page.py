"""The files of a benchmark run: config.json, metrics.json, and the report as Markdown and as HTML."""

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
from typing import TYPE_CHECKING, Any

import psutil
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from itemsearch.errors import CatalogError
from itemsearch.indexes.durable import replace_file
from itemsearch.store.manifest import ModelStamp

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CONFIG, METRICS = "config.json", "metrics.json"
TEMPLATES = Path(__file__).parent / "templates"
LIBRARIES = ("itemsearch", "faiss-cpu", "faiss-gpu", "numpy", "scikit-learn", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table of texts: a head, and rows of as many cells."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class CaseListing:
    """A listing of an example. caption: its part in the example. image: a JPEG or PNG file, None without."""

    caption: str
    title: str
    detail: str
    image: bytes | None


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a report.

    Attributes:
        text: what is measured, and how to read it.
        terms: term of the tables to its meaning.
        plots: names of files in the run's folder plots/, without .png and .svg.
        cases: examples, each of several listings.
        full_report: the folder inside the run's folder whose report is summarised here; "" for none.
    """

    heading: str
    text: str = ""
    terms: Mapping[str, str] | None = None
    tables: Sequence[ReportTable] = ()
    plots: Sequence[str] = ()
    cases: Sequence[Sequence[CaseListing]] = ()
    full_report: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A report, before it is written as Markdown and HTML."""

    title: str
    summary: str
    sections: Sequence[Section]


def describe_run(
    benchmark: str, config: DataclassInstance, model: ModelStamp | None, summary: str
) -> dict[str, Any]:
    """The content of config.json.

    Args:
        benchmark: the name of the command.
        config: the options of the benchmark.
        model: None where the benchmark runs no model.
        summary: a sentence that says what was measured on which data.
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
    """The processor, the cores that this process may use, memory in bytes, and the GPU; "" without a GPU."""
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
    """Writes config.json, which marks the run as finished."""
    (out / CONFIG).write_text(json.dumps(described, indent=1, default=str), "utf-8")


def read_description(run: Path) -> dict[str, Any]:
    """The content of config.json.

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
    """The content of metrics.json.

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
    html = environment.get_template("report.html").render(report=report, facts=facts, plots=plots)
    replace_file(out / "report.html", html.encode())


def run_facts(described: Mapping[str, Any]) -> dict[str, str]:
    """The last section of a report: its command, model, seed, machine and versions."""
    machine, model = described["machine"], described["model"]
    facts = {"command": described["command"]}
    if model:
        facts["model"] = f"{model['name']} ({model['fingerprint'][:8]}, {model['precision']})"
    if "seed" in described["options"]:
        facts["seed"] = str(described["options"]["seed"])
    computer = f"{machine['processor']}, {machine['cores']} cores, {machine['memory'] / 2**30:.0f} GiB"
    facts["machine"] = computer + (f", {machine['gpu']}" if machine["gpu"] else "")
    facts["versions"] = ", ".join(f"{name} {number}" for name, number in described["versions"].items())
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
            lines.append("- " + "; ".join(map(_case_text, case)))
        lines += [""] if section.cases else []
        lines += [f"[Full report]({section.full_report}/report.md)", ""] if section.full_report else []
    lines += ["## How it was made", "", *(f"- {name}: {value}" for name, value in facts.items())]
    return "\n".join(lines) + "\n"


def markdown_table(table: ReportTable) -> list[str]:
    """The lines of a Markdown table."""
    cells = [table.head, ["---"] * len(table.head), *table.rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells]


def _case_text(listing: CaseListing) -> str:
    return f"{listing.caption}: {listing.title or 'no title'} ({listing.detail})"


def _data_uri(image: bytes) -> str:
    """A URI that contains the image file itself."""
    kind = "svg+xml" if image.lstrip().startswith(b"<") else "png" if image[:4] == b"\x89PNG" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _versions() -> dict[str, str]:
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # only one of FAISS's two wheels is installed
            continue
    return versions
