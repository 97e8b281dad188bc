"""Write a product of N dbt models, the same for the same N: layers of tables with tests between."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: bench-platform, version: 1.0.0, owner: bench@example.com}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: 2}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: bench, version: 1.0.0, owner: bench@example.com}
platform: {manifest: manifest.yaml}
schedule: {cron: "0 6 * * *", timezone: UTC}
"""
DBT = "name: bench\nversion: 1.0.0\nprofile: bench\nmodels: {+materialized: table}\n"
SEED = "id,label\n" + "".join(f"{number},label {number}\n" for number in range(1, 11))
LAYER = 20
COLUMNS = 6


def generate(folder: Path, models: int) -> None:
    """Write the product into an empty folder: one test for every five models, six columns each."""
    (folder / "models").mkdir(parents=True)
    (folder / "seeds").mkdir()
    (folder / "manifest.yaml").write_text(MANIFEST)
    (folder / "floe.yaml").write_text(FLOE)
    (folder / "dbt_project.yml").write_text(DBT)
    (folder / "seeds" / "raw.csv").write_text(SEED)
    chance = random.Random(models)
    described = ["models:"]
    for number in range(models):
        layer = folder / "models" / f"layer_{number // LAYER:03}"
        layer.mkdir(exist_ok=True)
        (layer / f"m_{number:05}.sql").write_text(_sql(number, chance))
        described += _description(number)
    (folder / "models" / "schema.yml").write_text("\n".join(described) + "\n")


def _sql(number: int, chance: random.Random) -> str:
    below = range(max(0, number // LAYER * LAYER - LAYER), number // LAYER * LAYER)
    parents = sorted(chance.sample(below, min(2, len(below))))
    names = [f"m_{parent:05}" for parent in parents] or ["raw"]
    columns = ", ".join(f"label as column_{place}" for place in range(COLUMNS - 2))
    rows = "\nunion\n".join(f"select id, label from {{{{ ref('{name}') }}}}" for name in names)
    return f"with rows as (\n{rows}\n)\nselect id, label, {columns} from rows\n"


def _description(number: int) -> list[str]:
    names = ["id", "label", *(f"column_{place}" for place in range(COLUMNS - 2))]
    lines = [f"  - name: m_{number:05}", f"    description: Model {number}.", "    columns:"]
    for name in names:
        tests = ", data_tests: [not_null]" if name == "id" and number % 5 == 0 else ""
        lines.append(f"      - {{name: {name}, data_type: varchar, description: A text.{tests}}}")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", type=int)
    arguments = parser.parse_args()
    generate(arguments.folder, arguments.models)
