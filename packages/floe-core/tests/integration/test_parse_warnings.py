"""What dbt warns of while it parses, floe says once, in the same words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from warm_floe import dbt, floe

from floe_core.compiler import compile_product

FILES = {
    "dbt_project.yml": (
        "name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {shop: {gone: {+enabled: true}}}\n"
    ),
    "models/people.sql": "select 1 as id\n",
    "models/schema.yml": (
        "models:\n"
        "  - {name: ghost, description: Of a model that is gone.}\n"
        "  - name: people\n"
        "    columns: [{name: id, data_tests: [{accepted_values: {values: [1]}}]}]\n"
    ),
    "manifest.yaml": (
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins: {orchestrator: {type: dagster}, compute: {type: duckdb}}\n"
        "environments: {prod: {vars: {word: other}}}\n"
    ),
    "floe.yaml": (
        "apiVersion: floe.dev/v1\nkind: FloeSpec\nmetadata: {name: shop, version: 1.0.0}\n"
        "platform: {manifest: manifest.yaml}\nvars: {word: one}\n"
    ),
}
PROFILE = "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A product that makes dbt warn of a patch, of a deprecated test and of an unused path."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def warnings_of_dbt(folder: Path, profiles: Path) -> list[str]:
    profiles.mkdir()
    (profiles / "profiles.yml").write_text(PROFILE)
    options = [
        "--no-partial-parse",
        "--no-use-colors",
        "--log-format",
        "json",
        "--target-path",
        profiles / "target",
    ]
    done = dbt("parse", *options, "--profiles-dir", profiles, cwd=folder)
    said = [json.loads(line)["info"] for line in done.stdout.splitlines()]
    return [info["msg"] for info in said if info["level"] == "warn"]


@pytest.mark.parametrize("as_program", [False, True], ids=["library", "program"])
def test_each_warning_of_dbt_is_a_notice_of_the_compile(
    shop: Path, tmp_path_factory: pytest.TempPathFactory, as_program: bool
) -> None:
    if as_program:
        program = Path(sys.executable).with_name("dbt")
        with (shop / "floe.yaml").open("a") as file:
            file.write(f"execution: {{dbtExecutable: {program}}}\n")
    said = warnings_of_dbt(shop, tmp_path_factory.mktemp("plain") / "profiles")
    assert len(said) == 4
    notices: list[str] = []
    compile_product(shop, on_notice=notices.append)
    assert notices == [f"dbt: {text}" for text in said]


def test_a_run_says_it_as_well(shop: Path) -> None:
    done = floe("run", shop, "--on", "dagster")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Did not find matching node for patch with name 'ghost'") == 1
