"""The file of a compiled folder that the orchestrator loads."""

from __future__ import annotations

from pathlib import Path

from floe_core import plugin_registry
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.profile import is_edited, is_generated
from floe_core.compiler.settings import plugin_settings
from floe_core.foundation.errors import Problem
from floe_core.plugin_api.powers import EntryPointFile, EntryPointWriter


def entry_point_of(
    name: str, inputs: Inputs, folder: Path, findings: Findings, *, keeps_theirs: bool
) -> EntryPointFile | None:
    """Return the file that the orchestrator loads, None for one that needs none.

    A file in its place that is not floe's is a problem; with `keeps_theirs` it stays.
    """
    if name not in plugin_registry.installed():
        return None
    plugin = plugin_registry.load(name, plugin_settings(inputs.manifest))
    if not isinstance(plugin, EntryPointWriter):
        return None
    entry_point = plugin.entry_point_file(inputs.spec.metadata.name)
    path = folder / entry_point.filename
    is_ours = not path.is_file() or is_generated(path)
    if is_ours and not (path.is_file() and is_edited(path)):
        return entry_point
    if keeps_theirs:
        findings.notice(f"{entry_point.filename} is yours and stays")
        return None
    what = "this file is not floe's, and compile would have to write over it"
    fix = "move it, or compile elsewhere with --out DIR"
    if is_ours:
        what = "this file was edited since floe wrote it, and compile would write over that"
        fix = (
            "move what you added to a file of yours and delete this one, or compile with --out DIR"
        )
    findings.add(Problem(what, fix, entry_point.filename))
    return None
