"""A profiles.yml that is not in the project's folder, and one that floe compile refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_import.import_files import Request, import_files

PROFILES = """\
# Two targets.
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: "{{ env_var('DEV_FILE') }}"}
    prod: {type: postgres, host: db, password: PASSWORD}
"""
SAFE = PROFILES.replace("PASSWORD", "\"{{ env_var('PG') }}\"")

DAG = """\
from cosmos import DbtDag, ProfileConfig, ProjectConfig

DbtDag(
    dag_id="shop",
    project_config=ProjectConfig("/opt/dbt/shop", install_dbt_deps=True),
    profile_config=ProfileConfig("shop", TARGET, "PLACE/profiles.yml"),
)
"""


def imported(folder: Path, place: str, text: str, target: str, named: str = ""):
    project = folder / "shop"
    project.mkdir(exist_ok=True)
    (project / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (project / place).mkdir(exist_ok=True)
    (project / place / "profiles.yml").write_text(text)
    file = folder / "dag.py"
    there = named or f"/opt/dbt/shop/{place}"
    file.write_text(DAG.replace("TARGET", repr(target)).replace("PLACE", there))
    report = import_files(Request([file], (project,), folder / "out"))
    said = {f.code: f.disposition for f in report.findings if f.disposition != "exact"}
    return said, report.files.get(str(project / "profiles.yml"))


@pytest.mark.parametrize(
    ("place", "named"),
    [("profiles", ""), ("..", "/opt/dbt"), ("profiles", "/opt/dbt/shop/../shop/profiles")],
)
def test_a_file_in_another_folder_is_copied(place: str, named: str, tmp_path: Path) -> None:
    assert imported(tmp_path, place, SAFE, "dev", named) == ({}, SAFE)


@pytest.mark.parametrize(
    ("text", "target", "named"),
    [
        (PROFILES, "dev", ""),  # a literal secret
        (SAFE, "stage", ""),  # no such target
        (SAFE, "prod", ""),  # plain dbt would use it too
        (SAFE, "dev", "/etc/dbt"),  # not on this machine
        ("shop: [", "dev", ""),
    ],
)
def test_another_file_is_not_copied(text: str, target: str, named: str, tmp_path: Path) -> None:
    said, copied = imported(tmp_path, "profiles", text, target, named)
    assert copied is None
    assert said["FLI116"] == "changed"


def test_literal_secrets_of_the_chosen_target_are_reported(tmp_path: Path) -> None:
    assert imported(tmp_path, ".", PROFILES, "prod")[0] == {
        "FLI114": "changed",
        "FLI119": "changed",
    }
    assert imported(tmp_path, ".", PROFILES, "dev")[0] == {}


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        ("[{package: dbt-labs/dbt_utils, version: 1.3.0}]", {}),
        ("[{package: dbt-labs/dbt_utils, version: ['==1.3.0']}]", {}),
        ("[{package: dbt-labs/dbt_utils, version: ['>=1.0.0', '<2.0.0']}]", {"FLI112": "changed"}),
        ("[{package: calogica/dbt_expectations, version: 0.10.4}]", {"FLI112": "changed"}),
        ("[{git: 'https://example.com/p.git', revision: main}]", {"FLI112": "changed"}),
    ],
)
def test_a_package_in_one_version_is_the_same_each_time(
    packages: str, said: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "packages.yml").write_text(f"packages: {packages}\n")
    assert imported(tmp_path, ".", SAFE, "dev")[0] == said
    (tmp_path / "shop" / "package-lock.yml").write_text("packages: []\n")
    assert imported(tmp_path, ".", SAFE, "dev")[0] == {}
