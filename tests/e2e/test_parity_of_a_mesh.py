"""All products of a platform, beside plain dbt, on one orchestrator and on several."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from mesh_products import Mesh
from warm_floe import floe

ROOT = Path(__file__).parents[2]


def parity(platform: Path, *arguments: str) -> tuple[int, dict]:
    done = floe("parity", platform, *arguments, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_products_on_three_orchestrators_make_what_plain_dbt_makes(tmp_path: Path) -> None:
    mesh = Mesh(tmp_path / "mesh", "dagster")
    mesh.compile()
    shutil.copy(mesh.folder / "manifest-crm.yaml", mesh.folder / "manifest.yaml")
    places = ("--place", "crm=prefect", "--place", "marts=airflow")
    code, found = parity(mesh.folder, "--on", "dbt", "--on", "dagster", *places)
    assert (code, found["equal"]) == (0, True), found
    assert found["products"].keys() == {"crm", "billing", "marts"}
    for product in found["products"].values():
        assert product["runs"].keys() == {"dbt", "dagster", "placed"}
    rows = found["products"]["marts"]["nodes"]["model.marts.revenue"]["rows"]
    assert rows == 1
    assert not (mesh.folder / "ledger").exists(), "a comparison starts no run of anybody's"


@pytest.mark.slow
def test_the_mesh_of_the_examples_is_the_same_on_two_orchestrators(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns(".floe", "target", "ledger", "*.duckdb")
    folder = shutil.copytree(ROOT / "examples" / "mesh", tmp_path / "mesh", ignore=ignored)
    for product in ("crm", "billing", "revenue"):
        assert floe("compile", folder / product).returncode == 0
    code, found = parity(folder, "--on", "dagster", "--on", "airflow")
    assert (code, found["equal"]) == (0, True), found


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    mesh = Mesh(tmp_path / "mesh", "dagster")
    shutil.copy(mesh.folder / "manifest-crm.yaml", mesh.folder / "manifest.yaml")

    def said(*arguments: str) -> str:
        done = floe("parity", mesh.folder, *arguments)
        assert done.returncode == 2
        return done.stderr

    assert "give --on twice" in said("--on", "dagster")
    assert "did you mean 'crm'?" in said("--on", "dagster", "--place", "crn=dagster")
    assert "name an orchestrator as well" in said("--on", "dagster", "--place", "crm")
    assert "not published; run `floe compile" in said("--on", "dagster", "--on", "dbt")
