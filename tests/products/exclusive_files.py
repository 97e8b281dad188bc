"""A file system of fsspec on this disk that creates a file in one step, as object stores do.

fsspec's own one for local files looks whether there is one, and then writes.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from fsspec import register_implementation
from fsspec.implementations.local import LocalFileSystem

SCHEME = "exclusive"


class ExclusiveFiles(LocalFileSystem):
    """Shows a file whole or not at all, and refuses to create one that is there."""

    protocol = SCHEME

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return str(path).removeprefix(f"{SCHEME}://").rstrip("/")

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        """Write a file, by another name first."""
        target = Path(self._strip_protocol(path))
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".")
        with os.fdopen(descriptor, "wb") as file:
            file.write(value)
        try:
            os.link(name, target) if mode == "create" else os.replace(name, target)
        finally:
            Path(name).unlink(missing_ok=True)


register_implementation(SCHEME, ExclusiveFiles, clobber=True)
