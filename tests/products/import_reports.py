"""What `floe import` says of one file, and reads in it."""

from __future__ import annotations

import ast
from pathlib import Path

from floe_import.import_files import Request, import_files
from floe_import.python.evaluate import evaluate
from floe_import.python.given_values import GivenValues
from floe_import.python.modules import read_module
from floe_import.report import ImportReport


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


def value_found(text: str, folder: Path):
    """Return what a file assigns to `found`, as it is read, and the file."""
    file = folder / "names.py"
    file.write_text(text)
    module = read_module(file)
    (found,) = (
        node.value
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "found"
    )
    return evaluate(found, module), file
