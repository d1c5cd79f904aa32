from __future__ import annotations

import json
from pathlib import Path

import pytest

from itemsearch.indexes.progress import silent
from itemsearch.nightly.record import RunLog, Stage, append_record, write_metrics


def test_each_stage_is_reported_and_a_failure_is_recorded(tmp_path: Path) -> None:
    reported: list[Stage] = []
    log = RunLog(reported.append)
    with log.stage("embed") as stage:
        stage.facts |= {"rows": 7, "model": "default"}
    with pytest.raises(ValueError, match="no"), log.stage("index"):
        raise ValueError("no")
    record = log.finish()
    assert [(stage.name, stage.failed) for stage in reported] == [("embed", ""), ("index", "no")]
    assert (record.failed, record.stages) == ("no", tuple(reported))
    append_record(tmp_path / "runs.jsonl", record)
    append_record(tmp_path / "runs.jsonl", record)
    lines = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert [json.loads(line)["stages"][0]["facts"]["rows"] for line in lines] == [7, 7]


def test_metrics_are_what_prometheus_reads(tmp_path: Path) -> None:
    log = RunLog(silent)
    with log.stage("embed") as stage:
        stage.facts |= {"rows": 12_345_678, "model": "default"}
    with log.stage("index") as stage:
        stage.facts |= {"recall": 0.97, "trained": False}
    write_metrics(tmp_path / "m.prom", log.finish())
    assert [path.name for path in tmp_path.iterdir()] == ["m.prom"]
    lines = (tmp_path / "m.prom").read_text().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["itemsearch_rebuild_success"] == "1"
    assert values["itemsearch_rebuild_embed_rows"] == "12345678"
    assert values["itemsearch_rebuild_index_recall"] == "0.97"
    assert values["itemsearch_rebuild_index_trained"] == "0"
    assert 'itemsearch_rebuild_stage_seconds{stage="embed"}' in values
    assert not [name for name in values if "model" in name]
    names = [name.split("{")[0] for name in values]
    assert [line.split()[2] for line in lines if line.startswith("# TYPE")] == list(dict.fromkeys(names))
