"""What `floe migrate` says where no orchestrator is running, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from free_port import free_port
from warm_floe import floe

from floe_core.compiler import compile_product
from floe_core.schedules.claims import claim_tick
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.ownership import begin_move, first_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
schedule: {cron: "0 6 * * *"}
jobs: [{name: by-hand, select: first}]
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: TYPE, config: CONFIG}
  compute: {type: duckdb, config: {path: "PATH"}}
"""
NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)


class Shop:
    """A product compiled for Dagster, and a manifest for Airflow; nothing answers at their urls."""

    def __init__(self, folder: Path, tables: str = "shop.duckdb") -> None:
        self.folder = folder / "shop"
        self.store = folder / "store"
        self.store.mkdir()
        self._tables = tables
        # Settings of both orchestrators.
        self.settings: dict[str, str] = {}
        self.ledger = ""
        self.urls = {name: f"http://127.0.0.1:{free_port()}" for name in ("dagster", "airflow")}
        (self.folder / "models").mkdir(parents=True)
        (self.folder / "models" / "first.sql").write_text("select 1 as id")
        (self.folder / "dbt_project.yml").write_text("name: shop\nversion: 1.0.0\nprofile: shop\n")
        (self.folder / "floe.yaml").write_text(FLOE)
        self.airflow = folder / "airflow.yaml"

    def write(self, dagster: str | None, airflow: str | None) -> Shop:
        """Write the manifests with these stores of schedules, and compile."""
        for name, file, store in (
            ("dagster", self.folder / "manifest.yaml", dagster),
            ("airflow", self.airflow, airflow),
        ):
            own = {"schedule_store": store} if store else {}
            config = {"url": self.urls[name], **own, **self.settings}
            text = MANIFEST.replace("TYPE", name).replace("CONFIG", json.dumps(config))
            ledger = f"ledger: {self.ledger}\n" if self.ledger else ""
            file.write_text(text.replace("PATH", self._tables) + ledger)
        compile_product(self.folder)
        return self

    def shared(self) -> Shop:
        return self.write(str(self.store), str(self.store))

    @property
    def artifacts(self) -> CompiledArtifacts:
        return CompiledArtifacts.load(self.folder)

    def migrate(self, command: str, *options: str) -> tuple[int, str]:
        done = floe("migrate", command, str(self.folder), "--access", str(self.airflow), *options)
        return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


NO_STORE = (
    "the schedules of shop on {} are in no store that both orchestrators read; name the same folder, "
    "fsspec URL or PostgreSQL database in `plugins.orchestrator.config.schedule_store` of both "
    "manifests, or in FLOE_SCHEDULE_STORE here and on both, and give the manifest of the other "
    "orchestrator with --access"
)


def test_a_product_that_is_not_compiled_says_so(shop: Shop) -> None:
    code, told = shop.migrate("apply", "--to", "airflow")
    assert (code, "compiled_artifacts.json: the file is missing" in told) == (1, True)
    assert "fix: run `floe compile` in the product folder" in told


@pytest.mark.parametrize(
    ("dagster", "airflow", "who"),
    [
        (None, None, "dagster and airflow"),
        ("/tmp", None, "airflow"),
        (".", ".", "dagster and airflow"),
    ],
)
def test_without_a_shared_store_nothing_moves(
    shop: Shop, dagster: str | None, airflow: str | None, who: str
) -> None:
    code, told = shop.write(dagster, airflow).migrate("apply", "--to", "airflow")
    assert (code, NO_STORE.format(who) in told) == (2, True)


