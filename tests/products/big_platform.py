"""A platform of many products, and a Dagster whose records hold many runs of them."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from dagster import DagsterInstance, DagsterRun
from dagster_pages import asked
from dagster_process import dagster_process, make_tables
from free_port import free_port
from small_artifacts import small_node, small_product
from wait_for import wait_for

from floe_core.foundation.service_probe import NoAnswerError
from floe_core.schemas.compiled_artifacts import (
    ARTIFACTS_FILE,
    CompiledArtifacts,
    OrchestratorChoice,
    Product,
)
from floe_core.schemas.policies import Job, Schedule
from floe_core.schemas.ports import InputPort, Port, PortColumn

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {{name: big-platform, version: 1.0.0}}
plugins:
  orchestrator: {{type: dagster, config: {{url: "{url}"}}}}
products:
{products}
"""
COLUMNS = tuple(PortColumn(name=f"column_{number}", type="integer") for number in range(12))
TEAMS = ("finance", "growth", "supply", "risk", "people")
ENDS = (*["SUCCESS"] * 12, "FAILURE", "CANCELED")
LIKE = "00000000-0000-4000-8000-000000000000"
INSERT_RUN = """
insert into runs (
  run_id, pipeline_name, status, run_body, create_timestamp, update_timestamp, start_time, end_time
) values (?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True)
class BigPlatform:
    """Where its manifest is, and its Dagster's address."""

    manifest: Path
    url: str


def write_products(folder: Path, count: int, seed: int = 0) -> list[str]:
    """Publish products that read up to three of those before them, and return their names."""
    chance = random.Random(seed)
    names = [f"{chance.choice(TEAMS)}-product-{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        upstream = chance.sample(names[:number], min(number, chance.choice([0, 1, 1, 2, 3])))
        publish(folder, big_product(name, upstream))
    return names


def big_product(name: str, upstream: list[str], description: str = "") -> CompiledArtifacts:
    sources = [
        small_node("source", each.replace("-", "_"), source_name="ports") for each in upstream
    ]
    model = small_node("model", "out", depends_on=tuple(each.unique_id for each in sources))
    others = [
        small_node("model", f"m{number}", depends_on=(model.unique_id,)) for number in range(8)
    ]
    reads = tuple(
        InputPort(product=each, port="out", version="1", node_id=source.unique_id)
        for each, source in zip(upstream, sources, strict=True)
    )
    about = description or f"Product {name} of the {name.partition('-')[0]} team."
    return small_product(
        *sources,
        model,
        *others,
        name=name,
        product=Product(name=name, version="1.2.0", owner="team@example.com", description=about),
        orchestrator=OrchestratorChoice(name="dagster"),
        jobs=(Job(name=name, schedule=Schedule(cron="0 5 * * *", timezone="UTC")),),
        ports=(Port(name="out", version="1", node_id=model.unique_id, columns=COLUMNS),),
        input_ports=reads,
    )


def publish(folder: Path, product: CompiledArtifacts) -> None:
    place = folder / product.product.name
    place.mkdir()
    (place / ARTIFACTS_FILE).write_text(product.to_json())


def write_manifest(folder: Path, names: list[str], url: str) -> Path:
    lines = "\n".join(f"  {name}: {name}" for name in names)
    file = folder / "manifest.yaml"
    file.write_text(MANIFEST.format(url=url, products=lines))
    return file


def write_runs(home: Path, names: list[str], count: int, now: datetime, seed: int = 0) -> None:
    """Add runs of the last 25 days to the records of an instance, one after another.

    Dagster itself writes one; the others are rows like it, which takes a second and not minutes.
    """
    chance = random.Random(seed)
    make_tables(home)
    with DagsterInstance.from_config(str(home)) as instance:
        instance.run_storage.add_run(DagsterRun(job_name="like", run_id=LIKE))
    [database] = home.rglob("runs.db")
    rows, tags = [], []
    with closing(sqlite3.connect(database)) as connection:
        [(body,)] = connection.execute("select run_body from runs")
        for number in range(count):
            name, run_id = names[number % len(names)], str(UUID(int=chance.getrandbits(128)))
            begin = now.timestamp() - 25 * 86400 * (count - number) / count
            end, status = begin + chance.uniform(5, 900), chance.choice(ENDS)
            job, of_run = name.replace("-", "_"), [("floe/product", name), ("floe/job", name)]
            told = json.loads(body) | {"run_id": run_id, "pipeline_name": job, "tags": dict(of_run)}
            told["status"] = {"__enum__": f"PipelineRunStatus.{status}"}
            moment = datetime.fromtimestamp(begin, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
            rows.append((run_id, job, status, json.dumps(told), moment, moment, begin, end))
            tags += [(run_id, *tag) for tag in of_run]
        connection.execute("delete from runs")
        connection.executemany(INSERT_RUN, rows)
        connection.executemany("insert into run_tags (run_id, key, value) values (?, ?, ?)", tags)
        connection.commit()


@contextmanager
def big_platform(
    folder: Path, products: int, runs: int, more: Sequence[CompiledArtifacts] = ()
) -> Iterator[BigPlatform]:
    """Give the platform while its Dagster is up; `more` are further products, without runs."""
    home, port = folder / "dagster", free_port()
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (home / "workspace.yaml").write_text("load_from: []\n")
    names = write_products(folder, products)
    write_runs(home, names, runs, datetime.now(UTC))
    for each in more:
        publish(folder, each)
        names.append(each.product.name)
    url = f"http://127.0.0.1:{port}"
    command = ["dagster-webserver", "-p", port, "-w", home / "workspace.yaml"]
    with dagster_process(command, home):
        wait_for(lambda: _is_up(url), 90)
        yield BigPlatform(write_manifest(folder, names, url), url)


def _is_up(url: str) -> bool:
    try:
        return bool(asked(url, "{ version }", {}))
    except NoAnswerError:
        return False
