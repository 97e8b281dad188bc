"""A plain DuckDB profile is read without dbt, and means what dbt-duckdb takes it for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from floe_core.schemas.policies import DbtProject
from floe_core.warehouse.connection import open_warehouse
from floe_core.warehouse.credentials import credentials_of, place_of
from floe_core.warehouse.duckdb_file import plain_file

HERE = "{{ env_var('FLOE_PROJECT_DIR', '.') }}/"


def project(path: str, **more: Any) -> DbtProject:
    profile = {"type": "duckdb", "path": path, "threads": 4, **more}
    return DbtProject(
        project_name="shop",
        profile_name="shop",
        target_name="dev",
        adapter="duckdb",
        version="",
        profile=profile,
    )


@pytest.mark.parametrize(
    "path",
    [
        f"{HERE}shop.duckdb",
        f"{HERE}a folder/Shop-1.db",
        f"{HERE}1.duckdb",
        f"{HERE}o'clock.duckdb",
        f'{HERE}a "name".duckdb',
        "{{ env_var('SHOP_HOME') }}/shop.duckdb",
        "{{ env_var('SHOP_NOWHERE', '/tmp') }}/{{ env_var('SHOP_FILE') }}",
    ],
)
def test_it_is_what_dbt_makes_of_it(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_HOME", "/home/shop")
    monkeypatch.setenv("SHOP_FILE", "shop.duckdb")
    dbt = project(path, schema="marts")
    found, expected = plain_file(dbt, tmp_path), credentials_of(dbt, tmp_path)
    assert found
    assert found.place == f"duckdb {expected.unique_field}/{expected.database}"
    assert found.place == place_of(dbt, tmp_path)


@pytest.mark.parametrize(
    "dbt",
    [
        project("shop.duckdb"),
        project(":memory:"),
        project("md:shop"),
        project(f"{HERE}shop"),
        project(f"{HERE}.shop.duckdb"),
        project(f"{HERE}shop.v1.duckdb"),
        project(f"{HERE}shop.duckdb?x=1"),
        project(f"{HERE}{{% if true %}}shop{{% endif %}}.duckdb"),
        project(f"{HERE}{{{{ env_var('SHOP_UNSET') }}}}.duckdb"),
        project(f"{HERE}{{{{ 'shop' }}}}.duckdb"),
        project("ducklake:/shop.duckdb"),
        project(f"{HERE}shop.duckdb", extensions=["httpfs"]),
        project(f"{HERE}shop.duckdb", attach=[{"path": "other.duckdb"}]),
        project(f"{HERE}shop.duckdb", database="other"),
        project(f"{HERE}shop.duckdb").model_copy(update={"profiles_dir": ""}),
        project(f"{HERE}shop.duckdb", type="postgres"),
    ],
    ids=lambda dbt: str(dbt.profile),
)
def test_any_other_is_left_to_dbt(dbt: DbtProject, tmp_path: Path) -> None:
    assert plain_file(dbt, tmp_path) is None


@pytest.mark.parametrize("more", [{}, {"settings": {}}], ids=["plain", "by dbt-duckdb"])
@pytest.mark.parametrize("file", ["shop.duckdb", "o'clock.duckdb", 'a "name".duckdb'])
def test_both_open_the_same(file: str, more: dict[str, Any], tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / file)) as connection:
        connection.execute("create table orders as select 7 as amount")
    name = file.partition(".")[0]
    with open_warehouse(project(HERE + file, **more), tmp_path) as warehouse:
        assert warehouse.rows("select amount, current_database() from orders") == [(7, name)]
        is_read_only = "select readonly from duckdb_databases() where path is not null"
        assert warehouse.rows(is_read_only) == [(True,)]
    # It is released.
    duckdb.connect(str(tmp_path / file)).close()


@pytest.mark.parametrize("more", [{}, {"settings": {}}], ids=["plain", "by dbt-duckdb"])
def test_a_file_that_may_be_new_is_not_made(more: dict[str, Any], tmp_path: Path) -> None:
    dbt = project(f"{HERE}new.duckdb", **more)
    with open_warehouse(dbt, tmp_path, may_be_new=True) as warehouse:
        assert warehouse.rows("select current_database()") == [("new",)]
    assert list(tmp_path.iterdir()) == []
