"""The folder that a check works in, removed at its end, or by the next one if it was killed.

Its name is recorded in the product's state folder, beside a lock that ends with the process.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from floe_core.storage.files import write_together
from floe_core.storage.state_folder import journal_folder

FOLDER, PREFIX = "ci", "floe-ci-"


@contextmanager
def workplace(product_dir: Path, tell: Callable[[str], None]) -> Iterator[Path]:
    """Yield an empty folder for the block; `tell` receives the names of folders left by others.

    Raises:
        EnvironmentProblemError: The state folder of the product cannot be written.
    """
    journal = journal_folder(product_dir, FOLDER)
    for entry in sorted(journal.glob(f"{PREFIX}*.json")):
        if left := _remove_if_left(entry):
            tell(f"removed {left}, left by a check that was killed")
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    entry = journal / f"{folder.name}.json"
    with FileLock(entry.with_suffix(".lock")):
        write_together(journal, {entry.name: json.dumps({"folder": str(folder)}).encode()})
        try:
            yield folder
        finally:
            _remove(folder, entry)


def _remove_if_left(entry: Path) -> str:
    """Remove the folder of a check that is over; return its name, "" for one that runs."""
    try:
        with FileLock(entry.with_suffix(".lock"), timeout=0):
            folder = Path(json.loads(entry.read_bytes())["folder"])
            _remove(folder, entry)
            return str(folder)
    except Timeout:
        return ""


def _remove(folder: Path, entry: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    entry.unlink()
    entry.with_suffix(".lock").unlink(missing_ok=True)
