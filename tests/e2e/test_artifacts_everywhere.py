"""dbt's artifacts of a run are the same on each orchestrator, and as of one plain dbt build."""

from __future__ import annotations

import json
from pathlib import Path

from reported_product import built_by_plain_dbt, codes_in, results_in, write_reported_product
from warm_floe import floe


def test_each_orchestrator_leaves_what_plain_dbt_leaves(tmp_path: Path) -> None:
    folder = write_reported_product(tmp_path / "product")
    found = {}
    for orchestrator in ("dagster", "airflow", "prefect"):
        (folder / "shop.duckdb").unlink(missing_ok=True)
        done = floe("run", folder, "--on", orchestrator, "--json")
        told = json.loads(done.stdout)
        assert (done.returncode, told["status"]) == (1, "failed"), done.stderr
        found[orchestrator] = results_in(folder / "written/shop/latest")
        assert codes_in(folder / "written/shop/latest").keys() > {"model.shop.between"}
    plain = results_in(built_by_plain_dbt(folder))
    assert found == dict.fromkeys(found, plain)
    # Each run has a folder of its own, whatever id its orchestrator gives it.
    index = json.loads((folder / "written/shop/floe-runs.json").read_text())
    assert len(index["ended"]) == 3
    last = folder / "written/shop" / index["latest"] / "run_results.json"
    assert last.read_bytes() == (folder / "written/shop/latest/run_results.json").read_bytes()
