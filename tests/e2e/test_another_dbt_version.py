"""A product whose dbt lives in an environment of its own, and is older than floe's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from floe_core.compiler import compile_product
from floe_diff import difference

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"


def test_a_product_compiles_and_runs_with_dbt_1_10(tmp_path: Path) -> None:
    own = tmp_path / "own-dbt"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, own], check=True)
    wanted = ["dbt-core>=1.10,<1.11", "dbt-duckdb<1.11", "duckdb<1.5"]
    subprocess.run(
        [UV, "pip", "install", "--quiet", "--python", own / "bin" / "python", *wanted], check=True
    )
    shutil.copytree(
        ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns(".floe")
    )
    product = tmp_path / "examples" / "customer-360"
    with_floes_dbt = compile_product(product)
    spec = (product / "floe.yaml").read_text()
    named = f"timeoutSeconds: 600, dbtExecutable: {own / 'bin' / 'dbt'}"
    (product / "floe.yaml").write_text(spec.replace("timeoutSeconds: 600", named))
    with_its_own = compile_product(product)
    assert with_its_own.dbt.version.startswith("1.10.")
    # Each dbt has other defaults in the configuration of a node.
    ours, theirs = (
        [node.model_copy(update={"config_hash": "", "reuse": None}) for node in each.nodes]
        for each in (with_floes_dbt, with_its_own)
    )
    assert theirs == ours
    assert not difference(with_floes_dbt, with_its_own, NOW, NOW).changed
    assert with_its_own.jobs == with_floes_dbt.jobs
    done = subprocess.run(
        [Path(sys.executable).parent / "floe", "run", product, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    statuses = set(json.loads(done.stdout)["nodes"].values())
    assert statuses == {"success", "pass"}
