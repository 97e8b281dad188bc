"""Find the SQL that runs compiled a product's models to."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from floe_core.product_folder.state_folder import state_place
from floe_core.schemas.nodes import Node

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
        if node.resource_type != "model" or node.language != "sql":
            return None
        for folder in self._folders:
            path = folder / node.package / node.path
            if path.is_file():
                self._used.add(folder)
                return path.read_text("utf-8")
        return None
