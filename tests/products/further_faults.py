"""Faults that more than one test has happen: a full disk, a warehouse that is away, a dead supervisor."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path

import psutil
from broken_line import BrokenLine
from everywhere import has_begun, holders_of, wait_for_middle
from faulty_product import AFTER, FaultyProduct, at_first_try, warehouse
from own_database import MAINTENANCE, USER, connected

from floe_core.runs.build_events import BuildEvent, NodeResult
from floe_core.schemas import CompiledArtifacts

DBT = Path(sys.executable).parent / "dbt"
# No file may grow beyond 8 MB, until there is room again.
SMALL_DISK = f"""\
#!/bin/sh
if [ "$1" = build ] && mkdir "$FLOE_PROJECT_DIR/there-is-room" 2>/dev/null; then ulimit -f 16384; fi
exec {DBT} "$@"
"""
LARGE = (
    "select r.range as id, hash(r.range) as x from range(5000000) r "
    "where (select max(id) from {{ ref('aside') }}) = 1"
)

MIDDLE_FAILED = ("model.shop.middle", "error")
# Goes on until the line is cut, however late that is. PostgreSQL gives up what nobody waits for.
SLOW = at_first_try(
    "{{ config(pre_hook=\"set client_connection_check_interval = '500ms'\") }}"
    "select id from {{ ref('first') }}, (select pg_sleep(600)) as a_while"
)
MORE = [f"m_{number:02}" for number in range(96)]
BELOW_ALL = "\n".join(f"-- depends_on: {{{{ ref('{name}') }}}}" for name in (*MORE, "aside"))
LAST = at_first_try("select error('not yet') as id")
# Airflow takes a task for dead after five minutes without a word, otherwise.
SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}


def cut_once(
    lines: Mapping[str, BrokenLine],
) -> Callable[[str, CompiledArtifacts, BuildEvent], None]:
    """Return what cuts the line of a side when its middle node begins, and mends it when it fails."""
    cut: set[str] = set()

    def meddle(side: str, artifacts: CompiledArtifacts, event: BuildEvent) -> None:
        if has_begun(event, "middle") and side not in cut:
            cut.add(side)
            lines[side].cut()
        elif isinstance(event, NodeResult) and (event.unique_id, event.status) == MIDDLE_FAILED:
            lines[side].mend()

    return meddle


def dbt_on_a_small_disk(folder: Path) -> Path:
    """Write the executable, and return it."""
    dbt = folder / "dbt-on-a-small-disk"
    dbt.write_text(SMALL_DISK)
    dbt.chmod(0o755)
    return dbt


def a_hundred() -> FaultyProduct:
    return FaultyProduct(
        AFTER.format("first"),
        "retries: 1, retryDelaySeconds: 1",
        models={
            **dict.fromkeys(MORE, AFTER.format("middle")),
            "last": f"{BELOW_ALL}\n{LAST}",
        },
    )


def drop_schemas(names: Iterable[str]) -> None:
    with closing(connected()) as connection, connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"drop schema if exists {name} cascade")
            cursor.execute(f"drop schema if exists {name}_dbt_test__audit cascade")


def compute(line: BrokenLine, schema: str) -> str:
    settings = (
        f"host: 127.0.0.1, port: {line.port}, user: {USER}, dbname: {MAINTENANCE}, threads: 1"
    )
    secret = "{{ env_var('FLOE_TEST_PASSWORD') }}"
    return f'type: postgres, config: {{{settings}, schema: {schema}, password: "{secret}"}}'


def builder_of(artifacts: CompiledArtifacts) -> psutil.Process:
    """Return the process that has the warehouse open, once middle has begun there."""
    wait_for_middle(artifacts)
    [builder] = holders_of(warehouse(artifacts))
    return builder


def kill_supervisor_of(artifacts: CompiledArtifacts) -> str:
    """Kill the parent of the process that builds, and return what that one does then."""
    builder = builder_of(artifacts)
    psutil.Process(builder.ppid()).kill()
    psutil.wait_procs([builder], timeout=20)
    return str(builder.is_running() and builder.status())
