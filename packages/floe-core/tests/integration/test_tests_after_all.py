"""`tests: after_all` is `dbt run` and then `dbt test`: a failed test holds back no model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from plain_shop import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeResult, NodeStarted, build, failure_of_build
from floe_core.runs.build_events import BuildEnded
from floe_core.schemas import CompiledArtifacts
from floe_parity.sides.plain_dbt import run_plain_dbt

WriteProduct = Callable[..., Path]
TABLE = "{{ config(materialized='table') }} "
MODELS = {
    "first": f"{TABLE} select 1 as id union all select 1",
    "second": f"{TABLE} select * from {{{{ ref('first') }}}}",
    "third": f"{TABLE} select * from {{{{ ref('second') }}}}",
    "broken": f"{TABLE} select nothing from {{{{ ref('first') }}}}",
    "last": f"{TABLE} select * from {{{{ ref('broken') }}}}",
}
SCHEMA = """\
models:
  - {name: first, columns: [{name: id, data_tests: [unique, not_null]}]}
  - {name: third, columns: [{name: id, data_tests: [unique]}]}
  - {name: last, columns: [{name: id, data_tests: [not_null]}]}
unit_tests:
  - name: second_is_first
    model: second
    given: [{input: ref('first'), rows: [{id: 7}]}]
    expect: {rows: [{id: 8}]}
"""
ONE, NONE, THREE = "unique_first_id", "not_null_first_id", "unique_third_id"
AFTER_ALL = "execution: {tests: after_all, retries: 1}\n"


def compiled(write_product: WriteProduct, more: str) -> CompiledArtifacts:
    folder = write_product(floe=FLOE + more, **MODELS)
    (folder / "models" / "schema.yml").write_text(SCHEMA)
    return compile_product(folder)


def names_of(results: dict[str, NodeResult]) -> dict[str, str]:
    def name(node_id: str) -> str:
        return node_id.split(".")[2] if "unit_test" not in node_id else node_id.split(".")[-1]

    return {name(node_id): result.status for node_id, result in results.items()}


class Run:
    """The events of one attempt."""

    def __init__(self, artifacts: CompiledArtifacts, job: str, attempt: int = 1) -> None:
        self.request = BuildRequest(job=job, run_id=f"of_{job}", attempt=attempt)
        with closing(build(artifacts, self.request)) as events:
            found = list(events)
        self.order = [e.unique_id for e in found if isinstance(e, NodeStarted)]
        self.results = {e.unique_id: e for e in found if isinstance(e, NodeResult)}
        self.end = next(e for e in found if isinstance(e, BuildEnded))


OF_PLAIN_DBT = {
    "first": "success",
    "second": "success",
    "third": "success",
    "broken": "error",
    "last": "skipped",
    ONE: "fail",
    NONE: "pass",
    THREE: "fail",
    "second_is_first": "fail",
}


def test_models_are_built_first_and_all_of_them_as_in_plain_dbt(
    write_product: WriteProduct,
) -> None:
    artifacts = compiled(write_product, AFTER_ALL)
    run = Run(artifacts, "shop")
    # Plain `dbt test` also tests a table that is not there; floe skips that test.
    assert names_of(run.results) == {**OF_PLAIN_DBT, "not_null_last_id": "skipped"}
    is_test = [not i.startswith("model.") for i in run.order]
    assert is_test == sorted(is_test)
    assert not run.end.succeeded
    plain, _ = run_plain_dbt(artifacts, lambda event: None)
    assert names_of(plain.nodes) == {**OF_PLAIN_DBT, "not_null_last_id": "error"}


def test_after_each_is_as_before(write_product: WriteProduct) -> None:
    run = Run(compiled(write_product, ""), "shop")
    assert names_of(run.results)["third"] == "skipped"
    assert names_of(run.results)[ONE] == "fail"


def test_a_retry_builds_what_failed_though_a_test_above_it_failed_too(
    write_product: WriteProduct,
) -> None:
    artifacts = compiled(write_product, AFTER_ALL)
    first = Run(artifacts, "shop")
    assert failure_of_build(artifacts, first.request, first.end).may_retry
    (artifacts.folder / "models/broken.sql").write_text(
        f"{TABLE} select * from {{{{ ref('first') }}}}"
    )
    second = Run(compile_product(artifacts.folder), "shop", attempt=2)
    built = {i for i, result in second.results.items() if result.is_new}
    assert {i for i in built if i.startswith("model.")} == {"model.shop.broken", "model.shop.last"}
    assert names_of(second.results)["last"] == "success"
    assert names_of(second.results)["not_null_last_id"] == "pass"
    assert not second.end.succeeded


@pytest.mark.parametrize(
    ("product", "job"), [("after_all", "after_each"), ("after_each", "after_all")]
)
def test_a_job_may_differ_from_the_product(
    write_product: WriteProduct, product: str, job: str
) -> None:
    more = f"jobs: [{{name: all, select: '*', tests: {job}}}]\nexecution: {{tests: {product}}}\n"
    artifacts = compiled(write_product, more)
    found = {name: names_of(Run(artifacts, name).results)["third"] for name in ("shop", "all")}
    expected = {"after_all": "success", "after_each": "skipped"}
    assert found == {"shop": expected[product], "all": expected[job]}
