"""Which warehouses take one writer at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floe_core.execution.warehouse_lock import sole_writer
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.warehouse.dialects import dialect_of

SQLITE = {"type": "sqlite", "schema": "main", "schemas_and_paths": {"main": "/data/shop.sqlite"}}
SESSION = {"type": "spark", "method": "session", "host": "NA"}
METASTORE = {"spark.hadoop.hive.metastore.uris": "thrift://metastore:9083"}
URL = "spark.hadoop.javax.jdo.option.ConnectionURL"
DRIVER = {"spark.hadoop.javax.jdo.option.ConnectionDriverName": "org.postgresql.Driver"}


def session_at(url: str) -> dict[str, Any]:
    """Return the profile of a Spark session with its metastore in a database."""
    return {**SESSION, "server_side_parameters": {**DRIVER, URL: url}}


@pytest.mark.parametrize(
    ("profile", "path"),
    [
        ({"type": "duckdb", "path": "shop.duckdb"}, "/product/shop.duckdb"),
        ({"type": "duckdb", "path": ":memory:"}, None),
        ({"type": "duckdb", "path": "md:shop"}, None),
        (SQLITE, "/data/shop.sqlite"),
        ({**SQLITE, "schemas_and_paths": {"main": "shop.sqlite"}}, "/product/shop.sqlite"),
        ({**SQLITE, "schema": "other"}, None),
        (SESSION, "/product/metastore_db"),
        ({**SESSION, "server_side_parameters": METASTORE}, None),
        (session_at("jdbc:derby:;databaseName=/data/meta;create=true"), "/data/meta"),
        (session_at("jdbc:derby:;create=true;databaseName=meta"), "/product/meta"),
        (session_at("jdbc:derby:/data/meta;create=true"), "/data/meta"),
        (session_at("jdbc:derby:directory:meta"), "/product/meta"),
        (session_at("jdbc:derby:memory:meta;create=true"), None),
        (session_at("jdbc:derby://derby.example.com:1527/meta;create=true"), None),
        (session_at("jdbc:postgresql://db.example.com/meta"), None),
        ({"type": "spark", "method": "thrift", "host": "spark.example.com"}, None),
        ({"type": "postgres", "host": "db.example.com"}, None),
        ({"type": "clickhouse", "host": "db.example.com", "schema": "shop"}, None),
    ],
)
def test_a_file_has_one_writer_and_a_server_many(profile: dict[str, Any], path: str | None) -> None:
    found = dialect_of(profile["type"]).file_of_one_writer(profile, Path("/product"))
    assert found == (Path(path) if path else None)


def at(path: Path) -> dict[str, Any]:
    """Return the profile of a DuckDB file."""
    return {"type": "duckdb", "path": str(path)}


def test_products_that_name_a_file_by_different_links_share_its_lock(tmp_path: Path) -> None:
    for name in ("data", "one", "two"):
        (tmp_path / name).mkdir()
    file = tmp_path / "data" / "shop.duckdb"
    (tmp_path / "one" / "mine.duckdb").symlink_to(file)
    (tmp_path / "two" / "data").symlink_to(tmp_path / "data")
    other = tmp_path / "two" / "data" / "shop.duckdb"
    with (
        sole_writer(at(Path("mine.duckdb")), tmp_path / "one", 0),
        pytest.raises(EnvironmentProblemError, match="in use by another build"),
        sole_writer(at(other), tmp_path / "two", 0),
    ):
        pass
    with sole_writer(at(other), tmp_path / "two", 0):
        pass


def test_the_lock_is_no_file_that_users_see(tmp_path: Path) -> None:
    with sole_writer(at(tmp_path / "new" / "shop.duckdb"), tmp_path, 0):
        assert [each.name for each in (tmp_path / "new").iterdir()] == [".floe"]
    assert (tmp_path / "new" / ".floe" / ".gitignore").read_text() == "*\n"


def test_a_place_that_cannot_have_the_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / ".floe").touch()
    told = f"{tmp_path}/.floe/shop.duckdb.lock: cannot be written: File exists"
    with (
        pytest.raises(EnvironmentProblemError, match=f"^{told}$"),
        sole_writer(at(tmp_path / "shop.duckdb"), tmp_path, 0),
    ):
        pass
