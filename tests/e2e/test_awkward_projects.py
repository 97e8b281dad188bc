"""Projects with the oddities of real ones run on an orchestrator as plain dbt runs them.

`FLOE_AWKWARD_SIDES` names the sides, `dbt,dagster` without it; all four take half an hour.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from awkward_projects import FAILING, names, write_awkward_project

pytestmark = pytest.mark.slow

FLOE = Path(sys.executable).with_name("floe")
SIDES = os.environ.get("FLOE_AWKWARD_SIDES", "dbt,dagster").split(",")


def parity(product: Path, *sides: str, keep: Path | None = None, **variables: str) -> Any:
    """Return what `floe parity` prints of a product on these sides."""
    chosen = [text for side in sides for text in ("--on", side)]
    kept = ["--keep", str(keep)] if keep else []
    done = subprocess.run(
        [FLOE, "parity", product, *chosen, *kept, "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        check=False,
    )
    told = json.loads(done.stdout)
    assert "equal" in told, f"{told}\n{done.stderr}"
    return told


def differences(told: Any) -> dict[str, list[str]]:
    nodes = {i: n["differences"] for i, n in told["nodes"].items() if n["differences"]}
    return {**nodes, **({"": told["differences"]} if told["differences"] else {})}


@pytest.mark.parametrize("name", names())
def test_it_runs_as_plain_dbt_runs_it(name: str, tmp_path: Path) -> None:
    told = parity(write_awkward_project(name, tmp_path / name), *SIDES)
    assert differences(told) == {}
    assert told["equal"]
    wanted = "failed" if name in FAILING else "success"
    assert {side: run["status"] for side, run in told["runs"].items()} == dict.fromkeys(
        SIDES, wanted
    )
    assert told["nodes"]


def test_the_environment_says_where_things_are_and_what_is_run(tmp_path: Path) -> None:
    """dbt's own variables count as well: here `--empty`, and a colour, a schema and an alias."""
    product = write_awkward_project("environment", tmp_path / "environment")
    variables = {"ODD_COLOUR": "green", "ODD_SCHEMA": "elsewhere", "ODD_ALIAS": "other"}
    told = parity(product, *SIDES, keep=tmp_path / "kept", DBT_EMPTY="true", **variables)
    assert differences(told) == {}
    for side in SIDES:
        with duckdb.connect(str(tmp_path / "kept" / side / "environment.db")) as connection:
            (rows,) = connection.execute("select count(*) from other").fetchone() or (None,)
            assert rows == 0


def test_what_is_deferred_is_read_from_the_other_state(tmp_path: Path) -> None:
    """A node that is not selected is read where the state of `--defer` has it."""
    product = write_awkward_project("schemas", tmp_path / "schemas")
    floe = product / "floe.yaml"
    state = tmp_path / "state"
    command = [sys.executable, "-m", "dbt.cli.main", "-q", "parse", "--target-path", str(state)]
    profiles = (
        "odd: {target: dev, outputs: {dev: {type: duckdb, path: schemas.db, schema: main}}}\n"
    )
    (product / "profiles.yml").write_text(profiles)
    subprocess.run(command, cwd=product, check=True, capture_output=True)
    (product / "profiles.yml").unlink()
    floe.write_text(floe.read_text() + "schedule: {cron: '0 6 * * *'}\n")
    told = parity(product, *SIDES, DBT_DEFER="true", DBT_STATE=str(state))
    assert differences(told) == {}
    assert told["equal"]
