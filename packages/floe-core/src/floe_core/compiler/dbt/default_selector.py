"""The default selector of a project whose dbt does not say in its manifest which one that is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from floe_core.user_yaml.dbt_yaml import read_dbt_document

SELECTORS_FILE = "selectors.yml"


def name_default_selector(
    manifest: dict[str, Any], project: Path, list_selected: Callable[[list[str]], list[str]]
) -> None:
    """Mark the default selector in the manifest of a dbt 2, as the manifest of a dbt 1 does.

    dbt 2 applies `default` of selectors.yml, whose value may be Jinja, and leaves it out of its
    manifest. `list_selected` returns the ids that dbt lists for its arguments.
    """
    selectors = manifest.get("selectors") or {}
    path = project / SELECTORS_FILE
    if not selectors or any("default" in each for each in selectors.values()) or not path.is_file():
        return
    listed = read_dbt_document(path, SELECTORS_FILE).data.get("selectors") or []
    candidates = [each for each in listed if each.get("default") not in (None, False)]
    for each in candidates:
        name = str(each.get("name"))
        is_default = each["default"] is True or (
            list_selected(["--selector", name]) == list_selected([])
        )
        if is_default and name in selectors:
            selectors[name]["default"] = True
            return
