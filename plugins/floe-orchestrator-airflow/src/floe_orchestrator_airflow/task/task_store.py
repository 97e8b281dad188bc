"""Where a task keeps values between its attempts: Airflow's store, else a folder of the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from floe_core.storage.files import write_whole
from floe_core.storage.state_folder import place_below, run_folder
from floe_orchestrator_airflow.names.run_of_product import build_run_id

if TYPE_CHECKING:
    from airflow.sdk import Context


class TaskStore(Protocol):
    """Keeps values of JSON by key. `None` is a key that has no value."""

    def get(self, key: str) -> Any:
        """Return a value."""
        ...

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        ...


def task_store(context: Context, project_dir: Path, task_id: str) -> TaskStore:
    """Return the store of a task, which survives a retry and a clear.

    Airflow has one from 3.3 on. Before, values are in the folder of the run: a retry on another
    host finds them only if the hosts share the product's state folder.
    """
    values: Any = context
    if "task_state_store" in values:
        store: TaskStore = values["task_state_store"]
        return store
    run = run_folder(project_dir, build_run_id(context, task_id))
    return _FolderStore(place_below(run, "kept"))


class _FolderStore:
    """A store of a file for each key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Any:
        try:
            return json.loads(self._file(key).read_bytes())
        except (OSError, ValueError):
            return None

    def set(self, key: str, value: Any) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._file(key), json.dumps(value).encode())

    def _file(self, key: str) -> Path:
        return self._folder / f"{quote(key, safe='')}.json"
