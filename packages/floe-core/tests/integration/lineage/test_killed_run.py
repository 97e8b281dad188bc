"""A build whose process is killed in the middle of a run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_core.lineage import flush, status

EXAMPLES = Path(__file__).parents[5] / "examples"
HANGS = (
    "{{ config(materialized='table') }} select count(*) as id from range(1000000000) a, "
    "range(1000000000) b, {{ ref('stg_people') }}"
)
BUILD = """
import sys
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts
for event in build(CompiledArtifacts.load(sys.argv[1]), BuildRequest("hello", "run")):
    print(type(event).__name__, getattr(event, "unique_id", ""), flush=True)
"""


def heard_until(told: list[str], process: subprocess.Popen[str]) -> list[str]:
    """Return what a build tells of nodes, up to when it has told all of this."""
    heard: list[str] = []
    assert process.stdout is not None
    while not set(told) <= set(heard):
        line = process.stdout.readline()
        assert line, "the build ended by itself"
        if line.startswith(("NodeStarted", "NodeResult")):
            heard.append(line.strip())
    return heard


def test_no_event_that_was_written_is_lost_and_none_comes_twice(
    tmp_path: Path, monkeypatch: Any
) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "e", ignore=shutil.ignore_patterns(".floe"))
    product = tmp_path / "e" / "hello"
    (product / "models" / "hangs.sql").write_text(HANGS)
    artifacts = compile_product(product)
    file = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(product)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        heard = heard_until(
            ["NodeResult model.hello.greetings", "NodeStarted model.hello.hangs"], process
        )
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not flush(artifacts.folder, artifacts.lineage, 1).waiting)
    events = [json.loads(line) for line in file.read_text().splitlines()]
    told = Counter((each["job"]["name"], each["eventType"]) for each in events)
    assert max(told.values()) == 1
    # What the build had told before, lineage had written before that.
    expected = {("hello", "START"), *map(as_told, heard)}
    assert ("hello.model.hangs", "START") in expected
    assert expected <= told.keys()
    assert ("hello.model.hangs", "COMPLETE") not in told
    assert status(product).refused == ()


def as_told(line: str) -> tuple[str, str]:
    kind, node_id = line.split()
    node, product, name, *_ = node_id.split(".")
    return f"{product}.{node}.{name}", {"NodeStarted": "START", "NodeResult": "COMPLETE"}[kind]
