"""Two producers and the consumers of a random history, whose runs write down what they began with.

Builds and runs are processes that are forked from one that has imported everything: a history has
dozens of them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from update_histories import PRODUCERS, RULES, Rule

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, build
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.shared_text import FileText

FORKS = multiprocessing.get_context("forkserver")
IMPORTED = ["history_mesh", "dbt.cli.main", "dbt.adapters.duckdb", "duckdb"]

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: ORCHESTRATOR}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: 1}}
products: {PRODUCERS}
ledger: ledger
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: NAMEMARK, version: 1.0.0}
platform: {manifest: ../manifest.yaml}
"""
PROJECT = "name: NAME\nversion: 1.0.0\nprofile: NAME\n"
PORT = "outputPorts: [{name: things, model: NAME_things, version: 1}]\n"
# Red where RED says so: the model of the port passes, and the product does not.
TEST = "select 1 where '{{ env_var(\"RED\", \"\") }}' = 'yes'"
# No attached file, so that no warehouse is shared: a consumer that is held would hold back others.
READS = "inputPorts:\n" + "".join(
    f"  - {{product: {each}MARK, port: things, version: 1}}\n" for each in PRODUCERS
)
STEPS = f"steps: [{{name: note, command: [{sys.executable}, note.py], writes: [NAME.note]}}]\n"
NOTE = """\
import sys
import time
from pathlib import Path

own = Path(__file__).parent
greens = [str((own.parent / name).stat().st_size) for name in ("crm.greens", "sales.greens")]
with (own / "begun").open("a") as begun:
    begun.write(" ".join(greens) + "\\n")
while (own / "held").exists():
    time.sleep(0.1)
sys.exit((own / "broken").exists())
"""
WAIT = timedelta(minutes=50)


class HistoryMesh:
    """The products in a folder, compiled for an orchestrator, and what can be done to them.

    A mark is the end of each product's name, which tells one mesh of an orchestrator from another.
    """

    def __init__(self, folder: Path, orchestrator: str, mark: str = "") -> None:
        self.folder, self._mark = folder, mark
        folder.mkdir(parents=True)
        producers = ", ".join(f"{self.named(each)}: {each}" for each in PRODUCERS)
        manifest = MANIFEST.replace("ORCHESTRATOR", orchestrator).replace("PRODUCERS", producers)
        (folder / "manifest.yaml").write_text(manifest)
        for name in PRODUCERS:
            (folder / f"{name}.greens").touch()
            models = {f"models/{name}_things.sql": "select 1 as id", "tests/red.sql": TEST}
            self._write(name, PORT.replace("NAME", name), models)
            compile_product(folder / name)
        for name, rule in RULES.items():
            self._write(name, READS + STEPS + _schedule(rule), {"note.py": NOTE, "begun": ""})
        self.consumers = {name: compile_product(folder / name) for name in RULES}
        FORKS.set_forkserver_preload(IMPORTED)

    def _write(self, name: str, floe: str, files: dict[str, str]) -> None:
        texts = {"floe.yaml": FLOE + floe, "dbt_project.yml": PROJECT, **files}
        for file, text in texts.items():
            path = self.folder / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("NAME", name).replace("MARK", self._mark))

    def named(self, product: str) -> str:
        """Return the name that a product has on the orchestrator."""
        return f"{product}{self._mark}"

    def begun(self, consumer: str) -> list[tuple[int, ...]]:
        """Return for each run of a consumer how many green builds of each producer it found."""
        lines = (self.folder / consumer / "begun").read_text().splitlines()
        return [tuple(int(each) for each in line.split()) for line in lines]

    def take(self, what: str, whom: str) -> bool:
        """Have an event happen that is none of the orchestrator's; return whether it is one."""
        if what in ("green", "red"):
            self._build(whom, is_green=what == "green")
        elif what == "hour":
            self._let_an_hour_pass()
        elif what in ("hold", "break"):
            (self.folder / whom / {"hold": "held", "break": "broken"}[what]).touch()
        elif what in ("release", "mend"):
            (self.folder / whom / {"release": "held", "mend": "broken"}[what]).unlink()
        else:
            return False
        return True

    def release_all(self) -> None:
        for name in RULES:
            (self.folder / name / "held").unlink(missing_ok=True)

    def _build(self, producer: str, *, is_green: bool) -> None:
        if is_green:
            # Before: what begins in the moment after the update finds it here.
            with (self.folder / f"{producer}.greens").open("a") as greens:
                greens.write("+")
        process = FORKS.Process(target=build_in_process, args=(self.folder / producer, is_green))
        process.start()
        process.join()
        assert process.exitcode == 0, f"{producer} is_green={is_green}"

    def _let_an_hour_pass(self) -> None:
        for producer in PRODUCERS:
            text = FileText(self.folder / "ledger" / f"{self.named(producer)}.json")
            if text.read() is not None:
                text.change(an_hour_older)


def _schedule(rule: Rule) -> str:
    more = f", waitSeconds: {WAIT.seconds}, whenLate: {rule.when_late}" if rule.waits else ""
    return f"schedule: {{onUpdate: {rule.on_update}{more}}}\n"


def build_in_process(folder: Path, is_green: bool) -> None:
    """Build a producer as every orchestrator does, green or red."""
    os.environ["RED"] = "" if is_green else "yes"
    artifacts = CompiledArtifacts.load(folder)
    events = list(build(artifacts, BuildRequest(artifacts.jobs[0].name, str(uuid4()))))
    end = events[-1]
    assert isinstance(end, BuildEnded)
    sys.exit(end.succeeded != is_green)


def an_hour_older(content: bytes | None) -> bytes:
    """Return a record of the ledger whose updates came an hour earlier."""
    record = json.loads(content or b"{}")
    for updates in record.get("updates", {}).values():
        for update in updates:
            moment = datetime.fromisoformat(update["moment"]) - timedelta(hours=1)
            update["moment"] = moment.isoformat()
    return json.dumps(record).encode()
