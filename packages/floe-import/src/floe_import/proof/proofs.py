"""Compare what was written with what the old tools themselves say."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from floe_core.compiler import compile_product
from floe_core.foundation.errors import FloeError
from floe_core.schedules import ticks_between
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_import.drafts import GroupDraft
from floe_import.product.products import Product
from floe_import.report import (
    Finding,
    ImportReport,
    Place,
    Verdict,
    changed,
    exact,
    finding_of,
    unknown,
)

_QUIET = {
    "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
    "DO_NOT_TRACK": "1",
}


# The last line of an error of pydantic.
_POINTER = "For further information visit"


class CannotAskError(Exception):
    """The tool is not installed there, or it refuses; the text says why, in a line."""


def ask(python: str, program: Path, *arguments: str) -> Any:
    """Return the JSON that a program prints last.

    Raises:
        CannotAskError: The program failed.
    """
    with tempfile.TemporaryDirectory(prefix="floe-import-") as home:
        # The programs of a virtual environment that is not activated, such as dbt, are found too.
        path = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])
        environment = _QUIET | {"AIRFLOW_HOME": home} | dict(os.environ) | {"PATH": path}
        try:
            done = subprocess.run(
                [python, str(program), *arguments],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise CannotAskError(f"{python}: {error.strerror}") from None
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        said = done.stderr.strip().splitlines() or ["it printed nothing"]
        told = [line.strip() for line in said if not line.strip().startswith(_POINTER)]
        raise CannotAskError(told[-1] if told else said[-1])
    return json.loads(lines[-1])


def program(name: str) -> Path:
    """Return the file of a program of this room."""
    return Path(__file__).parent / "programs" / f"{name}.py"


_YEAR = 2026
_BUILT = ("model", "seed", "snapshot")


def prove_product(product: Product, python: str) -> Iterator[Finding]:
    """Compile a product whose files are written, and yield what each proof of it says.

    `python` is the interpreter in whose environment the old tool is installed.
    """
    place = product.drafts[0].place
    if product.project is None:
        verdict = unknown("not proven: its project is not here")
        yield finding_of("PRV001", product.name, place, verdict)
        return
    try:
        artifacts = compile_product(product.project.folder)
    except FloeError as error:
        yield finding_of("PRV001", product.name, place, unknown(f"it does not compile: {error}"))
        return
    for draft in product.drafts:
        if draft.schedule:
            yield finding_of("PRV101", f"ticks of {draft.name}", draft.place, _ticks(draft, python))
        if draft.rendered is not None:
            verdict = _nodes(draft, artifacts, product.project.folder, python)
            yield finding_of("PRV102", f"nodes of {draft.name}", draft.place, verdict)


def prove_definitions(old: Path, new: Path, python: str) -> Iterator[tuple[str, Verdict]]:
    """Yield (what, verdict) for each difference of two definitions files, one line if none."""
    try:
        place = str(old.absolute())
        before, after = (ask(python, program("dagster_specs"), str(f), place) for f in (old, new))
    except CannotAskError as error:
        yield str(old), unknown(f"not proven: {error}")
        return
    found = list(_differences(before, after))
    for what, sentence in found:
        yield what, changed(sentence)
    if not found:
        assets, checks = before["assets"], before["checks"]
        edges = sum(len(each["dependencies"]) for each in assets.values())
        said = f"{len(assets)} assets, {edges} dependencies, {len(checks)} checks, groups, owners, "
        yield "definitions", exact(f"{said}tags, conditions and schedules are the same")


def _differences(before: dict, after: dict) -> Iterator[tuple[str, str]]:  # type: ignore[type-arg]
    for name in ("checks", "jobs", "sensors"):
        for gone in sorted(set(before[name]) - set(after[name])):
            yield f"{name[:-1]} {gone}", "it is gone"
        for new in sorted(set(after[name]) - set(before[name])):
            yield f"{name[:-1]} {new}", "it is new"
    for name in ("assets", "schedules"):
        for key in sorted({*before[name], *after[name]}):
            old, now = before[name].get(key), after[name].get(key)
            if old is None or now is None:
                yield f"{name[:-1]} {key}", "it is new" if old is None else "it is gone"
            elif not isinstance(old, dict):
                if old != now:
                    yield f"{name[:-1]} {key}", f"{old!r} becomes {now!r}"
            else:
                for what in old:
                    if old[what] != now[what]:
                        yield f"asset {key}", f"its {what} {old[what]!r} becomes {now[what]!r}"


def _ticks(draft: GroupDraft, python: str) -> Verdict:
    cron, zone = draft.schedule["cron"], draft.schedule["timezone"]
    try:
        theirs = ask(python, program("airflow_ticks"), cron, zone, str(_YEAR))
    except CannotAskError as error:
        return unknown(f"not proven: Airflow can't be asked in {python}: {error}")
    start, end = datetime(_YEAR, 1, 1, tzinfo=UTC), datetime(_YEAR + 1, 1, 1, tzinfo=UTC)
    ours = [each.isoformat() for each in ticks_between(cron, zone, start, end)]
    if ours == theirs:
        return exact(f"all {len(ours)} ticks of {_YEAR} are those of Airflow's timetable")
    only = sorted(set(ours) ^ set(theirs))
    return changed(f"{len(only)} of {len(theirs)} ticks of {_YEAR} differ: {', '.join(only[:4])}")


def _nodes(draft: GroupDraft, artifacts: CompiledArtifacts, folder: Path, python: str) -> Verdict:
    job = artifacts.job(draft.job) if draft.job else artifacts.job(artifacts.product.name)
    ours = {node.unique_id for node in artifacts.nodes_of(job)}
    ours = {each for each in ours if each.split(".")[0] in _BUILT}
    try:
        wanted = json.dumps(draft.rendered)
        theirs = set(ask(python, program("cosmos_nodes"), str(folder), wanted))
    except CannotAskError as error:
        return unknown(f"not proven: Cosmos can't be asked in {python}: {error}")
    if ours == theirs:
        return exact(f"the {len(ours)} nodes that Cosmos selects")
    missing = ", ".join(sorted(theirs - ours)) or "none"
    added = ", ".join(sorted(ours - theirs)) or "none"
    return changed(f"only Cosmos selects {missing}; only floe selects {added}")


def prove_import(report: ImportReport, products: Sequence[Product], python: str) -> None:
    """Add to the report what each proof says."""
    for product in products:
        report.findings += prove_product(product, python)
    for old, new in report.definitions:
        for what, verdict in prove_definitions(Path(old), Path(new), python):
            report.findings.append(finding_of("PRV201", what, Place(old), verdict))
