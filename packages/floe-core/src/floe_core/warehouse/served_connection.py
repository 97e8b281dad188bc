"""Read a warehouse in a separate process.

A Spark session belongs to a JVM that stays in the folder it was started in, and locks the metastore
there, until the process that started it ends. An adapter with dbt's macros is the only one of its
process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.warehouse.dialect import Dialect, Relation, Row

if TYPE_CHECKING:
    from floe_core.warehouse.warehouse import Warehouse

# Opens a warehouse in the process that it is called in; a name that pickle can write.
Open = Callable[[], "AbstractContextManager[Warehouse]"]


class ServedConnection:
    """A connection in a separate process, which ends when the connection is closed."""

    def __init__(self, dialect: Dialect, opened: Open) -> None:
        self.dialect = dialect
        # Not a fork: this process may have threads and other connections.
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, opened, dialect.end_sessions), daemon=True
        )
        self._process.start()
        theirs.close()
        self._answer()

    def rows(self, query: str) -> list[Row]:
        """See `Warehouse.rows`."""
        found: list[Row] = self._request("rows", query)
        return found

    def run(self, statement: str) -> None:
        """See `Warehouse.run`."""
        self._request("run", statement)

    def columns(self, relation: Relation) -> list[tuple[str, str]]:
        """See `Warehouse.columns`."""
        found: list[tuple[str, str]] = self._request("columns", relation)
        return found

    def list_schemas(self, part: str) -> list[str]:
        """See `Warehouse.list_schemas`."""
        found: list[str] = self._request("list_schemas", part)
        return found

    def drop_schema(self, schema: str) -> None:
        """See `Warehouse.drop_schema`."""
        self._request("drop_schema", schema)

    def close(self) -> None:
        """End the process, and wait until it has released its locks."""
        self._pipe.close()
        self._process.join()

    def _request(self, method: str, given: str | Relation) -> Any:
        try:
            self._pipe.send((method, given))
        except OSError as error:
            raise EnvironmentProblemError(f"the connection is gone: {error}") from error
        return self._answer()

    def _answer(self) -> Any:
        try:
            is_answer, value = self._pipe.recv()
        except EOFError as error:
            self._process.join()
            what = f"the process that reads the tables ended with {self._process.exitcode}"
            raise EnvironmentProblemError(what) from error
        if not is_answer:
            raise EnvironmentProblemError(value)
        return value


def serve(pipe: Connection, opened: Open, end_sessions: Callable[[], None]) -> None:
    """Answer requests until the other side closes the pipe."""
    # Keep what a session prints while it starts out of the results on stdout.
    sys.stdout = sys.stderr
    try:
        with opened() as warehouse:
            pipe.send((True, None))
            while True:
                method, given = pipe.recv()
                try:
                    pipe.send((True, getattr(warehouse, method)(given)))
                except EnvironmentProblemError as error:
                    pipe.send((False, str(error)))
    except EnvironmentProblemError as error:
        pipe.send((False, str(error)))
    except (EOFError, KeyboardInterrupt):
        pass
    finally:
        end_sessions()
