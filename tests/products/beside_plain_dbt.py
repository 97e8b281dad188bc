"""A small product that reuses, beside plain `dbt build` of a copy of it: equal tables, or it fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import chdir, closing
from pathlib import Path

import duckdb
import psycopg2
from dbt.cli.main import dbtRunner
from own_database import SERVER, compute
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.dbt.internals import release_adapters, release_warehouse
from floe_core.execution import BuildEvent, BuildRequest, NodeLog, NodeResult, NodeStarted, build
from floe_core.runs.build_request import NodeSlots
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {COMPUTE}
"""
PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+materialized: table}\n"
ORDERS = "select 1 as id, 10 as amount union all select 2, 20"
# The same rows, in another order.
TURNED = "select 2 as id, 20 as amount union all select 1, 10"
OTHER = "select 1 as id, 10 as amount union all select 2, 30"
MODELS = {
    "orders": ORDERS,
    "totals": "select sum(amount) as total from {{ ref('orders') }}",
    "report": "select total * 2 as twice from {{ ref('totals') }}",
}


class Shop:
    """The product in one folder, and a copy of it for plain dbt in another."""

    def __init__(self, write_product: WriteProduct, **models: str) -> None:
        given = {**MODELS, **models}
        self.ours, self.plain = (
            write_product(name, floe=FLOE, dbt_project=PROJECT, **given)
            for name in ("ours", "plain")
        )
        profile = "{type: duckdb, path: shop.duckdb}"
        self._profile(f"shop: {{target: dev, outputs: {{dev: {profile}}}}}\n")
        self.runs = 0
        self.events: list[BuildEvent] = []

    def _profile(self, text: str) -> None:
        (self.plain / "profiles.yml").write_text(text)

    def write(self, name: str, text: str) -> None:
        for folder in (self.ours, self.plain):
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def model(self, name: str, sql: str) -> None:
        self.write(f"models/{name}.sql", sql)

    def run(self, *node_ids: str, slots: NodeSlots | None = None) -> set[str]:
        """Build on both sides, compare the tables, and return the names of what floe had built."""
        self.runs += 1
        compile_product(self.ours)
        artifacts = CompiledArtifacts.load(self.ours)
        request = BuildRequest("shop", str(self.runs), node_ids=node_ids or None)
        self.events = list(build(artifacts, request, slots))
        self._run_plain()
        if not node_ids:
            assert self.tables(self.ours) == self.tables(self.plain)
        return {name for name, status in self.results().items() if status != "reused"}

    def results(self) -> dict[str, str]:
        found = (e for e in self.events if isinstance(e, NodeResult))
        return {name_of(each.unique_id): each.status for each in found}

    def told_of(self, node_id: str) -> list[BuildEvent]:
        kinds = (NodeStarted, NodeLog, NodeResult)
        return [e for e in self.events if isinstance(e, kinds) and e.unique_id == node_id]

    def ran_by_dbt(self) -> set[str]:
        """Return the names of the models whose SQL dbt left as what it ran in the last run."""
        place = self.ours / ".floe" / "runs" / str(self.runs) / "attempt-1" / "run" / "shop"
        return {file.stem for file in (place / "models").glob("*.sql")}

    def tables(self, folder: Path) -> dict[str, list[tuple[object, ...]]]:
        with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as warehouse:
            names = [str(name) for (name,) in warehouse.execute("show tables").fetchall()]
            rows = {name: warehouse.execute(f'from "{name}"').fetchall() for name in names}
            return {name: sorted(found, key=repr) for name, found in rows.items()}

    def _run_plain(self) -> None:
        place = ["--project-dir", str(self.plain), "--profiles-dir", str(self.plain)]
        with chdir(self.plain):
            dbtRunner().invoke(["build", *place, "--log-level", "none", "--quiet"])
        release_warehouse()
        release_adapters()


def name_of(node_id: str) -> str:
    """Return a node's name; the id of a unit test has its model's before it."""
    kind, _, *names = node_id.split(".")
    return names[1] if kind == "unit_test" else names[0]


class ShopOnPostgres(Shop):
    """The same in two databases of PostgreSQL."""

    def __init__(
        self, write_product: WriteProduct, databases: tuple[str, str], **models: str
    ) -> None:
        super().__init__(write_product, **models)
        self._databases = dict(zip(("ours", "plain"), databases, strict=True))
        manifest = MANIFEST.replace("COMPUTE", compute(self._databases["ours"], "main"))
        (self.ours / "manifest.yaml").write_text(manifest)
        place = ", ".join(f"{key}: {SERVER[key]}" for key in ("host", "port", "user", "password"))
        target = f"{{type: postgres, {place}, dbname: {databases[1]}, schema: main, threads: 1}}"
        self._profile(f"shop: {{target: dev, outputs: {{dev: {target}}}}}\n")

    def tables(self, folder: Path) -> dict[str, list[tuple[object, ...]]]:
        opened = psycopg2.connect(**SERVER, dbname=self._databases[folder.name])
        with closing(opened), opened.cursor() as cursor:
            cursor.execute(
                "select table_name from information_schema.tables where table_schema = 'main'"
            )
            found = {}
            for (name,) in cursor.fetchall():
                cursor.execute(f"select * from main.{name}")
                found[str(name)] = sorted(cursor.fetchall(), key=repr)
            return found
