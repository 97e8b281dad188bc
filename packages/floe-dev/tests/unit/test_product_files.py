from __future__ import annotations

import os
from pathlib import Path

import pytest
from watchfiles import Change

from floe_core.compiler.profile import HEADER
from floe_dev.changed_files import SourceFilter
from floe_dev.product_files import ProductFiles, changes


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_files_that_floe_dbt_and_runs_write_are_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        models__a_DOT_sql="select 1",
        floe_DOT_yaml="x",
        profiles_DOT_yml=f"{HEADER}shop: {{}}",
        compiled_artifacts_DOT_json="{}",
        target__manifest_DOT_json="{}",
        logs__dbt_DOT_log="",
        shop_DOT_duckdb="",
        models__a_DOT_sql_swp="kept: not a name of an editor",
    )
    (tmp_path / ".floe").mkdir()
    (tmp_path / ".floe" / "dev.json").write_text("{}")
    (tmp_path / "models" / ".a.sql.swp").write_text("")
    # dbt's artifacts of runs.
    (tmp_path / "written" / "shop" / "latest").mkdir(parents=True)
    (tmp_path / "written" / "shop" / "floe-runs.json").write_text("{}")
    (tmp_path / "written" / "shop" / "latest" / "manifest.json").write_text("{}")
    found = ProductFiles(tmp_path).snapshot()
    assert set(found) == {"models/a.sql", "floe.yaml", "models/a.sql_swp"}


@pytest.mark.parametrize("place", ["build", "./build/", "build/dbt"])
def test_the_projects_own_folders_for_what_dbt_writes_are_left_out(
    tmp_path: Path, place: str
) -> None:
    write(tmp_path, dbt_project_DOT_yml=f"target-path: {place}\nlog-path: said\n")
    write(tmp_path, models__a_DOT_sql="select 1", models__build__b_DOT_sql="select 1")
    sources = {"dbt_project.yml", "models/a.sql", "models/build/b.sql"}
    written = [tmp_path / place / "manifest.json", tmp_path / "said/dbt.log.1"]
    for file in written:
        file.parent.mkdir(parents=True)
        file.write_text("")
    assert set(ProductFiles(tmp_path).snapshot()) == sources
    wakes = SourceFilter([tmp_path])
    assert [wakes(Change.modified, str(file)) for file in written] == [False, False]
    assert all(wakes(Change.modified, str(tmp_path / name)) for name in sources)
    write(tmp_path, dbt_project_DOT_yml="target-path: elsewhere\nlog-path: .\n")
    assert set(ProductFiles(tmp_path).snapshot()) > sources
    assert wakes(Change.modified, str(written[0]))


@pytest.mark.parametrize("name", ["shop.sqlite", "shop.sqlite-journal", "shop.db-wal", "a.parquet"])
def test_a_warehouse_in_the_folder_is_no_source(tmp_path: Path, name: str) -> None:
    write(tmp_path, floe_DOT_yaml="x")
    (tmp_path / name).write_text("")
    assert set(ProductFiles(tmp_path).snapshot()) == {"floe.yaml"}


def test_folders_of_those_names_below_the_top_are_the_products(tmp_path: Path) -> None:
    write(tmp_path, models__target__a_DOT_sql="select 1", models__logs__b_DOT_sql="select 1")
    assert set(ProductFiles(tmp_path).snapshot()) == {"models/target/a.sql", "models/logs/b.sql"}


def test_what_is_linked_is_read_and_a_link_to_above_has_an_end(tmp_path: Path) -> None:
    shop, package = tmp_path / "shop", tmp_path / "package"
    write(shop, models__a_DOT_sql="select 1")
    write(package, macros__m_DOT_sql="{% macro m() %}{% endmacro %}")
    (shop / "dbt_packages").mkdir()
    (shop / "dbt_packages" / "package").symlink_to(package)
    (shop / "models" / "up").symlink_to(shop)
    files = ProductFiles(shop)
    before = files.snapshot()
    write(package, macros__m_DOT_sql="{% macro m() %}1{% endmacro %}")
    assert changes(before, files.snapshot()) == ("dbt_packages/package/macros/m.sql",)


def test_a_save_without_a_change_is_no_change(tmp_path: Path) -> None:
    write(tmp_path, models__a_DOT_sql="select 1")
    files = ProductFiles(tmp_path)
    before = files.snapshot()
    write(tmp_path, models__a_DOT_sql="select 1")
    assert changes(before, files.snapshot()) == ()


def test_a_new_a_changed_and_a_deleted_file_are_changes(tmp_path: Path) -> None:
    write(tmp_path, a_DOT_sql="1", b_DOT_sql="1", same_DOT_sql="1")
    outside = tmp_path.parent / f"{tmp_path.name}.yaml"
    files = ProductFiles(tmp_path)
    files.outside = (outside,)
    before = files.snapshot()
    (tmp_path / "a.sql").unlink()
    write(tmp_path, b_DOT_sql="22", c_DOT_sql="1")
    outside.write_text("manifest")
    assert changes(before, files.snapshot()) == (str(outside), "a.sql", "b.sql", "c.sql")


@pytest.mark.parametrize(
    ("name", "is_source"),
    [
        ("models/a.sql", True),
        ("floe.yaml", True),
        ("export.py", True),
        ("models/target/a.sql", True),
        ("target/manifest.json", False),
        (".floe/runs/1/journal", False),
        ("models/.floe/x", False),
        ("compiled_artifacts.json", False),
        ("shop.duckdb", False),
        ("shop.duckdb.wal", False),
        ("models/a.sql~", False),
        ("schedules.json", False),
    ],
)
def test_a_change_of_what_floe_writes_wakes_nobody(name: str, is_source: bool) -> None:
    folder = Path("/srv/shop")
    assert SourceFilter([folder])(Change.modified, str(folder / name)) is is_source


def test_a_change_of_a_file_elsewhere_wakes() -> None:
    assert SourceFilter([Path("/srv/shop")])(Change.modified, "/srv/models/a.sql")


def test_a_large_file_is_told_by_its_times_and_size(tmp_path: Path) -> None:
    write(tmp_path, seeds__a_DOT_csv="id\n10\n", models__a_DOT_sql="select")
    files = ProductFiles(tmp_path, most=5)
    before = files.snapshot()
    # The same length, and a modification time that is set back.
    seed, at = tmp_path / "seeds/a.csv", (tmp_path / "seeds/a.csv").stat()
    seed.write_text("id\n20\n")
    os.utime(seed, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert changes(before, files.snapshot()) == ("seeds/a.csv",)
    by_content = ProductFiles(tmp_path).snapshot()["seeds/a.csv"]
    assert files.snapshot()["seeds/a.csv"] != by_content
    assert ProductFiles(tmp_path, most=6).snapshot()["seeds/a.csv"] == by_content
