"""Warehouses beyond DuckDB and PostgreSQL: environments with their adapters, and a product for all."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from free_port import free_port
from renamed_classes import rename_classes
from wait_for import wait_for

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
CHDB_SERVER = Path(__file__).with_name("chdb_server.py")
FAKESNOW_SERVER = Path(__file__).with_name("fakesnow_server.py")
PASSWORD = "of-this-test"
# A package on PyPI with Iceberg's own jar; Maven's repository is not on every network.
ICEBERG_JARS = "snowpark-connect-deps-iceberg"
ICEBERG, JACKSON = "org.apache.iceberg", "com/fasterxml/jackson"
# The wheels of a parser that dbt-core 1.12 asks for are not on every index.
DBT = "dbt-core>=1.11,<1.12"
OURS = (
    ".",
    *(f"plugins/floe-orchestrator-{n}" for n in ("dagster", "airflow", "prefect")),
)
PROJECT = "name: kinds\nversion: 1.0.0\nprofile: kinds\n"
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: kinds, version: 1.0.0}
platform: {manifest: manifest.yaml}
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  lineage_backend: {type: openlineage, config: {type: file, log_file_path: LINEAGE, append: true}}
  compute: COMPUTE
"""
# Of the same SQL everywhere; `broken` asks for a column that is not there.
KINDS = {
    "seeds/people.csv": "id,name,amount\n1,Ada,10\n2,Grace,20\n3,Edsger,30\n",
    "models/viewed.sql": "select id, name, amount from {{ ref('people') }}\n",
    "models/folded.sql": (
        "{{ config(materialized='ephemeral') }}\n"
        "select id, amount * 2 as doubled from {{ ref('viewed') }}\n"
    ),
    "models/built.sql": (
        "{{ config(materialized='table') }}\nselect v.id, v.name, f.doubled\n"
        "from {{ ref('viewed') }} v join {{ ref('folded') }} f on v.id = f.id\n"
    ),
    "models/added.sql": (
        "{{ config(materialized='incremental') }}\nselect id, doubled from {{ ref('built') }}\n"
        "{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}\n"
    ),
    "models/broken.sql": (
        "{{ config(materialized='table') }}\nselect no_such_column from {{ ref('viewed') }}\n"
    ),
    "models/below.sql": "select * from {{ ref('broken') }}\n",
    "models/schema.yml": """\
models:
  - name: built
    columns: [{name: id, data_tests: [unique, not_null]}]
  - name: added
    columns:
      - name: doubled
        data_tests:
          - accepted_values:
              arguments: {values: [20, 40], quote: false}
              config: {severity: warn}
snapshots:
  - {name: history, relation: ref('built'), config: {unique_key: id, strategy: check,
     check_cols: [name]}}
""",
}


def schema_of(product: Path) -> str:
    """Return the schema that a product has for itself."""
    return f"of_{product.name}".replace("-", "_")


