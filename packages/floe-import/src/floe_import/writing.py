"""Write the files of an import: all of them, or none."""

from __future__ import annotations

from pathlib import Path

from floe_core.foundation.errors import UsageError
from floe_core.storage.files import write_together
from floe_import.report import ImportReport


def write_report(report: ImportReport) -> list[str]:
    """Write what an import made, and return the paths.

    Raises:
        UsageError: One of the files exists; nothing is written.
    """
    present = [path for path in report.files if Path(path).exists()]
    if present:
        raise UsageError(
            f"{', '.join(present)}: floe import overwrites no file; move it away first"
        )
    contents = {str(Path(path).absolute()): text.encode() for path, text in report.files.items()}
    write_together(Path("/"), contents)
    return list(report.files)
