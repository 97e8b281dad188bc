"""fakesnow's server with the one function of Snowflake's that it lacks: when a table was changed.

    python fakesnow_server.py PORT

Snowflake documents that each DML statement increases what `SYSTEM$LAST_CHANGE_COMMIT_TIME` returns.
Here it is the number of the last statement that named the table as its target.
"""

from __future__ import annotations

import re
import sys
import threading
from typing import Any

import fakesnow
import sqlglot
from fakesnow.cursor import FakeSnowflakeCursor
from sqlglot import exp

FUNCTION = re.compile(r"system\$last_change_commit_time\s*\(\s*'([^']*)'\s*\)", re.IGNORECASE)
CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable, exp.Create, exp.Alter)


class Changes:
    """The number of the last statement that changed each table, by schema and name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._last: dict[tuple[str, str], int] = {}

    def add(self, statement: exp.Expression, schema: str) -> None:
        """Count a statement, if it changes a table."""
        target = statement.find(exp.Table) if isinstance(statement, CHANGES) else None
        if target is not None:
            with self._lock:
                self._count += 1
                self._last[_key(target, schema)] = self._count

    def last(self, name: str, schema: str) -> int:
        """Return the number of the last statement for a table, 0 if there was none."""
        return self._last.get(_key(exp.to_table(name, dialect="snowflake"), schema), 0)


def _key(table: exp.Table, schema: str) -> tuple[str, str]:
    return (table.db or schema).upper(), table.name.upper()


def add_function() -> None:
    """Have fakesnow's cursors count changes, and answer the function."""
    execute, changes = FakeSnowflakeCursor.execute, Changes()

    def execute_counted(cursor: Any, command: str, *args: Any, **kwargs: Any) -> Any:
        schema = str(cursor._conn.schema or "")
        told = FUNCTION.sub(lambda found: str(changes.last(found[1], schema)), command)
        result = execute(cursor, told, *args, **kwargs)
        for statement in sqlglot.parse(told, dialect="snowflake"):
            if statement is not None:
                changes.add(statement, schema)
        return result

    FakeSnowflakeCursor.execute = execute_counted


if __name__ == "__main__":
    add_function()
    with fakesnow.server(port=int(sys.argv[1])):
        threading.Event().wait()
