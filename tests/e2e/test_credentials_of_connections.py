"""The credentials of compute come from a connection of each orchestrator, and are written nowhere.

The oracle is PostgreSQL: a model asks it who is connected.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from own_database import HOST, PORT, connected, own_database, rows

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
from floe_core.runs.build_events import BuildEnded

FLOE = Path(sys.executable).with_name("floe")
PASSWORDS = {"blue": "correct-horse-of-blue", "green": "correct-horse-of-green"}
PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"
MODEL = "{{ config(materialized='table') }} select current_user::text as who"
FLOE_YAML = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: airflow}
  compute:
    type: postgres
    CHOICE
    config: CONFIG
"""
DEFINITIONS = """\
from pathlib import Path
from dagster import ConfigurableResource, Definitions, EnvVar
from floe_orchestrator_dagster.loader import load_product_definitions

class Warehouse(ConfigurableResource):
    host: str
    port: int
    user: str
    password: str

here = Path(__file__).parent
warehouse = Warehouse(
    host=EnvVar("WH_HOST"), port=EnvVar.int("WH_PORT"), user=EnvVar("WH_USER"),
    password=EnvVar("WH_PASSWORD"),
)
defs = Definitions.merge(
    load_product_definitions("shop", here), Definitions(resources={"warehouse": warehouse})
)
"""


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Return a database with two users who may write to it."""
    with own_database() as name, closing(connected(name)) as opened, opened.cursor() as cursor:
        for user, password in PASSWORDS.items():
            cursor.execute(f"create role {name}_{user} superuser login password '{password}'")
        yield name
        for user in PASSWORDS:
            cursor.execute(f"drop owned by {name}_{user} cascade; drop role {name}_{user}")


@pytest.fixture
def own_variables() -> Iterator[None]:
    """Take back the variables that a run sets in this process."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def write_product(folder: Path, database: str, choice: str = "connection: warehouse") -> Path:
    config = f"{{dbname: {database}, schema: marts}}"
    manifest = MANIFEST.replace("CHOICE", choice).replace("CONFIG", config)
    files = {
        "floe.yaml": FLOE_YAML,
        "manifest.yaml": manifest,
        "dbt_project.yml": PROJECT,
        "models/who.sql": MODEL,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def run(product: Path, on: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FLOE, "run", product, "--on", on],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def uri(database: str, user: str) -> str:
    return f"postgres://{database}_{user}:{PASSWORDS[user]}@{HOST}:{PORT}/elsewhere"


def who(database: str) -> str:
    ((found,),) = rows(database, "select who from marts.who")
    return str(found).removeprefix(f"{database}_")


def holding(product: Path) -> list[str]:
    """Return the files of a product that contain a password."""
    secrets = [value.encode() for value in PASSWORDS.values()]
    files = (path for path in product.rglob("*") if path.is_file())
    return [path.name for path in files if any(s in path.read_bytes() for s in secrets)]


def keep_connection(product: Path, uri: str) -> None:
    """Write the connection into the database of a product's Airflow, in place of the one before."""
    # The Airflow of `floe run` has no key for its own database.
    of_airflow = {"AIRFLOW_HOME": str(product / ".floe/airflow"), "AIRFLOW__CORE__FERNET_KEY": ""}
    airflow = [Path(sys.executable).with_name("airflow"), "connections"]
    for command in (["delete", "warehouse"], ["add", "warehouse", "--conn-uri", uri]):
        subprocess.run(
            [*airflow, *command],
            env={**os.environ, **of_airflow},
            check=command[0] == "add",
            capture_output=True,
        )


class ArgumentWatch(threading.Thread):
    """Looks at the arguments of all processes of this machine, several times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.looks, self.found, self._is_over = 0, set[str](), threading.Event()

    def run(self) -> None:
        while not self._is_over.wait(0.1):
            self.looks += 1
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    text = path.read_bytes().decode(errors="replace")
                except OSError:
                    continue
                self.found |= {text for value in PASSWORDS.values() if value in text}

    def end(self) -> set[str]:
        self._is_over.set()
        self.join()
        return self.found


@pytest.mark.slow
def test_airflow_reads_its_connections_in_each_run(tmp_path: Path, database: str) -> None:
    product = write_product(tmp_path / "shop", database)
    missing = run(product, "airflow")
    assert missing.returncode == 1
    assert "connection 'warehouse': Airflow has no such connection" in missing.stdout

    lacking = f"postgres://{HOST}/x"
    bare = run(product, "airflow", AIRFLOW_CONN_WAREHOUSE=lacking)
    lacks = "connection 'warehouse' has no password, port, user for postgres"
    assert f"{lacks}; it has database, dbname, host, server" in bare.stdout

    watch = ArgumentWatch()
    watch.start()
    assert run(product, "airflow", AIRFLOW_CONN_WAREHOUSE=uri(database, "blue")).returncode == 0
    assert who(database) == "blue"
    assert watch.end() == set()
    assert watch.looks > 5
    assert holding(product) == []

    compiled = (product / "compiled_artifacts.json").read_bytes()
    assert run(product, "airflow", AIRFLOW_CONN_WAREHOUSE=uri(database, "green")).returncode == 0
    assert who(database) == "green"

    for user in ("blue", "green"):
        keep_connection(product, uri(database, user))
        assert run(product, "airflow").returncode == 0
        assert who(database) == user
    assert (product / "compiled_artifacts.json").read_bytes() == compiled
    assert {name for name in holding(product) if not name.startswith("airflow.db")} == set()


@pytest.mark.usefixtures("own_variables")
def test_a_field_that_the_connection_may_lack_is_left_out_without_it(
    tmp_path: Path, database: str
) -> None:
    product = write_product(tmp_path / "shop", database)
    manifest = product / "manifest.yaml"
    optional = "role: 'connection:role?', sslmode: 'connection:sslmode?', dbname:"
    manifest.write_text(manifest.read_text().replace("dbname:", optional))
    artifacts = compile_product(product)
    blue = {"host": HOST, "port": PORT, "user": f"{database}_blue", "password": PASSWORDS["blue"]}

    def who_builds(run_id: str, **others: str) -> str:
        request = BuildRequest("shop", run_id)
        *_, end = build(artifacts, request, read_connection=lambda *_: {**blue, **others})
        assert end == BuildEnded(True), end
        return who(database)

    assert who_builds("without") == "blue"
    assert who_builds("with", role=f"{database}_green", sslmode="prefer") == "green"
    assert who_builds("without again") == "blue"


@pytest.mark.slow
def test_dagster_reads_a_resource(tmp_path: Path, database: str) -> None:
    product = write_product(tmp_path / "shop", database)
    missing = run(product, "dagster")
    assert missing.returncode == 3
    assert "definitions.py has no resource 'warehouse'" in missing.stderr
    (product / "definitions.py").write_text(DEFINITIONS)
    for user in ("blue", "green"):
        values = {"WH_HOST": HOST, "WH_PORT": str(PORT), "WH_USER": f"{database}_{user}"}
        done = run(product, "dagster", WH_PASSWORD=PASSWORDS[user], **values)
        assert done.returncode == 0, done.stdout + done.stderr
        assert who(database) == user
    assert holding(product) == []


SAVE = """
import json, sys
from prefect.blocks.system import Secret
Secret(value=json.loads(sys.stdin.read())).save("warehouse", overwrite=True)
"""


@pytest.mark.slow
def test_prefect_reads_a_block(tmp_path: Path, database: str) -> None:
    product = write_product(tmp_path / "shop", database, "connection: secret/warehouse")
    missing = run(product, "prefect")
    assert missing.returncode == 1
    assert "connection 'secret/warehouse': Prefect has no block of this name" in missing.stdout
    for user in ("blue", "green"):
        fields = {"host": HOST, "port": PORT, "user": f"{database}_{user}"}
        subprocess.run(
            [sys.executable, "-c", SAVE],
            input=json.dumps({**fields, "password": PASSWORDS[user]}),
            env={
                **os.environ,
                "PREFECT_HOME": str(product / ".floe/prefect"),
                "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
            },
            text=True,
            check=True,
            capture_output=True,
        )
        done = run(product, "prefect")
        assert done.returncode == 0, done.stdout + done.stderr
        assert who(database) == user
    assert holding(product) == []


@pytest.mark.slow
def test_doctor_plan_and_plain_dbt_read_it_too(tmp_path: Path, database: str) -> None:
    product = write_product(tmp_path / "shop", database)

    def floe(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [FLOE, *arguments],
            cwd=product,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    given = {"AIRFLOW_CONN_WAREHOUSE": uri(database, "blue")}
    assert floe("compile").returncode == 0
    assert "connection 'warehouse': Airflow has no such connection" in floe("doctor").stdout
    assert "postgres answers" in floe("doctor", **given).stdout
    assert floe("plan", **given).returncode == 0
    parity = floe("parity", "--on", "dbt", "--on", "airflow", **given)
    assert parity.returncode == 0, parity.stdout + parity.stderr


@pytest.mark.slow
def test_a_password_in_a_file_is_read_in_each_run(tmp_path: Path, database: str) -> None:
    secret = tmp_path / "secrets" / "pw"
    user = tmp_path / "secrets" / "user"
    secret.parent.mkdir()
    product = write_product(tmp_path / "shop", database, "version: any")
    manifest = product / "manifest.yaml"
    own = f"host: {HOST}, port: {PORT}, user: file:{user}, password: file:{secret}, dbname:"
    manifest.write_text(manifest.read_text().replace("{dbname:", f"{{{own}"))
    missing = run(product, "dagster")
    assert f"the file {user} can't be read" in missing.stdout + missing.stderr
    for name in ("blue", "green"):
        secret.write_text(PASSWORDS[name] + "\n")
        user.write_text(f"{database}_{name}\n")
        done = run(product, "dagster")
        assert done.returncode == 0, done.stdout + done.stderr
        assert who(database) == name
    assert holding(product) == []
