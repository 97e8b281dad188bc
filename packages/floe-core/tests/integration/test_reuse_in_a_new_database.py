"""The first run in a new database is remembered as any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeLog, NodeResult, build
from floe_core.execution.plan_of_run import plan_run

PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"
MODELS = {
    "first": "{{ config(materialized='table') }} select upper('a') as word",
    "second": "select lower(word) as word from {{ ref('first') }}",
}


@pytest.mark.parametrize("flags", ["", "flags: {populate_cache: false}\n"])
def test_the_second_run_reuses_all_of_the_first(
    flags: str, write_product: Callable[..., Path]
) -> None:
    folder = write_product(floe=FLOE, dbt_project=PROJECT + flags, **MODELS)
    plan_run(compile_product(folder), BuildRequest("shop", "plan"))
    assert _ends(folder, "1") == dict.fromkeys(MODELS, "success")
    assert _ends(folder, "2") == dict.fromkeys(MODELS, "reused")
    (folder / "shop.duckdb").unlink()
    assert _ends(folder, "3") == dict.fromkeys(MODELS, "success")
    assert _ends(folder, "4") == dict.fromkeys(MODELS, "reused")


def _ends(folder: Path, run_id: str) -> dict[str, str]:
    """Return node name -> status of a build, which says nothing of reuse beside that."""
    events = [*build(compile_product(folder), BuildRequest("shop", run_id))]
    assert not [e.text for e in events if isinstance(e, NodeLog) and e.text.startswith("reuse:")]
    return {e.unique_id.split(".")[2]: e.status for e in events if isinstance(e, NodeResult)}