def test_different_stores_are_refused(shop: Shop) -> None:
    code, told = shop.write("/tmp", "/var/tmp").migrate("apply", "--to", "airflow")
    expected = "the schedules are in different stores: /tmp on dagster, /var/tmp on airflow; name the same one"
    assert (code, expected in told) == (2, True)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--to", "dagster"], "shop is compiled for dagster already; name the orchestrator that"),
        (["--to", "airflw"], "no orchestrator plugin named 'airflw'; did you mean 'airflow'?"),
        (["--to", "airflow", "--job", "shp"], "shop has no job 'shp'; its jobs are shop, by-hand"),
        (["--to", "airflow", "--access", "no.yaml"], "--access no.yaml: there is no such file"),
    ],
)
def test_a_wrong_call_is_refused(shop: Shop, options: list[str], expected: str) -> None:
    code, told = shop.shared().migrate("apply", *options)
    assert (code, expected in told) == (2, True), told


def test_without_its_source_the_record_is_all_that_is_written(shop: Shop) -> None:
    code, told = shop.shared().migrate("apply", "--to", "airflow")
    assert (code, "Dagster could not be queried for its runs" in told) == (3, True), told
    [state] = json.loads(floe("migrate", "status", str(shop.folder), "--json").stdout)
    owner = state["owner"]
    assert (state["job"], owner["orchestrator"], owner["epoch"]) == ("shop", "dagster", 1)
    assert owner["until"] is None


def test_a_move_under_way_is_neither_forgotten_nor_turned(shop: Shop) -> None:
    owner = begin_move(first_owner("dagster"), "airflow", NOW)
    JobSchedules(shop.shared().artifacts).change_owner("shop", None, owner)
    code, told = shop.migrate("forget")
    assert (code, "a move of shop is under way; finish it with `floe migrate apply`" in told) == (
        2,
        True,
    )
    code, told = shop.migrate("apply", "--to", "dagster", "--from", "airflow")
    assert (code, "a move of job 'shop' from dagster to airflow is under way" in told) == (2, True)
    code, told = shop.migrate("rollback")
    assert (code, "dagster does not respond, or does not have shop: start it" in told) == (3, True)
    code, told = shop.migrate("rollback", "--force")
    assert (code, "shop: dagster keeps it, and runs what came meanwhile late" in told) == (0, True)
    code, told = shop.migrate("rollback", "--force")
    assert code == 2
    assert told.endswith("it belongs to dagster; name where it was before with --to")


def test_what_never_moved_is_not_rolled_back_and_nothing_is_forgotten(shop: Shop) -> None:
    code, told = shop.shared().migrate("rollback")
    assert (code, "it never moved" in told) == (2, True)
    code, told = shop.migrate("forget")
    assert (code, told) == (0, f"shop has no owner in {shop.store}/shop.schedules.json")


def test_records_are_forgotten_once_no_other_orchestrator_has_the_product(shop: Shop) -> None:
    schedules = JobSchedules(shop.shared().artifacts)
    schedules.change_owner("shop", None, first_owner("dagster"))
    code, told = shop.migrate("forget")
    assert (code, told) == (0, "shop belongs to whoever has it; only dagster may")
    assert [each.owner for each in [schedules.live("shop")]] == [None]


def test_a_claim_is_released_only_if_its_run_is_known_to_be_over(shop: Shop) -> None:
    JobSchedules(shop.shared().artifacts).change_owner("shop", None, first_owner("dagster"))
    assert claim_tick(shop.artifacts, "shop", NOW, "lost-run") == ""
    code, told = shop.migrate("status")
    assert (code, told) == (
        0,
        "shop: dagster owns it (epoch 1) 2026-11-30T06:00:00+00:00 by dagster, run lost-run: "
        "unknown",
    )
    code, told = shop.migrate("status", "--release", "2026-11-30T06:00")
    assert (code, "is claimed by run lost-run on dagster, which is unknown" in told) == (2, True)
    code, told = shop.migrate("status", "--release", "2026-11-30T07:00")
    assert (code, "no run has claimed the tick 2026-11-30T07:00:00+00:00" in told) == (2, True)