@dataclass(frozen=True)
class Warehouse:
    """An adapter in an environment of its own, and a warehouse.

    `compute` and `reader` are of the product in a folder: its compute as YAML, and a program that
    prints the rows of a query by the warehouse's own client, without floe and dbt. `place` is the
    namespace of datasets, and what stands before the schema in their names.
    """

    programs: Path
    compute: Callable[[Path], str]
    reader: Callable[[Path], str]
    place: tuple[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    schema: Callable[[Path], str] = schema_of

    def rows(self, product: Path, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds, sorted."""
        shown = self.call("python", "-c", self.reader(product), query, cwd=product, codes=(0,))
        return sorted(tuple(row) for row in json.loads(shown.splitlines()[-1]))

    def call(
        self, program: str, *arguments: str | Path, cwd: Path, codes: tuple[int, ...] = (0, 1)
    ) -> str:
        """Return what one of the environment's programs prints; 1 is a run with a failed node."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=cwd,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in codes, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout


def install(folder: Path, *requirements: str) -> Path:
    """Return where the programs of an environment with floe and an adapter are; skip without it."""
    _run(UV, "venv", "--quiet", "--python", sys.executable, folder)
    packages = [text for name in OURS for text in ("--editable", str(ROOT / name))]
    into = ("pip", "install", "--quiet", "--python", folder / "bin" / "python")
    _run(UV, *into, *packages, DBT, *requirements)
    return folder / "bin"


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{' '.join(map(str, command))}: {done.stderr[-300:]}")


def write_kinds(folder: Path, warehouse: Warehouse) -> Path:
    """Write the product for a warehouse; its lineage goes into lineage.jsonl."""
    manifest = MANIFEST.replace("COMPUTE", warehouse.compute(folder))
    manifest = manifest.replace("LINEAGE", str(folder / "lineage.jsonl"))
    texts = {
        "floe.yaml": FLOE,
        "manifest.yaml": manifest,
        "dbt_project.yml": PROJECT,
        **KINDS,
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def plain_dbt(product: Path, warehouse: Warehouse) -> dict[str, str]:
    """Return node id -> status of `dbt build` in a compiled product."""
    folders = ("--project-dir", product, "--profiles-dir", product)
    warehouse.call("dbt", "build", *folders, cwd=product)
    results = json.loads((product / "target" / "run_results.json").read_text())["results"]
    return {result["unique_id"]: result["status"] for result in results}


@contextmanager
def opened(kind: str, folder: Path, *, is_local: bool = False) -> Iterator[Warehouse]:
    """Give a warehouse of a kind, running; `is_local`: Spark in one process, not on a cluster."""
    if kind in ("snowflake", "clickhouse"):
        with (fake_snowflake if kind == "snowflake" else clickhouse)(folder) as found:
            yield found
    elif kind == "spark" and not is_local:
        with spark(folder) as found:
            yield found
    elif kind == "iceberg":
        yield local_iceberg(folder)
    else:
        yield local_spark(folder) if kind == "spark" else sqlite(folder)


def sqlite(folder: Path) -> Warehouse:
    """Return SQLite: a file for each product."""

    def compute(product: Path) -> str:
        paths = f"schemas_and_paths: {{main: {product}/shop.sqlite}}, schema_directory: {product}"
        own = f"database: database, schema: main, {paths}"
        return f"{{type: sqlite, config: {{threads: 1, {own}}}}}"

    def reader(product: Path) -> str:
        return (
            "import json, sqlite3, sys\n"
            f"database = sqlite3.connect('{product}/shop.sqlite')\n"
            "print(json.dumps(database.execute(sys.argv[1]).fetchall()))\n"
        )

    programs = install(folder, "dbt-sqlite")
    place = ("sqlite://kinds", "database.")
    return Warehouse(programs, compute, reader, place, schema=lambda product: "main")


@contextmanager
def fake_snowflake(folder: Path) -> Iterator[Warehouse]:
    """Return Snowflake's adapter and client, answered by fakesnow, which runs on DuckDB."""
    programs = install(folder, "dbt-snowflake", "fakesnow[server]")
    port = free_port()
    where = f"account: fakesnow, host: localhost, port: {port}, protocol: http, user: fake"
    password = "password: \"{{ env_var('FAKE_PASSWORD') }}\""

    def compute(product: Path) -> str:
        own = f"database: db1, warehouse: wh, schema: {schema_of(product)}, threads: 1"
        return f"{{type: snowflake, config: {{{where}, {password}, {own}}}}}"

    def reader(product: Path) -> str:
        return (
            "import json, sys, snowflake.connector\n"
            f"server = dict(account='fakesnow', host='localhost', port={port}, protocol='http')\n"
            "server |= dict(user='fake', password='snow', database='DB1', schema='PUBLIC')\n"
            "cursor = snowflake.connector.connect(**server).cursor()\n"
            "print(json.dumps(cursor.execute(sys.argv[1]).fetchall()))\n"
        )

    command = [programs / "python", FAKESNOW_SERVER, str(port)]
    server = subprocess.Popen(command, cwd=folder)
    try:
        wait_for(lambda: _listens(port), 60)
        secret = {"FAKE_PASSWORD": "snow"}
        yield Warehouse(programs, compute, reader, ("snowflake://fakesnow", "db1."), secret)
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def clickhouse(folder: Path) -> Iterator[Warehouse]:
    """Return ClickHouse's adapter and client, answered by the real engine behind a test server."""
    programs = install(folder, "dbt-clickhouse", "chdb")
    secret = {"CLICKHOUSE_PASSWORD": PASSWORD}
    # Without nulls, a row that a join does not find has zeros and empty texts.
    settings = "custom_settings: {join_use_nulls: 1}"
    password = "password: \"{{ env_var('CLICKHOUSE_PASSWORD') }}\""
    with chdb_server(programs, folder / "data") as port:

        def compute(product: Path) -> str:
            where = f"host: 127.0.0.1, port: {port}, schema: {schema_of(product)}"
            return f"{{type: clickhouse, config: {{{where}, {password}, threads: 2, {settings}}}}}"

        def reader(product: Path) -> str:
            return (
                "import json, sys, clickhouse_connect\n"
                f"server = dict(host='127.0.0.1', port={port}, password='{PASSWORD}')\n"
                "client = clickhouse_connect.get_client(**server)\n"
                "print(json.dumps(client.query(sys.argv[1]).result_rows))\n"
            )

        place = (f"clickhouse://127.0.0.1:{port}", "")
        yield Warehouse(programs, compute, reader, place, secret)


@contextmanager
def chdb_server(programs: Path, data: Path) -> Iterator[int]:
    """Give the port of 127.0.0.1 where chdb answers as ClickHouse does: user default, PASSWORD."""
    port = free_port()
    command = [programs / "python", CHDB_SERVER, data, str(port)]
    server = subprocess.Popen(command, env={**os.environ, "CLICKHOUSE_PASSWORD": PASSWORD})
    try:
        wait_for(lambda: _listens(port), 60)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def local_spark(folder: Path) -> Warehouse:
    """Return Spark: sessions without a master, each with one core."""
    programs = install(folder, "dbt-spark", "pyspark>=4,<5")
    settings = "spark.master: 'local[1]', spark.sql.shuffle.partitions: '1'"
    return _spark_sessions(programs, f"{settings}, spark.ui.enabled: 'false'")


def local_iceberg(folder: Path) -> Warehouse:
    """Return Spark as `local_spark`, with Iceberg's tables beside its own."""
    programs = install(folder, "dbt-spark", "pyspark>=3.5,<4", ICEBERG_JARS)
    [packages] = (programs.parent / "lib").glob("python*/site-packages")
    name = ICEBERG_JARS.replace("-", "_")
    [iceberg] = (packages / name / "jars").glob("iceberg-spark-runtime-3.5_2.12-*.jar")
    parts = ("core", "databind", "annotations")
    own = [next((packages / "pyspark/jars").glob(f"jackson-{part}-2*.jar")) for part in parts]
    # Iceberg has Jackson under a name of its own, and this package leaves it out.
    jackson = rename_classes(own, JACKSON, f"org/apache/iceberg/shaded/{JACKSON}", folder / "j.jar")
    catalog = "spark.sql.catalog.spark_catalog"
    settings = {
        "spark.master": "local[1]",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
        "spark.jars": f"{iceberg},{jackson}",
        "spark.sql.extensions": f"{ICEBERG}.spark.extensions.IcebergSparkSessionExtensions",
        catalog: f"{ICEBERG}.spark.SparkSessionCatalog",
        f"{catalog}.type": "hive",
        # The metastore in a file has no locks.
        "spark.hadoop.iceberg.engine.hive.lock-enabled": "false",
    }
    return _spark_sessions(
        programs, ", ".join(f"{k}: '{v}'" for k, v in settings.items()), settings
    )


@contextmanager
def spark(folder: Path) -> Iterator[Warehouse]:
    """Return Spark: sessions of dbt's process on a standalone master with two workers."""
    programs = install(folder, "dbt-spark", "pyspark>=4,<5")
    port = free_port()
    master = f"spark://127.0.0.1:{port}"
    limits = "spark.cores.max: '2', spark.executor.memory: 512m, spark.sql.shuffle.partitions: '2'"
    settings = f"spark.master: '{master}', {limits}"
    started = [
        _spark(programs, folder, "master.Master", "--host", "127.0.0.1", "--port", str(port)),
        *(
            _spark(programs, folder, "worker.Worker", "-c", "1", "-m", "1g", master)
            for _ in range(2)
        ),
    ]
    try:
        log = folder / "spark.log"
        wait_for(lambda: log.read_text().count("Successfully registered with master") == 2, 400)
        yield _spark_sessions(programs, settings)
    finally:
        for process in started:
            process.terminate()
            process.wait(30)


def _spark_sessions(
    programs: Path, settings: str, of_reader: Mapping[str, str] | None = None
) -> Warehouse:
    builder = "builder.master('local[1]')"
    if of_reader:
        builder += f".config(map={dict(of_reader)!r})"

    def compute(product: Path) -> str:
        own = f"method: session, host: NA, schema: {schema_of(product)}, threads: 1"
        return f"{{type: spark, config: {{{own}, server_side_parameters: {{{settings}}}}}}}"

    def reader(product: Path) -> str:
        return (
            "import json, sys\nfrom pyspark.sql import SparkSession\n"
            f"session = SparkSession.{builder}.enableHiveSupport().getOrCreate()\n"
            "print(json.dumps([list(row) for row in session.sql(sys.argv[1]).collect()]))\n"
        )

    return Warehouse(programs, compute, reader, ("spark://kinds", ""))


def _spark(programs: Path, folder: Path, service: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a service of a standalone Spark, which writes into spark.log."""
    [home] = (programs.parent / "lib").glob("python*/site-packages/pyspark")
    with (folder / "spark.log").open("a") as log:
        return subprocess.Popen(
            [home / "bin" / "spark-class", f"org.apache.spark.deploy.{service}", *arguments],
            cwd=folder,
            env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"},
            stdout=log,
            stderr=log,
        )


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
