"""Runs on a Prefect of their own; what its API says is compared with dbt in each of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from floe_core.compiler import compile_product
from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.build_events import NodeResult
from floe_core.runs.run_parameters import RunParameters
from floe_orchestrator_prefect import PrefectPlugin

EXAMPLES = Path(__file__).parents[4] / "examples"


def test_what_the_vars_of_a_run_disable_is_skipped_in_a_completed_run(tmp_path: Path) -> None:
    leave = shutil.ignore_patterns(".floe", "*.duckdb", "target")
    shutil.copytree(EXAMPLES / "hello", tmp_path / "hello", ignore=leave)
    shutil.copy(EXAMPLES / "manifest.yaml", tmp_path)
    model = tmp_path / "hello/models/greetings.sql"
    model.write_text("{{ config(enabled=var('greet', true)) }}\n" + model.read_text())
    hello = compile_product(tmp_path / "hello", orchestrator="prefect")
    options = RunOptions("hello", parameters=RunParameters(vars={"greet": False}))
    report = PrefectPlugin().launch_run(hello, options, lambda event: None)
    assert (report.status, report.message) == ("success", "")
    why = "disabled by the vars of this run"
    assert report.nodes["model.hello.greetings"] == NodeResult(
        "model.hello.greetings", "skipped", message=why, is_disabled=True
    )
    assert {node_id.split(".")[2]: each.status for node_id, each in report.nodes.items()} == {
        "people": "success",
        "stg_people": "success",
        "greetings": "skipped",
        "unique_greetings_id": "skipped",
        "not_null_greetings_id": "skipped",
    }
