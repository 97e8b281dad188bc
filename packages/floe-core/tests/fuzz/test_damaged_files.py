"""Files that are damaged in 2,000 ways each: read, or refused with a reason; no traceback, no hang."""

from __future__ import annotations

import json
import os
import shutil
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from floe_core.compiler import compile_product
from floe_core.compiler.checks.choices import check_choices
from floe_core.compiler.dbt.graph import nodes_in
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import read_inputs
from floe_core.compiler.profile import resolve_profile
from floe_core.dbt.built_columns import kept_relation
from floe_core.execution.record.journal import RunRecord, read_events
from floe_core.foundation.errors import FloeError
from floe_core.lineage.lineage_map import lineage_map
from floe_core.lineage.product_graph import seed_columns
from floe_core.lineage.sending.delivery_status import flush, status
from floe_core.schedules import next_tick
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas import CompiledArtifacts
from floe_core.schemas.policies import LineageSettings
from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.query_columns import derive
from floe_core.storage.spooling.spool import Spool

from .mutations import mutated, mutated_json

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

EXAMPLES = Path(__file__).parents[4] / "examples"
MUTATIONS = int(os.environ.get("FLOE_MUTATIONS", "2000"))
LONGEST_SECONDS = 10.0
PROFILES = """\
customer_360:
  target: dev
  outputs:
    dev: {type: duckdb, path: customer_360.duckdb, threads: 2}
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a compiled product, in a folder that its platform's file is in as well."""
    folder = tmp_path_factory.mktemp("fuzz") / "e"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns(".floe", "*.duckdb", "target"))
    compile_product(folder / "customer-360")
    return folder / "customer-360"


def survive(path: Path, damage: Callable[[int], bytes], use: Callable[[], object]) -> None:
    """Use a file in each of its damaged forms; tell every kind of traceback, and what is slow."""
    original = path.read_bytes()
    bad: Counter[str] = Counter()
    try:
        for seed in range(MUTATIONS):
            path.write_bytes(damage(seed))
            started = time.process_time()
            try:
                use()
            except FloeError:
                pass
            except Exception as error:  # noqa: BLE001 - every other one is what is looked for
                frame = traceback.extract_tb(error.__traceback__)[-1]
                text = (
                    f"{type(error).__name__}: {str(error)[:80]} at {frame.filename}:{frame.lineno}"
                )
                bad[
                    f"{_ours(error)} {text} (seed {seed})"
                    if not bad
                    else f"{_ours(error)} {type(error).__name__}"
                ] += 1
            if time.process_time() - started > LONGEST_SECONDS:
                bad[f"takes {time.process_time() - started:.0f} s of CPU (seed {seed})"] += 1
    finally:
        path.write_bytes(original)
    assert bad == Counter()


