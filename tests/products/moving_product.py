"""A product that ticks each minute, compiled for two orchestrators that share store and tables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

JOB = "mover"
NAMES = ("dagster", "prefect", "airflow")
FLOE = Path(sys.executable).with_name("floe")
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: platform, version: 1.0.0, owner: platform@example.com}}
plugins:
  orchestrator: {{type: {type}, config: {config}}}
  compute: {{{compute}}}
"""
SPEC = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: mover, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
schedule: {cron: "* * * * *", catchup: true}
steps:
  - {name: take_a_while, command: [sleep, "8"], writes: [waited]}
"""
TICKS = """\
{{ config(materialized="incremental") }}
select '{{ var("floe_nominal_time") }}' as nominal_time, '{{ env_var("WHO", "?") }}' as who
"""


@dataclass(frozen=True)
class Built:
    """A run that built a tick, as its orchestrator's own API gives it."""

    tick: datetime
    # "success" or "failed"
    state: str
    started: datetime
    ended: datetime


@dataclass(frozen=True)
class MovingProduct:
    """Its folder for each orchestrator; the manifest in each says how to reach that one."""

    folder: Path
    spec: str = SPEC
    # Path in the folder -> text.
    files: Mapping[str, str] = field(default_factory=lambda: {"models/ticks.sql": TICKS})
    more_of_manifest: str = ""
    # Default: a DuckDB file.
    compute: str = ""
    # Of the product and of its job, as in `spec`.
    name: str = JOB

    @property
    def tables(self) -> Path:
        return self.folder / "tables.duckdb"

    @property
    def store(self) -> Path:
        """The folder of schedules, owners and claims."""
        return self.folder / "store"

    def of(self, orchestrator: str) -> Path:
        return self.folder / orchestrator

    def compile(self, orchestrator: str, config: dict[str, Any]) -> CompiledArtifacts:
        """Write and compile it for an orchestrator with these settings and the shared store."""
        folder = self.of(orchestrator)
        folder.mkdir(parents=True, exist_ok=True)
        self.write_manifest(orchestrator, config)
        self.store.mkdir(exist_ok=True)
        (folder / "floe.yaml").write_text(self.spec)
        (folder / "dbt_project.yml").write_text(
            f"name: {self.name}\nversion: 1.0.0\nprofile: {self.name}\n"
        )
        for name, text in self.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        return compile_product(folder)

    def write_manifest(self, orchestrator: str, config: dict[str, Any]) -> None:
        """Write how to reach an orchestrator, which need not have the product."""
        folder = self.of(orchestrator)
        folder.mkdir(exist_ok=True)
        settings = {"schedule_store": str(self.store), **config}
        compute = self.compute or f'type: duckdb, config: {{path: "{self.tables}", threads: 1}}'
        text = MANIFEST.format(type=orchestrator, config=json.dumps(settings), compute=compute)
        (folder / "manifest.yaml").write_text(f"{text}{self.more_of_manifest}")

    def migrate(self, command: str, *arguments: str, timeout: float = 1200) -> tuple[int, str]:
        """Call `floe migrate` in the folder of Dagster; return its code and its output."""
        done = subprocess.run(
            self._words(command, arguments), capture_output=True, text=True, timeout=timeout
        )
        return done.returncode, done.stdout + done.stderr

    def kill_once_told(self, told: str, command: str, *arguments: str, after: float = 0) -> str:
        """Call `floe migrate`, and kill it so many seconds after its output has a text."""
        process = subprocess.Popen(
            self._words(command, arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        output = ""
        for line in process.stdout:
            output += line
            if told in line:
                time.sleep(after)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return output
        raise AssertionError(f"{told!r} was never told:\n{output}")

    def ticks(self, order_by: str = "nominal_time") -> list[datetime]:
        """Return the ticks of the rows that runs wrote, sorted by a column."""
        query = f"select nominal_time from ticks order by {order_by}"
        for _ in range(200):
            try:
                with duckdb.connect(str(self.tables), read_only=True) as connection:
                    rows = connection.execute(query).fetchall()
            except duckdb.IOException:
                # A run has the file.
                time.sleep(0.5)
            except duckdb.CatalogException:
                return []
            else:
                return [datetime.fromisoformat(text) for (text,) in rows]
        raise AssertionError("the tables could not be read")

    def _words(self, command: str, arguments: tuple[str, ...]) -> list[str]:
        access = [
            word
            for each in NAMES
            if (self.of(each) / "manifest.yaml").exists()
            for word in ("--access", str(self.of(each) / "manifest.yaml"))
        ]
        # One folder is enough to move: the other is compiled from the same files.
        folder = next(self.of(each) for each in NAMES if self.of(each).exists())
        return [str(FLOE), "migrate", command, str(folder), *access, *arguments]
