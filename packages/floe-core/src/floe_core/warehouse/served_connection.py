"""Read a warehouse in a separate process.

A Spark session belongs to a JVM that stays in the folder it was started in, and locks the metastore
there, until the process that started it ends.
"""

from __future__ import annotations

import sys
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from floe_core.errors import EnvironmentProblemError
from floe_core.schemas.policies import DbtProject
from floe_core.warehouse.dialect import Dialect, Relation, Row


class ServedConnection:
    """A connection in a separate process, which ends when the connection is closed."""

    def __init__(self, dbt: DbtProject, dialect: Dialect, project_dir: Path) -> None:
        self.dialect = dialect
        # Not a fork: this process may have threads and other connections.
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, dbt, project_dir), daemon=True)
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
        return self.dialect.read_columns(self.rows, relation)

    def close(self) -> None:
        """End the process, and wait until it has released its locks."""
        self._pipe.close()
        self._process.join()

    def _request(self, method: str, sql: str) -> Any:
        try:
            self._pipe.send((method, sql))
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


def serve(pipe: Connection, dbt: DbtProject, project_dir: Path) -> None:
    """Answer requests until the other side closes the pipe."""
    from floe_core.warehouse.connection import open_warehouse
    from floe_core.warehouse.internals import end_spark

    # Keep what Spark prints while it starts out of the results on stdout.
    sys.stdout = sys.stderr
    try:
        with open_warehouse(dbt, project_dir, is_served=True) as warehouse:
            pipe.send((True, None))
            while True:
                method, sql = pipe.recv()
                try:
                    answer = getattr(warehouse, method)(sql)
                    pipe.send((True, [tuple(row) for row in answer] if answer else answer))
                except EnvironmentProblemError as error:
                    pipe.send((False, str(error)))
    except EnvironmentProblemError as error:
        pipe.send((False, str(error)))
    except EOFError:
        pass
    finally:
        end_spark()
