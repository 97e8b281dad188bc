"""Which program dbt is."""

from __future__ import annotations

from floe_import.drafts.group_draft import GroupDraft
from floe_import.python.values import EnvText, LocalPath, Value
from floe_import.report.findings import Verdict, changed, exact, unknown


def use_executable(value: Value, draft: GroupDraft) -> Verdict:
    """Put a dbt program into the draft."""
    if value == "dbt":
        return exact("the dbt that floe finds")
    if isinstance(value, EnvText) and ":-" in value:
        return changed(
            f"a path in floe.yaml has no defaults: set `execution.dbtExecutable` to what {value} is"
        )
    if isinstance(value, LocalPath):
        return changed(
            f"the path depends on where the file is ({value} here): set `execution.dbtExecutable` "
            "to what it is where dbt runs"
        )
    if not isinstance(value, str):
        return unknown("it is not a path: decide which dbt runs")
    draft.execution["dbtExecutable"] = str(value)
    return exact("`execution.dbtExecutable` of floe.yaml")
