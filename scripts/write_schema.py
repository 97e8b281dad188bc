#!/usr/bin/env python3
"""Write what is generated below docs/: the JSON schemas, and the pages of keys and of commands."""

from __future__ import annotations

import json
from pathlib import Path

from command_page import command_page
from schema_page import schema_page

from floe_core.schemas import CompiledArtifacts
from floe_core.schemas.yaml_schemas import MODELS, schema_file, schema_text

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> None:
    """Replace the files."""
    schema = CompiledArtifacts.model_json_schema()
    text = json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (DOCS / "compiled_artifacts.schema.json").write_text(text)
    for name in MODELS:
        (DOCS / schema_file(name)).write_text(schema_text(name))
    (DOCS / "keys.md").write_text(schema_page())
    (DOCS / "commands.md").write_text(command_page())


if __name__ == "__main__":
    main()
