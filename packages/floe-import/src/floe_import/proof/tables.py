"""Compare the tables of a written product with those of plain dbt, by `floe parity`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from floe_core.cli.console import count_of
from floe_import.product.products import Product
from floe_import.report import Finding, Verdict, changed, exact, finding_of, unknown


def prove(products: Sequence[Product]) -> Iterator[Finding]:
    """Run each product whose project is here on its orchestrator and with plain dbt.

    Each side builds all nodes, into copies of the product: see docs/parity.md.
    """
    for product in products:
        verdict = (
            unknown("not proven: its project is not here")
            if product.project is None
            else _verdict(product.project.folder)
        )
        place = product.drafts[0].place
        yield finding_of("PRV301", f"tables of {product.name}", place, verdict)


def _verdict(folder: Path) -> Verdict:
    command = [sys.executable, "-m", "floe_core.cli", "parity", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.strip().splitlines() or ["it printed nothing"]
        return unknown(f"not proven: {said[-1]}")
    if "runs" not in found:
        return unknown(f"not proven: {found['message']}")
    sides = " and ".join(found["runs"])
    if differences := _differences(found):
        number = count_of(len(differences), "difference")
        return changed(f"floe parity finds {number} between {sides}: {differences[0]}")
    if any(run["status"] != "success" for run in found["runs"].values()):
        return unknown(f"not proven: the run fails in the same way on {sides}")
    tables = sum(node["rows"] is not None for node in found["nodes"].values())
    return exact(f"{count_of(tables, 'table')} of {sides} have the same rows")


def _differences(found: dict[str, Any]) -> list[str]:
    of_nodes = [
        f"{name}: {each}" for name, n in found["nodes"].items() for each in n["differences"]
    ]
    return [*found["differences"], *of_nodes]
