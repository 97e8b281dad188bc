"""What does not work without each of the names that floe borrows from dbt, and what still does."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from borrowed_names import borrowed_names, fresh_module, without, without_attribute
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.contracts.graph.manifest import Manifest
from dbt_common.behavior_flags import BehaviorFlagRendered

from floe_core.compiler import compile_product
from floe_core.dbt import internals
from floe_core.dbt.built_columns import BuiltRelation, kept_relation
from floe_core.dbt.preloaded_manifest import preload_manifest
from floe_core.execution import BuildEnded, BuildRequest, NodeResult, build
from floe_core.foundation.lazy_names import warn_of_missing_name
from floe_core.schemas import CompiledArtifacts

PARSE = [
    ("dbt.contracts.graph.manifest", "Manifest"),
    ("dbt.parser.manifest", "extended_mashumuro_decoder"),
    ("dbt.plugins.manager", "PluginManager"),
]
DEPRECATIONS = [
    ("dbt.deprecations", "active_deprecations"),
    ("dbt.deprecations", "buffered_deprecations"),
]
RUNNERS = [
    ("dbt.contracts.results", "RunStatus"),
    ("dbt.contracts.results", "TestStatus"),
    ("dbt.task.base", "BaseRunner"),
]
ARGUMENTS = ("dbt.context", "providers")
NO_LEAVING_OUT = ["what reads a table that came to the same rows is built with it"]
FACTORY = ("dbt.adapters.factory", "FACTORY")
ERRORS = ("dbt_common.exceptions", "DbtBaseException")
CONNECTIONS = ("dbt.adapters.duckdb.connections", "DuckDBConnectionManager")
LOCKED = "a DuckDB file stays locked until the process that ran dbt ends"
NO_COLUMNS = "the columns of lineage come from the SQL alone"


@pytest.fixture(autouse=True)
def _nothing_is_remembered(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.WARNING, "floe")
    warn_of_missing_name.cache_clear()
    yield
    internals.release_warehouse()
    internals.release_adapters()


@pytest.fixture
def shop(write_product: Callable[..., Path]) -> CompiledArtifacts:
    folder = write_product(first="{{ config(materialized='table') }}\nselect 1 as id")
    compile_product(folder)
    return CompiledArtifacts.load(folder)


def built(artifacts: CompiledArtifacts, run_id: str = "r") -> dict[str, str]:
    """Return node id -> status of a build, which succeeds."""
    events = list(build(artifacts, BuildRequest(job="shop", run_id=run_id)))
    assert events[-1] == BuildEnded(succeeded=True)
    return {event.unique_id: event.status for event in events if isinstance(event, NodeResult)}


def consequences(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message.partition("uses: ")[2] for message in caplog.messages if "lacks" in message]


def test_these_are_all_that_are_borrowed() -> None:
    found = borrowed_names(Path(internals.__file__), "dbt", "dbt_common")
    assert found == sorted(
        [*PARSE, *DEPRECATIONS, *RUNNERS, FACTORY, ERRORS, ARGUMENTS, CONNECTIONS]
    )


@pytest.mark.parametrize("name", PARSE)
def test_without_a_name_of_the_parse_dbt_parses_again(
    name: tuple[str, str],
    shop: CompiledArtifacts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # By its name, it may have plugins of dbt.
    (tmp_path / "dbt_of_others.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert shop.project_dir is not None
    assert preload_manifest(shop.project_dir, shop.dbt.version).manifest is not None
    with without(*name):
        assert preload_manifest(shop.project_dir, shop.dbt.version).manifest is None
    assert consequences(caplog) == ["each run parses the project again"]


def test_without_a_part_of_the_manifest_dbt_parses_again(
    shop: CompiledArtifacts, caplog: pytest.LogCaptureFixture
) -> None:
    assert shop.project_dir is not None
    with without_attribute(Manifest, "build_flat_graph"):
        assert preload_manifest(shop.project_dir, shop.dbt.version).manifest is None
    assert consequences(caplog) == ["each run parses the project again"]


def test_neither_a_parse_nor_a_build_reads_the_source_of_every_caller(
    write_product: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # conftest.py has dbt find the modules of flags directly; here it does so as it comes.
    own = fresh_module("dbt_common.behavior_flags").BehaviorFlagRendered._default_source
    monkeypatch.setattr(BehaviorFlagRendered, "_default_source", staticmethod(own))
    monkeypatch.delattr(inspect, "stack")
    folder = write_product(first="{{ config(materialized='table') }}\nselect 1 as id")
    compile_product(folder)
    assert built(CompiledArtifacts.load(folder)) == {"model.shop.first": "success"}


@pytest.mark.parametrize("name", DEPRECATIONS)
def test_without_the_counts_of_deprecations_a_build_succeeds(
    name: tuple[str, str], shop: CompiledArtifacts, caplog: pytest.LogCaptureFixture
) -> None:
    with without(*name):
        assert built(shop) == {"model.shop.first": "success"}
    assert consequences(caplog) == ["a run also lists the deprecations of the runs before it"]


def test_without_dbts_adapters_a_build_succeeds_and_lineage_goes_by_the_sql(
    shop: CompiledArtifacts, caplog: pytest.LogCaptureFixture
) -> None:
    with without(*FACTORY):
        assert built(shop) == {"model.shop.first": "success"}
        internals.cancel_queries()
        internals.cancel_queries_of("model.shop.first")
    assert {LOCKED, "a query that is to be canceled goes on to its end"} <= {*consequences(caplog)}


def test_without_dbts_arguments_a_build_succeeds_and_shows_floes_vars(
    shop: CompiledArtifacts, caplog: pytest.LogCaptureFixture
) -> None:
    with without(*ARGUMENTS):
        assert built(shop) == {"model.shop.first": "success"}
    assert consequences(caplog) == ["`invocation_args_dict` has floe's own vars"]


@pytest.mark.parametrize("name", [FACTORY, ERRORS])
def test_without_what_an_adapter_raises_it_is_not_asked_for_columns(
    name: tuple[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from floe_core.dbt.built_columns import keep_columns

    where = {"alias": "first", "schema": "main", "database": "shop", "relation_name": "first"}
    info = {"unique_id": "model.shop.first", "resource_type": "model", "node_relation": where}
    with without(*name):
        keep_columns(tmp_path, info, "success")
    assert kept_relation(tmp_path, "model.shop.first") == BuiltRelation()
    assert consequences(caplog) == [NO_COLUMNS]


def test_without_dbts_connection_its_file_stays_locked(
    shop: CompiledArtifacts, caplog: pytest.LogCaptureFixture
) -> None:
    with without(*FACTORY):
        built(shop)
    warn_of_missing_name.cache_clear()
    caplog.clear()
    assert internals.duckdb_connection() is not None
    with without_attribute(DuckDBConnectionManager, "_ENV"):
        assert internals.duckdb_connection() is None
        internals.release_warehouse()
    assert consequences(caplog) == [LOCKED]
    internals.release_warehouse()
    assert internals.duckdb_connection() is None


def test_without_the_connections_of_threads_nothing_is_canceled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    adapter = SimpleNamespace(connections=object())
    assert list(internals._open_connections(adapter)) == []
    assert consequences(caplog) == ["a query that is to be canceled goes on to its end"]


@pytest.mark.parametrize("name", RUNNERS)
def test_without_dbts_runners_nothing_is_left_out_of_a_build(
    name: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with without(*name), internals.leaving_out(lambda node_id: True) as may_leave:
        assert not may_leave
    assert consequences(caplog) == NO_LEAVING_OUT


def test_a_build_that_can_leave_out_nothing_builds_all(
    write_product: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    table = "{{ config(materialized='table') }} "
    folder = write_product(
        first=table + "select now() is not null as a",
        second=table + "select * from {{ ref('first') }}",
    )
    compile_product(folder, reuse=True)
    artifacts = CompiledArtifacts.load(folder)
    assert set(built(artifacts).values()) == {"success"}
    left_out = {"model.shop.first": "success", "model.shop.second": "reused"}
    assert built(artifacts, "again") == left_out
    with without("dbt.contracts.results", "TestStatus"):
        assert set(built(artifacts, "without").values()) == {"success"}
    assert consequences(caplog) == NO_LEAVING_OUT
