"""Reuse of seeds that belong to a dbt package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult, build

PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"
TABLE = "{{ config(materialized='table') }} "


@pytest.mark.parametrize("packages", ["dbt_packages", "vendor/dbt"])
def test_a_seed_of_a_package_is_built_only_if_its_file_changes(
    packages: str, write_product: Callable[..., Path]
) -> None:
    models = {name: f"{TABLE}select {name} from {{{{ ref('listed') }}}}" for name in ("id", "word")}
    project = f"{PROJECT}packages-install-path: {packages}\n"
    folder = write_product(floe=FLOE, dbt_project=project, **models)
    package = folder / packages / "lists"
    (package / "seeds").mkdir(parents=True)
    (package / "dbt_project.yml").write_text("name: lists\nversion: 1.0.0\n")
    (package / "seeds/listed.csv").write_text("id,word\n1,a\n")
    (folder / "packages.yml").write_text(f"packages: [{{local: {packages}/lists}}]\n")

    def ends(run_id: str) -> dict[str, str]:
        events = build(compile_product(folder), BuildRequest("shop", run_id))
        return {e.unique_id.split(".")[2]: e.status for e in events if isinstance(e, NodeResult)}

    everything = ("id", "listed", "word")
    assert ends("1") == dict.fromkeys(everything, "success")
    assert ends("2") == dict.fromkeys(everything, "reused")
    (package / "seeds/listed.csv").write_text("id,word\n1,b\n")
    assert ends("3") == {"id": "reused", "listed": "success", "word": "success"}
