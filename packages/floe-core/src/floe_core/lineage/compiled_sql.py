"""Find the SQL that runs compiled a product's models to."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from floe_core.schemas.nodes import Node
from floe_core.storage.files import file_in, read_regular
from floe_core.storage.state_folder import state_place

# Runs build parts of a product. The SQL of a model that none of these compiled is not searched for.
MAX_ATTEMPTS = 200


class CompiledSql:
    """The SQL of each model from the last attempt, of any run, that compiled it."""

    def __init__(self, project_dir: Path) -> None:
        folders = state_place(project_dir).glob("runs/*/attempt-*/compiled")
        dated = sorted(((path.stat().st_mtime_ns, path) for path in folders), reverse=True)
        self._folders = [path for _, path in dated[:MAX_ATTEMPTS]]
        self._used: set[Path] = set()

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs that SQL was returned of, the last one first; the last run if there was none."""
        used = [path for path in self._folders if path in self._used] or self._folders[:1]
        return tuple(dict.fromkeys(unquote(path.parent.parent.name) for path in used))

    def of(self, node: Node) -> str | None:
        """Return the SQL of a model, None for a node without SQL or that no run compiled."""
        for folder in self._folders:
            if (sql := compiled_sql(folder, node)) is not None:
                self._used.add(folder)
                return sql
        return None


def compiled_sql(folder: Path, node: Node) -> str | None:
    """Return the SQL of a model in dbt's folder of compiled code, None if it has none there."""
    if node.resource_type != "model" or node.language != "sql":
        return None
    path = file_in(folder, node.package, node.path)
    return read_regular(path) if path else None