def test_the_plan_names_what_is_lost_and_unknown_by_code(shop: Shop) -> None:
    shop.write(None, None)
    options = ("--to", "airflow", "--no-parity", "--json")
    done = floe("migrate", "plan", str(shop.folder), *options)
    plan = json.loads(done.stdout)
    kinds = {each["code"]: each["kind"] for each in plan["findings"]}
    assert kinds == {
        "concepts": "ok",
        "ticks": "ok",
        "store:schedules": "loss",
        "warehouse": "loss",
        "service:dagster": "unknown",
        "service:airflow": "unknown",
        "listeners": "unknown",
        "history": "note",
    }
    against = [code for code, kind in kinds.items() if kind in ("loss", "unknown")]
    accepted = [word for each in against for word in ("--accept", each)]
    done = floe("migrate", "plan", str(shop.folder), *options, *accepted)
    assert json.loads(done.stdout)["is_ready"] is True


REMEMBERING = """\
outputPorts: [{name: first, model: first}]
alerts: [{on: [failure, recovery], to: "{{ env_var('SHOP_ALERTS') }}"}]
execution: {reuse: unchanged}
partitions: {by: day, start: 2026-11-01, select: first, vars: {day: start_date}}
"""
REMEMBERED = ("store:alerts", "store:ledger", "store:reuse", "store:partitions")
NOT_ALONG = (
    "warning: store:alerts: it is in the folder of one orchestrator and stays there: open failures "
    "and last successes stay on dagster"
)


@pytest.fixture
def remembering(shop: Shop) -> Shop:
    """Return a product with alerts, ports, reuse and partitions."""
    file = shop.folder / "floe.yaml"
    file.write_text(f"{file.read_text()}{REMEMBERING}")
    (shop.folder / "models" / "first.sql").write_text(
        "{{ config(materialized='incremental', unique_key='id') }}\n"
        'select \'{{ var("start_date", "x") }}\' as id'
    )
    (shop.folder / "models" / "first.yml").write_text(
        "models: [{name: first, columns: [{name: id}]}]\n"
    )
    shop.ledger = "ledger"
    return shop


def kinds_of(shop: Shop, **environment: str) -> dict[str, str]:
    options = ("--to", "airflow", "--no-parity", "--json", "--access", str(shop.airflow))
    done = floe("migrate", "plan", str(shop.folder), *options, **environment)
    found = {each["code"]: each["kind"] for each in json.loads(done.stdout)["findings"]}
    return {code: found[code] for code in REMEMBERED}


def test_what_the_source_remembers_in_its_folder_does_not_go_along(remembering: Shop) -> None:
    shop = remembering.shared()
    assert kinds_of(shop) == dict.fromkeys(REMEMBERED, "loss")
    _, told = shop.migrate("apply", "--to", "airflow")
    assert NOT_ALONG in told
    assert [code for code in REMEMBERED if f"warning: {code}: " in told] == [*REMEMBERED]
    _, told = shop.migrate("apply", "--to", "airflow", "--accept", "store:alerts")
    assert [code for code in REMEMBERED if f"warning: {code}: " in told] == [*REMEMBERED[1:]]


def test_what_the_source_remembers_in_shared_stores_goes_along(
    remembering: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {name: tmp_path / name for name in ("alerts", "ledger", "reuse", "partitions")}
    for place in places.values():
        place.mkdir()
    remembering.settings = {"alert_store": str(places["alerts"])}
    remembering.ledger = str(places["ledger"])
    shop = remembering.shared()
    stores = {
        "FLOE_REUSE_STORE": str(places["reuse"]),
        "FLOE_PARTITION_STORE": str(places["partitions"]),
    }
    assert kinds_of(shop, **stores) == dict.fromkeys(REMEMBERED, "ok")
    for name, place in stores.items():
        monkeypatch.setenv(name, place)
    _, told = shop.migrate("apply", "--to", "airflow")
    assert "warning: store:" not in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "kind", "what"),
    [
        ("select 1 as id", "ok", "a run of 1 node has the same results on both"),
        ("select uuid() as id", "loss", "model.shop.first: "),
    ],
)
def test_the_plan_compares_a_run_on_both_orchestrators(
    tmp_path: Path, sql: str, kind: str, what: str
) -> None:
    shop = Shop(tmp_path)
    model = shop.folder / "models" / "first.sql"
    model.write_text("{{ config(materialized='table') }}" + sql)
    shop.shared()
    done = floe("migrate", "plan", str(shop.folder), "--to", "airflow", "--json")
    found = [each for each in json.loads(done.stdout)["findings"] if each["code"] == "parity"]
    assert [(each["kind"], each["what"].startswith(what)) for each in found] == [(kind, True)]


