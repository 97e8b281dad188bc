"""A date in vars is what plain dbt makes of it, wherever the vars are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from plain_shop import FLOE, MANIFEST
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, RunParameters, build
from floe_core.schemas import CompiledArtifacts
from floe_core.user_yaml.dbt_yaml import read_vars

WriteProduct = Callable[..., Path]

VARS = "{day: 2026-01-31, moment: 2026-01-31 10:00:00, text: '2026-01-31', scale: 1.0e+20}"
MODEL = (
    "{{ config(materialized='table') }}"
    "{% set day, moment = var('day', none), var('moment', none) %}"
    "select '{{ day.year }} {{ moment.hour }} {{ day }} {{ moment }}' as parts, "
    "'{{ var('text', 1).year }} {{ var('text', 1) is string }}' as text, "
    "'{{ var('scale', 1) is number }}' as scale"
)


def rows(folder: Path) -> list[tuple[str, ...]]:
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as warehouse:
        return warehouse.execute("select * from first").fetchall()


@pytest.mark.parametrize("where", ["floe.yaml", "a job", "an environment", "a run"])
def test_dates_are_those_of_dbt(
    where: str, write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {
        "floe.yaml": f"vars: {VARS}\n",
        "a job": f"jobs: [{{name: daily, select: first, vars: {VARS}}}]\n",
    }
    floe = FLOE + more.get(where, "")
    manifest = f"{MANIFEST}environments:\n  prod: {{vars: {VARS}}}\n"
    ours, plain = (write_product(n, floe, manifest, first=MODEL) for n in ("ours", "plain"))
    monkeypatch.setenv("FLOE_ENV", "prod" if where == "an environment" else "")
    compile_product(ours)
    parameters = RunParameters(vars=read_vars(VARS) if where == "a run" else {})
    job = "daily" if where == "a job" else "shop"
    [*_, end] = build(CompiledArtifacts.load(ours), BuildRequest(job, "r", parameters=parameters))
    assert end == BuildEnded(True)
    compile_product(plain)
    dbt("-q", "build", "--vars", VARS, cwd=plain)
    assert rows(ours) == rows(plain)
    assert rows(plain) == [("2026 10 2026-01-31 2026-01-31 10:00:00", " True", "True")]
