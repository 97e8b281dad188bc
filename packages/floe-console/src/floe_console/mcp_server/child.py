"""Answer one question about a product's code, in a process of its own: `python -m ... QUESTION`.

Reads values as JSON, and prints the answer as the last line, after whatever dbt prints.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from floe_core.foundation.errors import FloeError

# How many days of ticks are compared.
DAYS = 30


def what_would_run(folder: str, job: str) -> dict[str, Any]:
    """Return what the next run of a job would build and why, as `floe plan --json` does."""
    from floe_core.cli.commands.plan_command import as_dict
    from floe_core.execution.plan_of_run import plan_run
    from floe_core.runs.build_request import PLAN_RUN_ID, BuildRequest
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

    artifacts = CompiledArtifacts.load(folder)
    chosen = artifacts.job(job or artifacts.jobs[0].name)
    return as_dict(artifacts, plan_run(artifacts, BuildRequest(chosen.name, PLAN_RUN_ID)))


def what_does_this_change_break(folder: str, manifest: str, product: str) -> dict[str, Any]:
    """Return what differs between a product as published and its code now; writes nothing."""
    from floe_core.compiler.compile_product import prepare_product
    from floe_core.compiler.ports.products import consumers_of, read_platform
    from floe_core.foundation.errors import UsageError
    from floe_diff import difference

    before = read_platform(Path(manifest)).products.get(product)
    if before is None:
        raise UsageError(f"'{product}' is not published, so nothing reads it yet")
    after = prepare_product(folder, keeps_entry_point=True).artifacts
    others = consumers_of(after.product.name, Path(folder), Path(manifest))
    now = datetime.now(UTC)
    found = difference(before, after, now, now + timedelta(days=DAYS), others.published)
    notes = [*others.notes()]
    return {"different": bool(found), "broken": found.broken, "notes": notes, **asdict(found)}


def column_lineage(folder: str) -> dict[str, Any]:
    """Return the tables of a product with the origins of their columns."""
    from floe_core.cli.lineage_views import as_data
    from floe_core.lineage.lineage_map import lineage_map
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

    found = lineage_map(CompiledArtifacts.load(folder))
    return {"run_ids": found.run_ids, "tables": as_data(found)}


_QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    each.__name__: each for each in (what_would_run, what_does_this_change_break, column_lineage)
}


def main() -> None:
    """Answer the question that the arguments name."""
    values = json.loads(sys.stdin.read())
    answer: dict[str, Any]
    try:
        answer = {"answer": _QUESTIONS[sys.argv[1]](**values)}
    except FloeError as error:
        answer = {"refused": str(error)}
    print(f"\n{json.dumps(answer, default=str)}", flush=True)


if __name__ == "__main__":
    main()
