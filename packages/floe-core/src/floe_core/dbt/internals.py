"""The one module that uses names that dbt does not promise to keep.

dbt promises its command line, `dbtRunner`, and the events that it passes to callbacks. For each
name here, the docstring says why those are not enough, and what happens without the name. The names
are imported where they are used.
"""

from __future__ import annotations

import pkgutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from floe_core.dbt.lighter_dbt.known_source import replaced
from floe_core.foundation.lazy_names import warn_of_missing_name

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest as Manifest
    from duckdb import DuckDBPyConnection

_OF_MANIFEST = ("build_flat_graph", "env_vars", "metadata", "nodes")
# Modules that dbt itself installs, and floe's plugin.
_NO_PLUGINS = {
    *("dbt_artifacts_parser", "dbt_common", "dbt_extractor", "dbt_floe"),
    "dbt_semantic_interfaces",
}
_NO_LEAVING_OUT = "what reads a table that came to the same rows is built with it"
_NO_CANCEL = "a query that is to be canceled goes on to its end"


def read_manifest(packed: bytes) -> Manifest | None:
    """Return a project as dbt parsed it, from dbt's own cache; None if dbt must parse it again.

    `dbtRunner` accepts a parsed project, but there is no public way to read one. Without the names,
    each run parses the project.
    """
    try:
        from dbt.contracts.graph.manifest import Manifest
        from dbt.parser.manifest import extended_mashumuro_decoder
    except ImportError:
        warn_of_missing_name("dbt-core", "each run parses the project again")
        return None
    manifest: Manifest = Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)
    if all(hasattr(manifest, name) for name in _OF_MANIFEST):
        return manifest
    warn_of_missing_name("dbt-core", "each run parses the project again")
    return None


def has_dbt_plugins() -> bool:
    """Return whether a dbt plugin is installed that injects nodes or writes, such as dbt-loom.

    floe's own does not count: what it injects is part of the compiled product. dbt does not list
    its plugins: it takes every module named `dbt_...` for one that may have some. Without the name,
    one is assumed: each run parses the project.
    """
    named = {found.name for found in pkgutil.iter_modules() if found.name.startswith("dbt_")}
    if named <= _NO_PLUGINS:
        return False  # Without the import, which takes a second.
    try:
        from dbt.plugins.manager import PluginManager

        modules = PluginManager.get_prefixed_modules()
        others = (module for name, module in modules.items() if name != "dbt_floe")
        return any(getattr(module, PluginManager.PLUGIN_ATTR_NAME, None) for module in others)
    except (ImportError, AttributeError):
        warn_of_missing_name("dbt-core", "each run parses the project again")
        return True


def loaded_adapters(consequence: str) -> list[Any]:
    """Return the adapters that dbt has loaded in this process.

    dbt does not expose them. Without the name, the list is empty, with this consequence.
    """
    try:
        from dbt.adapters.factory import FACTORY
    except ImportError:
        warn_of_missing_name("dbt-adapters", consequence)
        return []
    return list(FACTORY.adapters.values())


def warehouse_errors() -> tuple[type[Exception], ...]:
    """Return the errors that adapters raise for a failed query; () if they are not known."""
    try:
        from dbt_common.exceptions import DbtBaseException
    except ImportError:
        warn_of_missing_name("dbt-common", "the columns of lineage come from the SQL alone")
        return ()
    try:
        from duckdb import Error as DuckDBError
    except ImportError:
        return (DbtBaseException,)
    return DbtBaseException, DuckDBError


