"""A compiled copy has all that the project needs, and nothing that runs left in its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.compiler import compile_product
from floe_core.compiler.compile_product import prepare_product
from floe_core.compiler.profile import isolate
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.warehouse.dialects import dialect_of

WriteProduct = Callable[..., Path]


def put(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_folders_with_the_names_of_work_folders_are_left_behind_at_the_top_alone(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    product = write_product(first="select 1 as id")
    put(product / "seeds" / "logs" / "events.csv", "id\n1\n")
    put(product / "models" / "target" / "aimed.sql", "select 1 as id")
    put(product / "target" / "old.json")
    put(product / "logs" / "dbt.log")
    put(product / "env" / "pyvenv.cfg")
    put(product / "written" / "shop" / "floe-runs.json")
    put(product / "written" / "shop" / "latest" / "manifest.json")
    put(product / "env" / "lib" / "module.py")
    compile_product(product, out=tmp_path / "out")
    copied = names(tmp_path / "out")
    assert {"seeds/logs/events.csv", "models/target/aimed.sql"} <= copied
    assert copied.isdisjoint({"target/old.json", "logs/dbt.log", "env/lib/module.py"})
    assert "written/shop/latest/manifest.json" not in copied


def test_the_projects_own_work_folders_are_left_behind(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    product = write_product(first="select 1 as id")
    project = product / "dbt_project.yml"
    put(project, f"{project.read_text()}\ntarget-path: ./build/dbt/\nlog-path: said\n")
    for name in ("build/dbt/manifest.json", "said/dbt.log", "build/notes.md", "models/said/a.md"):
        put(product / name)
    compile_product(product, out=tmp_path / "out")
    copied = names(tmp_path / "out")
    assert {"build/notes.md", "models/said/a.md"} <= copied
    assert copied.isdisjoint({"build/dbt/manifest.json", "said/dbt.log"})


def test_a_package_that_holds_the_product_is_copied_without_end_nowhere(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    """As `packages: [{local: ../}]` of a package's own integration tests, after `dbt deps`."""
    product = write_product("package/integration_tests", first="select {{ one() }} as id")
    package = tmp_path / "package"
    put(package / "dbt_project.yml", "name: package\nversion: 1.0.0\n")
    put(package / "macros" / "one.sql", "{% macro one() %}1{% endmacro %}")
    put(package / "target" / "manifest.json", "{}")
    put(product / "packages.yml", "packages:\n  - local: ../\n")
    (product / "dbt_packages").mkdir()
    (product / "dbt_packages" / "package").symlink_to(package)
    out = package / "out"
    compile_product(product, out=out)
    below = {"dbt_project.yml", "macros/one.sql"}
    assert names(out / "dbt_packages" / "package") == below
    assert names(out / "external" / "0-package") == below


def test_local_packages_outside_the_product_are_named_where_the_copy_has_them(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    """dbt 2 looks for them whenever it runs."""
    product = write_product("team/product", first="select 1 as id")
    put(tmp_path / "team" / "shared" / "dbt_project.yml", "name: shared\nversion: 1.0.0\n")
    put(product / "packages" / "own" / "dbt_project.yml", "name: own\nversion: 1.0.0\n")
    for name in ("shared", "own"):
        (product / "dbt_packages").mkdir(exist_ok=True)
        place = tmp_path / "team" / "shared" if name == "shared" else product / "packages" / "own"
        (product / "dbt_packages" / name).symlink_to(place)
    packages = "packages:\n  - local: ../shared # ours\n  - local: packages/own\n"
    put(product / "packages.yml", packages)
    put(product / "package-lock.yml", f"{packages}sha1_hash: 1234\n")
    out = tmp_path / "out"
    compile_product(product, out=out)
    moved = "packages:\n- local: external/0-shared # ours\n- local: packages/own\n"
    assert (out / "packages.yml").read_text() == moved
    assert (out / "package-lock.yml").read_text() == f"{moved}sha1_hash: 1234\n"
    assert names(out / "external") == {"0-shared/dbt_project.yml"}
    assert (product / "packages.yml").read_text() == packages


def test_the_warehouse_stays_whatever_its_name_and_other_databases_come(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    manifest = (
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins:\n  orchestrator: {type: plain}\n"
        "  compute: {type: duckdb, config: {path: data/warehouse.db}}\n"
    )
    product = write_product(manifest=manifest)
    for name in ("data/warehouse.db", "data/warehouse.db.wal", "data/countries.duckdb"):
        put(product / name, "rows")
    compile_product(product, out=tmp_path / "out")
    assert {name for name in names(tmp_path / "out") if name.startswith("data/")} == {
        "data/countries.duckdb"
    }


@pytest.mark.parametrize(
    ("settings", "metastore"),
    [
        ({}, ["metastore_db"]),
        ({"javax.jdo.option.ConnectionURL": "jdbc:derby:;databaseName=own"}, ["own"]),
        ({"spark.hadoop.hive.metastore.uris": "thrift://metastore:9083"}, []),
    ],
)
def test_the_tables_of_a_spark_session_stay(
    settings: dict[str, str], metastore: list[str], tmp_path: Path
) -> None:
    profile = {"type": "spark", "method": "session", "server_side_parameters": settings}
    stay = [tmp_path / name for name in (*metastore, "spark-warehouse", "derby.log")]
    spark = dialect_of("spark")
    assert spark.files_of_tables(profile, tmp_path) == stay
    assert spark.files_of_tables({**profile, "method": "thrift"}, tmp_path) == []


def test_a_warehouse_elsewhere_is_replaced_by_one_inside_where_that_is_asked(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    manifest = (
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins:\n  orchestrator: {type: plain}\n"
        f"  compute: {{type: duckdb, config: {{path: {tmp_path}/live/shop.duckdb}}}}\n"
    )
    product = write_product(manifest=manifest)
    out = tmp_path / "out"
    compiled = prepare_product(product, out=out, change_profile=lambda p: isolate(p, out))
    assert compiled.artifacts.dbt.profile["path"] == "shop.duckdb"


def test_nothing_is_left_of_a_copy_that_could_not_be_completed(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    product = write_product(first="select 1 as id", **{"x" * 200: "select 1 as id"})
    new, room = tmp_path / "new", 4_096 - len(str(tmp_path)) - 150
    # So deep that paths of Linux have room for most files of the copy, but not for all.
    out = new.joinpath(*(["y" * 49] * (room // 50)))
    with pytest.raises(EnvironmentProblemError, match="File name too long"):
        compile_product(product, out=out)
    assert not new.exists()
