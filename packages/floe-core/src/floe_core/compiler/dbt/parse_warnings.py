"""What dbt warns of while it parses: patches without a node, deprecations, unused paths."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

# A program writes its messages to its log as JSON, and no others. dbt 2 ignores both variables.
JSON_LOG_OF_WARNINGS: Mapping[str, str] = {
    "DBT_LOG_FORMAT_FILE": "json",
    "DBT_LOG_LEVEL_FILE": "warn",
}


def warnings_in_log(file: Path) -> Iterator[str]:
    """Yield the warnings that a dbt program has written into its log, which may be missing."""
    if not file.is_file():
        return
    for line in file.read_text("utf-8", errors="replace").splitlines():
        try:
            info = json.loads(line)["info"]
        except (ValueError, KeyError, TypeError):
            continue
        if info.get("level") == "warn":
            yield str(info.get("msg", ""))
