from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from itemsearch.benchmarks.experiments.gpu import GpuConfig, in_turns, run


def test_a_small_version_runs_on_a_cpu(tiny_model: Path, tmp_path: Path) -> None:
    config = GpuConfig("cpu", str(tiny_model), rows=20_000, batches=2, rounds=1)
    metrics = run(config, tmp_path)
    assert json.loads((tmp_path / "gpu.json").read_text())["largest batch"] == 32
    assert set(metrics["copies"]) == {"one by one", "overlapped"}
    assert set(metrics["encoder"]["bfloat16"]) == {8, 32}
    [faiss] = metrics["faiss"]
    assert faiss["device"] == "cpu"
    assert faiss["recall"] > 0.3
    assert "| overlapped |" in (tmp_path / "report.md").read_text()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "itemsearch.benchmarks.experiments.gpu", "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "no GPU" in done.stderr


def test_ways_are_run_by_turns() -> None:
    done: list[str] = []
    ways = {name: lambda name=name: done.append(name) for name in "ab"}
    assert set(in_turns(ways, 2, torch.device("cpu"))) == {"a", "b"}
    assert "".join(done) == "ababab"