def test_a_concept_that_the_target_cannot_express_is_a_loss(shop: Shop) -> None:
    shop.shared()
    file = shop.folder / "floe.yaml"
    file.write_text(f"{file.read_text()}transforms: [{{name: first, pool: warehouse}}]\n")
    options = ("--to", "airflow", "--no-parity", "--json")
    done = floe("migrate", "plan", str(shop.folder), *options)
    found = [each for each in json.loads(done.stdout)["findings"] if each["kind"] == "loss"]
    assert [
        (each["code"], each["what"].split()[0]) for each in found if "concept" in each["code"]
    ] == [("concept:pool", "pool:")]


def test_a_schedule_of_others_has_a_name_and_stands_for_one_job(shop: Shop) -> None:
    shop.shared()
    floe_yaml = shop.folder / "floe.yaml"
    for options, expected in (
        (("--from", "airflw:nightly", "--to", "dagster"), "no orchestrator plugin named 'airflw'"),
        (
            ("--from", "airflow:a", "--to", "dagster:b"),
            "floe manages neither airflow:a nor dagster:b; name an orchestrator",
        ),
        (
            ("--from", "prefect:nightly", "--to", "dagster"),
            "'nightly' names no deployment of Prefect: give FLOW/DEPLOYMENT",
        ),
    ):
        for command in (("apply",), ("plan", "--no-parity")):
            code, told = shop.migrate(*command, *options)
            assert (code != 0, expected in told) == (True, True), told
    _, told = shop.migrate("status")
    assert told == "shop: no owner, so each orchestrator that has it starts it"
    text = FLOE.replace("select: first", "select: first, schedule: {cron: '0 7 * * *'}")
    floe_yaml.write_text(text)
    compile_product(shop.folder)
    code, told = shop.migrate("apply", "--from", "airflow:nightly", "--to", "dagster")
    assert code == 2
    assert told.endswith("airflow:nightly stands for one job: give --job, one of shop, by-hand")


def test_a_schedule_of_others_that_is_away_is_recorded_and_then_awaited(shop: Shop) -> None:
    shop.shared()
    code, told = shop.migrate("apply", "--from", "airflow:nightly", "--to", "dagster")
    assert code == 3
    assert "shop: airflow:nightly owns it (epoch 1)" in told
    assert "Airflow and its DAG nightly: " in told
    _, told = shop.migrate("status")
    assert told == "shop: airflow:nightly owns it (epoch 1)"
    code, told = shop.migrate("forget")
    assert code == 2
    assert "airflow:nightly owns it, which floe does not manage" in told
    code, told = shop.migrate("plan", "--from", "airflow:nightly", "--to", "dagster", "--json")
    kinds = {each["code"]: each["kind"] for each in json.loads(told)["findings"]}
    assert kinds["source"] == "unknown"


def test_a_hand_back_is_called_off_by_force_if_the_schedule_of_others_is_gone(shop: Shop) -> None:
    owner = begin_move(first_owner("dagster"), "airflow:nightly", NOW)
    JobSchedules(shop.shared().artifacts).change_owner("shop", None, owner)
    code, told = shop.migrate("rollback")
    assert (code, "Airflow and its DAG nightly: " in told) == (3, True), told
    assert JobSchedules(shop.artifacts).live("shop").owner == owner
    code, told = shop.migrate("rollback", "--force")
    assert (code, "shop: dagster keeps it, and runs what came meanwhile late" in told) == (0, True)
    assert (
        "once it responds, if the move has resumed airflow:nightly, it starts ticks as well: pause it"
        in told
    )
