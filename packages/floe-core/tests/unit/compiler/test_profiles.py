"""The profile that runs is the one that dbt would use, found where dbt finds it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.compiler import compile_product
from floe_core.foundation.errors import InvalidProductError
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins: {orchestrator: {type: plain}}
"""
PROFILES = """\
shop:
  target: "{{ env_var('WHERE', 'dev') }}"
  outputs:
    dev: &base {type: duckdb, path: dev.duckdb, threads: 3}
    prod: {<<: *base, path: prod.duckdb, schema: live}
"""


@pytest.fixture(autouse=True)
def no_profile_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home of its own, and none of dbt's variables."""
    for name in ("DBT_PROFILES_DIR", "DBT_TARGET", "DBT_PROFILE", "WHERE"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    (home / ".dbt").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    return home


def put_profiles(folder: Path, text: str = PROFILES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "profiles.yml").write_text(text)


@pytest.mark.parametrize(("where", "path"), [(None, "dev.duckdb"), ("prod", "prod.duckdb")])
def test_the_target_may_come_from_the_environment(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch, where: str | None, path: str
) -> None:
    folder = write_product(manifest=MANIFEST)
    put_profiles(folder)
    if where:
        monkeypatch.setenv("WHERE", where)
    dbt = compile_product(folder).dbt
    assert (dbt.target_name, dbt.profile["path"]) == (where or "dev", path)


def test_merge_keys_are_read_as_dbt_reads_them(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_product(manifest=MANIFEST)
    put_profiles(folder)
    monkeypatch.setenv("DBT_TARGET", "prod")
    assert compile_product(folder).dbt.profile == {
        "type": "duckdb",
        "path": "prod.duckdb",
        "threads": 3,
        "schema": "live",
    }


def test_dbt_profiles_dir_goes_before_the_project_and_that_before_the_home(
    write_product: WriteProduct,
    tmp_path: Path,
    no_profile_of_the_machine: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = write_product(manifest=MANIFEST)

    def chosen() -> str:
        return str(compile_product(folder).dbt.profile["path"])

    put_profiles(no_profile_of_the_machine / ".dbt", PROFILES.replace("dev.duckdb", "home.duckdb"))
    assert chosen() == "home.duckdb"
    put_profiles(folder, PROFILES.replace("dev.duckdb", "project.duckdb"))
    assert chosen() == "project.duckdb"
    put_profiles(tmp_path / "named", PROFILES.replace("dev.duckdb", "named.duckdb"))
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path / "named"))
    assert chosen() == "named.duckdb"


def test_a_literal_secret_in_the_home_stays_there(
    write_product: WriteProduct, no_profile_of_the_machine: Path
) -> None:
    folder = write_product(manifest=MANIFEST)
    secret = PROFILES.replace("threads: 3", "threads: 3, token: hunter2")
    put_profiles(no_profile_of_the_machine / ".dbt", secret)
    notices: list[str] = []
    compile_product(folder, on_notice=notices.append)
    artifacts = CompiledArtifacts.load(folder)
    assert (artifacts.dbt.profiles_dir, artifacts.dbt.profile["path"]) == ("", "dev.duckdb")
    assert "literal secrets, so it is not copied" in notices[0]
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert [path for path in written if b"hunter2" in path.read_bytes()] == []


def test_an_unset_variable_in_the_target_is_told_with_its_line(write_product: WriteProduct) -> None:
    folder = write_product(manifest=MANIFEST)
    put_profiles(folder, PROFILES.replace("'WHERE', 'dev'", "'WHERE'"))
    with pytest.raises(InvalidProductError) as caught:
        compile_product(folder)
    assert str(caught.value).startswith(
        "profiles.yml:2:11: target: the environment variable WHERE is not set, and has no default"
    )


def test_a_profile_that_is_nowhere_says_where_it_was_looked_for(
    write_product: WriteProduct,
) -> None:
    with pytest.raises(InvalidProductError) as caught:
        compile_product(write_product(manifest=MANIFEST))
    assert str(caught.value) == (
        "manifest.yaml: chooses no compute\n"
        "fix: add `plugins.compute`, or a profiles.yml beside dbt_project.yml or in ~/.dbt"
    )
