"""Outside of a task, connections of the metadata database are found too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from warm_floe import floe

pytestmark = pytest.mark.long

READ = """
import sys
from floe_orchestrator_airflow.service.connection_fields import read_connection
for name in sys.argv[1:]:
    try:
        fields = read_connection(name, "postgres")
        print("found", fields["user"], fields["password"], fields["port"], fields["sslmode"])
    except LookupError as error:
        print(error.args[0])
"""
MISSING = "Airflow has no such connection; add it, or set the variable AIRFLOW_CONN_{0}"
FOUND = "found me hunter2 1 disable"
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
  compute: {type: postgres, connection: stored, config: {dbname: shop, schema: marts}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an Airflow whose database has a connection."""
    home = tmp_path_factory.mktemp("airflow")
    airflow = str(Path(sys.executable).with_name("airflow"))
    uri = "postgres://me:hunter2@127.0.0.1:1/shop?sslmode=disable"
    for command in (["db", "migrate"], ["connections", "add", "stored", "--conn-uri", uri]):
        environment = {**os.environ, "AIRFLOW_HOME": str(home)}
        subprocess.run([airflow, *command], env=environment, check=True, capture_output=True)
    return home


def read(home: Path, *names: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", READ, *names],
        env={**os.environ, "AIRFLOW_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    kept = ("found", "Airflow", "it can't")
    return [line for line in done.stdout.splitlines() if line.startswith(kept)]


def test_they_are_read_and_what_is_not_there_is_missing(home: Path) -> None:
    of_variable = "postgres://me:hunter2@elsewhere:1/shop?sslmode=disable"
    found = read(home, "stored", "other", "third", AIRFLOW_CONN_THIRD=of_variable)
    assert found == [FOUND, MISSING.format("OTHER"), FOUND]


def test_what_cannot_be_read_is_not_said_to_be_missing(home: Path, tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    assert read(home, "stored", AIRFLOW__CORE__FERNET_KEY=key) == [
        "it can't be decrypted; set AIRFLOW__CORE__FERNET_KEY to the key of this Airflow"
    ]
    (tmp_path / "empty.db").touch()
    empty = f"sqlite:///{tmp_path}/empty.db"
    assert read(home, "stored", AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=empty) == [
        "Airflow's metadata database can't be read: no such table: connection"
    ]


def test_no_database_is_created(tmp_path: Path) -> None:
    assert read(tmp_path, "stored") == [MISSING.format("STORED")]
    assert not (tmp_path / "airflow.db").exists()


def test_doctor_finds_them(home: Path, tmp_path: Path) -> None:
    files = {
        "floe.yaml": FLOE_YAML,
        "manifest.yaml": MANIFEST,
        "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
        "models/one.sql": "select 1 as id",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert floe("compile", tmp_path).returncode == 0
    missing = "connection 'stored': Airflow has no such connection"
    elsewhere = floe("doctor", tmp_path, AIRFLOW_HOME=str(tmp_path / "elsewhere")).stdout
    assert missing in elsewhere
    found = floe("doctor", tmp_path, AIRFLOW_HOME=str(home)).stdout
    assert missing not in found
    # It has the connection's address, at which nothing listens.
    assert "port 1 failed" in found