def duckdb_connection() -> DuckDBPyConnection | None:
    """Return dbt's connection to DuckDB in this process, if it is not to a server.

    To get a relation's columns, the adapter queries the information schema, which lists the whole
    database: ten times the cost, for each node. Without the name, it is queried anyway.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    return getattr(getattr(DuckDBConnectionManager, "_ENV", None), "conn", None)


def cancel_queries() -> None:
    """Cancel the running queries in the warehouse, through all adapters that dbt has loaded.

    dbt cancels when its process is interrupted, but this process does not belong to this run only.
    """
    for adapter in loaded_adapters(_NO_CANCEL):
        if adapter.type() == "duckdb":
            for connection in _open_connections(adapter):
                connection.handle.cursor().interrupt()
        elif adapter.is_cancelable():
            with adapter.connection_named("floe_cancel"):
                list(adapter.cancel_open_connections())


def cancel_queries_of(node_id: str) -> None:
    """Cancel the queries of one node: dbt names the connection of a thread after its node."""
    for adapter in loaded_adapters(_NO_CANCEL):
        for connection in _open_connections(adapter):
            if connection.name != node_id:
                continue
            if adapter.type() == "duckdb":
                connection.handle.cursor().interrupt()
            elif adapter.is_cancelable():
                with adapter.connection_named("floe_cancel"):
                    adapter.connections.cancel(connection)


def _open_connections(adapter: Any) -> Iterator[Any]:
    connections = getattr(adapter.connections, "thread_connections", None)
    if connections is None:
        warn_of_missing_name("dbt-adapters", _NO_CANCEL)
        return
    yield from (each for each in list(connections.values()) if each.state == "open")


@contextmanager
def leaving_out(is_left_out: Callable[[str], bool]) -> Iterator[bool]:
    """Make dbt treat nodes as passed without building them, inside the block.

    `is_left_out` is called with each node's id when its turn has come. dbt has no way to decide
    this so late: if it does not build a node, it skips everything downstream. Without the names,
    yields False, and every node is built.
    """
    try:
        from dbt.contracts.results import RunStatus, TestStatus
        from dbt.task.base import BaseRunner

        run, _ = BaseRunner.compile_and_execute, BaseRunner._build_run_result
    except (ImportError, AttributeError):
        warn_of_missing_name("dbt-core", _NO_LEAVING_OUT)
        yield False
        return

    def run_or_leave_out(self: Any, manifest: Any, ctx: Any) -> Any:
        if not is_left_out(self.node.unique_id):
            return run(self, manifest, ctx)
        is_test = self.node.unique_id.startswith(("test.", "unit_test."))
        status = TestStatus.Pass if is_test else RunStatus.Success
        failures = 0 if is_test else None
        return self._build_run_result(
            ctx.node, time.time(), status, [], "reused", failures=failures
        )

    with replaced(BaseRunner, "compile_and_execute", run_or_leave_out):
        yield True


@contextmanager
def hiding_vars(names: Collection[str]) -> Iterator[None]:
    """Keep vars out of Jinja's `invocation_args_dict`, inside the block; `var()` returns them.

    Packages such as elementary store that dictionary. dbt takes vars as arguments alone. Without
    the name, they are stored too.
    """
    try:
        from dbt.context import providers

        arguments = providers.args_to_dict
    except (ImportError, AttributeError):
        warn_of_missing_name("dbt-core", "`invocation_args_dict` has floe's own vars")
        yield
        return

    def without_names(args: Any) -> dict[str, Any]:
        found: dict[str, Any] = arguments(args)
        return found | {"vars": {k: v for k, v in found["vars"].items() if k not in names}}

    with replaced(providers, "args_to_dict", without_names):
        yield


def release_warehouse() -> None:
    """Close the DuckDB file: dbt-duckdb keeps it open, and locked, for the life of the process.

    Without the names, it stays open.
    """
    consequence = "a DuckDB file stays locked until the process that ran dbt ends"
    if not any(adapter.type() == "duckdb" for adapter in loaded_adapters(consequence)):
        return
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if not hasattr(DuckDBConnectionManager, "_ENV"):
        warn_of_missing_name("dbt-duckdb", consequence)
        return
    environment = DuckDBConnectionManager._ENV
    DuckDBConnectionManager.close_all_connections()
    if environment is not None:
        environment.close()


def forget_deprecations() -> None:
    """Forget which deprecations dbt has found in this process: it counts them for its lifetime.

    Without the names, a run also lists the deprecations of earlier runs, and fails because of them
    if dbt's warnings are errors.
    """
    try:
        from dbt.deprecations import active_deprecations, buffered_deprecations
    except ImportError:
        warn_of_missing_name("dbt-core", "a run also lists the deprecations of the runs before it")
        return
    active_deprecations.clear()
    buffered_deprecations.clear()


def release_adapters() -> None:
    """Forget the adapters. Their locks go when Python collects them, at exit it reports a leak."""
    try:
        from dbt.adapters.factory import FACTORY
    except ImportError:
        return
    FACTORY.adapters.clear()
