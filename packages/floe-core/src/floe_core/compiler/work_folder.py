"""The temporary folder of a compile."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError

_PREFIX = "floe-compile-"
_ABANDONED_SECONDS = 86_400


def work_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a new folder, and remove old ones that killed compiles left.

    Raises:
        EnvironmentProblemError: There is no place for temporary files.
    """
    try:
        place = Path(tempfile.gettempdir())
        for folder in place.glob(f"{_PREFIX}*"):
            _remove_if_abandoned(folder)
        return tempfile.TemporaryDirectory(prefix=_PREFIX)
    except OSError as error:
        what = f"no temporary folder to work in: {error.strerror}; set TMPDIR to one"
        raise EnvironmentProblemError(what) from error


def _remove_if_abandoned(folder: Path) -> None:
    with suppress(FileNotFoundError):
        found = folder.lstat()
        is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if is_own and time.time() - found.st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
