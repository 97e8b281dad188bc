#!/usr/bin/env python3
"""Write docs/compiled_artifacts.schema.json from the models."""

from __future__ import annotations

import json
from pathlib import Path

from floe_core.schemas import CompiledArtifacts

PATH = Path(__file__).resolve().parents[1] / "docs" / "compiled_artifacts.schema.json"


def main() -> None:
    """Replace the file."""
    schema = CompiledArtifacts.model_json_schema()
    PATH.write_text(json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