def _ours(error: Exception) -> str:
    """Return the last place of floe's code that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if "floe_core" in each.filename]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"


def as_bytes(path: Path) -> Callable[[int], bytes]:
    original = path.read_bytes()
    return lambda seed: mutated(original, seed)


def as_json(path: Path) -> Callable[[int], bytes]:
    data = json.loads(path.read_bytes())
    return lambda seed: mutated_json(data, seed)


@pytest.mark.parametrize(
    "name", ["floe.yaml", "../manifest.yaml", "dbt_project.yml", "profiles.yml"]
)
def test_what_people_write(compiled: Path, name: str) -> None:
    path = compiled / name
    if name == "profiles.yml":
        path.write_text(PROFILES)

    def read() -> None:
        findings = Findings(lambda notice: None)
        inputs = read_inputs(compiled, findings)
        check_choices(inputs, findings)
        resolve_profile(inputs, True, findings)
        findings.raise_if_any()

    survive(path, as_bytes(path), read)


def test_artifacts(compiled: Path) -> None:
    def use() -> None:
        artifacts = CompiledArtifacts.load(compiled)
        lineage_map(artifacts)
        for job in with_live_schedules(artifacts).jobs:
            artifacts.nodes_of(job)
            if job.schedule:
                next_tick(job.schedule.cron, job.schedule.timezone, job.schedule.since or NOW)

    survive(
        compiled / "compiled_artifacts.json", as_json(compiled / "compiled_artifacts.json"), use
    )


def test_dbts_manifest(compiled: Path) -> None:
    path = compiled / "target" / "manifest.json"
    whole = json.loads(path.read_bytes())
    for section in ("macros", "docs", "child_map", "parent_map"):
        whole.pop(section, None)

    def use() -> None:
        try:
            data = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return
        nodes_in(data, compiled)

    survive(path, lambda seed: mutated_json(whole, seed), use)


STORE = {
    "schema_version": "1.0",
    "jobs": {
        "customer-360": {
            **{"since": "2026-01-01T00:00:00Z", "cron": "0 6 * * *"},
            **{"timezone": "Europe/London", "switch": "on"},
        }
    },
}


def test_the_schedule_store(compiled: Path) -> None:
    path = compiled / "schedules.json"
    path.write_text(json.dumps(STORE))

    def use() -> None:
        for job in with_live_schedules(CompiledArtifacts.load(compiled)).jobs:
            if job.schedule:
                next_tick(job.schedule.cron, job.schedule.timezone, NOW)

    survive(path, as_json(path), use)
    path.unlink()


JOURNAL = (
    '{"event": "NodeStarted", "unique_id": "model.a", "at": "2026-01-01T00:00:00+00:00"}\n'
    '{"event": "NodeLog", "unique_id": "model.a", "level": "info", "text": "hello"}\n'
    '{"event": "NodeResult", "unique_id": "model.a", "status": "success", "seconds": 1.0, "message": '
    '"OK", "rows": 1, "failures": null, "started_at": null, "ended_at": "2026-01-01T00:00:00+00:00"}\n'
    '{"event": "BuildEnded", "succeeded": true, "message": ""}\n'
)


def test_the_journal_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / ".floe" / "runs" / "run" / "events.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(JOURNAL)
    lines = [json.loads(line) for line in JOURNAL.splitlines()]

    def damage(seed: int) -> bytes:
        if seed % 2:
            return mutated(JOURNAL.encode(), seed)
        return b"\n".join(mutated_json(line, seed + n) for n, line in enumerate(lines)) + b"\n"

    survive(path, damage, lambda: RunRecord.of(read_events(tmp_path, "run")))


def event() -> dict[str, Any]:
    table = {
        "namespace": "duckdb://x",
        "name": "x.main.t",
        "facets": {"schema": {"fields": [{"name": "a", "type": "int"}]}},
    }
    return {
        **{
            "eventTime": "2026-01-01T00:00:00.000Z",
            "eventType": "COMPLETE",
            "producer": "https://x",
        },
        "run": {"runId": "019b0000-0000-7000-8000-000000000000", "facets": {"parent": {}}},
        "job": {
            "namespace": "floe",
            "name": "x.model.t",
            "facets": {"sql": {"query": "select a from x.main.t", "dialect": "duckdb"}},
        },
        **{"inputs": [table], "outputs": [{**table, "name": "x.main.u"}]},
        "floe": {"sources": ["x.main.t"], "wholeSchema": True},
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }


def test_the_spool(tmp_path: Path) -> None:
    settings = LineageSettings(
        config={"type": "file", "log_file_path": "sent.jsonl", "append": True}
    )
    spool = Spool(tmp_path)
    path = spool.append(event())
    data = event()

    def use() -> None:
        flush(tmp_path, settings, 0.2)
        status(tmp_path)
        for left in (*spool.list_waiting(), *spool.list_refused()):
            left.unlink()

    survive(path, lambda seed: mutated_json(data, seed), use)


@pytest.mark.parametrize(
    "name", ["last_failure.json", "full.json", "attempts.json", "refused/1.json"]
)
def test_the_notes_beside_the_spool(tmp_path: Path, name: str) -> None:
    settings = LineageSettings(
        config={"type": "file", "log_file_path": "sent.jsonl", "append": True}
    )
    Spool(tmp_path).append(event())
    path = tmp_path / ".floe" / "lineage" / name
    contents = {
        "last_failure.json": {"reason": "x"},
        "full.json": {"since": "2026-01-01"},
        "attempts.json": {"0-1.json": 3},
        "refused/1.json": {"reason": "x", "event": event()},
    }[name]
    path.write_text(json.dumps(contents))

    def use() -> None:
        status(tmp_path)
        flush(tmp_path, settings, 0.2, also_refused=True)
        path.parent.mkdir(exist_ok=True)

    survive(path, lambda seed: mutated_json(contents, seed), use)


def test_what_lineage_has_learnt(tmp_path: Path) -> None:
    from floe_core.lineage.column_lineage import ColumnLineage

    lineage = ColumnLineage(tmp_path)
    made = {**event(), "outputs": [event()["inputs"][0]], "inputs": []}
    lineage.add_to(made)
    (path,) = (tmp_path / "columns").iterdir()
    survive(path, as_json(path), lambda: lineage.add_to(event()))


def test_what_a_build_keeps_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "floe_columns" / "model.a.json"
    path.parent.mkdir()
    columns = [["a", "INTEGER"], ["b", "VARCHAR"]]
    path.write_text(json.dumps({"columns": columns, "rows": 3}))
    survive(path, as_json(path), lambda: kept_relation(tmp_path, "model.a"))


SQL = (EXAMPLES / "customer-360" / "models").rglob("*.sql")


def test_sql(tmp_path: Path) -> None:
    path = tmp_path / "query.sql"
    queries = [
        b'with a as (select id, {\'n\': name} as s from "x"."main"."t" where id in (select 1)), '
        b"b as (select *, row_number() over (partition by id order by s.n) as r from a) "
        b"select b.id, s.n, sum(r) filter (where r > 1) as t from b group by all having count(*) > 1"
    ]
    path.write_bytes(queries[0])
    tables = [KnownTable("x.main.t", ("id", "name"), True)]

    def use() -> None:
        derive(path.read_bytes().decode("utf-8", "replace"), "duckdb", tables)

    survive(path, lambda seed: mutated(queries[0], seed), use)


def test_the_header_of_a_seed(tmp_path: Path) -> None:
    path = tmp_path / "seeds" / "a.csv"
    path.parent.mkdir()
    path.write_text('id,"a name",b\n1,2,3\n')
    survive(path, as_bytes(path), lambda: seed_columns(path))


NOW = __import__("datetime").datetime(2026, 1, 1, tzinfo=__import__("datetime").UTC)
