"""OpenMetadata's own models of events, which read whatever it is sent, take every event of floe's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from floe_core.compiler import compile_product
from floe_core.execution import build
from floe_core.runs.build_events import BuildEnded
from floe_core.runs.build_request import BuildRequest

EXAMPLES = Path(__file__).parents[5] / "examples"
WHEEL = "openmetadata-ingestion==2.0.7.0"
# In a process of its own: the wheel is no part of this environment.
CONSUMER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pydantic import ValidationError
from metadata.generated.schema.api.lineage.openlineage.openLineageRunEvent import OpenLineageRunEvent
faults = []
for line in open(sys.argv[2], encoding="utf-8"):
    try:
        OpenLineageRunEvent.model_validate_json(line)
    except ValidationError as error:
        faults.append(f"{json.loads(line)['job']['name']}: {error}")
print(json.dumps(faults))
"""


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the consumer, fetched from the package index; nothing of it is kept."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, WHEEL],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"the package index does not give {WHEEL}: {done.stderr[-500:]}"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as packed:
        packed.extractall(folder)
    # It would import all that the rest of OpenMetadata needs; the models need none of it.
    (folder / "metadata" / "__init__.py").unlink()
    return folder


def faults(consumer: Path, events: Path) -> list[str]:
    """Return what the consumer does not take."""
    command = [sys.executable, "-c", CONSUMER, str(consumer), str(events)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Build the larger example with a failing model and a failing test added; return its events."""
    shutil.copytree(EXAMPLES, tmp_path / "e", ignore=shutil.ignore_patterns(".floe"))
    product = tmp_path / "e" / "customer-360"
    (product / "models" / "bad.sql").write_text("select nothing_here from {{ ref('stg_orders') }}")
    (product / "models" / "worse.sql").write_text("select * from {{ ref('bad') }}")
    (product / "tests").mkdir(exist_ok=True)
    (product / "tests" / "nobody.sql").write_text("select * from {{ ref('customer_360') }}")
    file = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    artifacts = compile_product(product)
    *_, end = build(artifacts, BuildRequest(artifacts.jobs[0].name, "run"))
    assert end == BuildEnded(succeeded=False, message=end.message)
    return file


def test_an_independent_consumer_takes_all_events(consumer: Path, told: Path) -> None:
    events = [json.loads(line) for line in told.read_text().splitlines()]
    assert {event["eventType"] for event in events} == {"START", "COMPLETE", "FAIL", "ABORT"}
    assert all("floe_trace" in event["run"]["facets"] for event in events)
    assert faults(consumer, told) == []


def test_the_consumer_does_refuse_what_is_no_event(
    consumer: Path, told: Path, tmp_path: Path
) -> None:
    event = json.loads(told.read_text().splitlines()[0])
    del event["run"]["runId"]
    broken = tmp_path / "broken.jsonl"
    broken.write_text(json.dumps(event) + "\n")
    (fault,) = faults(consumer, broken)
    assert "run.runId" in fault
