"""What `floe import` says of one file."""

from __future__ import annotations

from pathlib import Path

from floe_import.import_files import Request, import_files
from floe_import.python.given_values import GivenValues
from floe_import.report.import_report import ImportReport


def report_of(file: Path, given: GivenValues | None = None) -> ImportReport:
    """Import a file, without a project of this machine, and write nothing."""
    return import_files(Request([file], (), Path("out"), None, given or GivenValues()))


def short(report: ImportReport) -> list[str]:
    """Return line, code, disposition and construct of each finding that is not exact."""
    return [
        f"{f.place.line} {f.code} {f.disposition} {f.construct}"
        for f in report.findings
        if f.disposition != "exact"
    ]
