"""`floe parity --dbt VERSION`: the versions are installed, and what ran is what was named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FLOE = Path(sys.executable).with_name("floe")
EXAMPLES = Path(__file__).parents[2] / "examples"
# As many minor versions as the registry is asked for.
NAMED = ("1.10", "1.11", "1.12")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return variables of a process whose cache folder is empty."""
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture
def product(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns(".floe", "target", "*.duckdb")
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=ignored)
    return tmp_path / "examples" / "customer-360"


def parity(
    product: Path, environment: dict[str, str], *dbts: str
) -> subprocess.CompletedProcess[str]:
    named = [text for dbt in dbts for text in ("--dbt", dbt)]
    return subprocess.run(
        [FLOE, "parity", product, "--on", "dbt", *named, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_versions_are_installed_once_and_compared(
    product: Path, environment: dict[str, str]
) -> None:
    done = parity(product, environment, *NAMED)
    if "can't be installed" in done.stderr:
        pytest.skip(done.stderr[-500:])
    told = json.loads(done.stdout)
    assert told["equal"], told
    assert len(told["nodes"]) == 26
    made = Path(environment["XDG_CACHE_HOME"], "floe", "dbt")
    # What was installed, by the package's own word; and what dbt itself called itself in its log.
    for name, run in zip(NAMED, told["runs"], strict=True):
        [folder] = made.glob(f"{name}-duckdb-*/")
        [package] = folder.glob(f"lib/*/site-packages/dbt_core-{name}.*.dist-info")
        assert run == f"dbt, dbt {package.name.split('-')[1].removesuffix('.dist')}"
    before = {path: path.stat().st_mtime_ns for path in made.glob("*/floe-installed")}
    assert len(before) == len(NAMED)
    again = parity(product, environment, "1.10", "1.11")
    assert json.loads(again.stdout)["equal"]
    assert {path: path.stat().st_mtime_ns for path in made.glob("*/floe-installed")} == before


def test_a_version_that_the_registry_lacks_is_named(
    product: Path, environment: dict[str, str]
) -> None:
    done = parity(product, environment, "floe", "1.99")
    assert done.returncode == 3
    assert "dbt 1.99 for duckdb can't be installed; choose another version" in done.stdout
    assert "dbt-core==1.99.*" in done.stdout
    assert not list(Path(environment["XDG_CACHE_HOME"], "floe", "dbt").glob("1.99*/"))
