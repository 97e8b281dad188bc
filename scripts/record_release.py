#!/usr/bin/env python3
"""Write down what of each chart's objects an upgrade may not change; run when charts are released.

tests/charts/test_upgrades.py holds the charts to the newest of these files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
RELEASED = ROOT / "tests" / "charts" / "released"
sys.path.insert(0, str(ROOT / "tests" / "charts" / "shared"))


def main() -> int:
    """Write one file a chart, named by its version."""
    from charts import CHARTS
    from immutable_fields import immutable_fields

    RELEASED.mkdir(exist_ok=True)
    for chart in CHARTS:
        version = yaml.safe_load((chart.folder / "Chart.yaml").read_text())["version"]
        fields = {
            scenario: immutable_fields(chart.objects(values))
            for scenario, values in chart.scenarios.items()
        }
        place = RELEASED / f"{chart.name}-{version}.json"
        place.write_text(json.dumps(fields, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
