"""A DAG file and the one that `floe import` writes in its place, executed by Python with a stand-in for what makes groups."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from import_reports import report_of
from ruamel.yaml import YAML

from floe_import.python.given_values import GivenValues
from floe_import.report import ImportReport

HEAD = """\
from cosmos import DbtDag, DbtTaskGroup, ProfileConfig, ProjectConfig, RenderConfig

profile = ProfileConfig(profile_name="shop", target_name="prod")
PROJECT = ProjectConfig("/dbt/shop")


"""
# The arguments that each group has.
MORE = "project_config=PROJECT, profile_config=profile"
# The group, what it selects, and what it excludes.
Selection = tuple[str | None, str, str]


def imported(folder: Path, body: str, given: GivenValues | None = None) -> ImportReport:
    """Import a file with this after its head, where `MORE` are the arguments that all have."""
    file = folder / "dag.py"
    file.write_text(HEAD + body.replace("MORE", MORE))
    return report_of(file, given)


def check_selections(
    folder: Path, report: ImportReport, monkeypatch: pytest.MonkeyPatch
) -> list[Selection]:
    """Check that the written file selects what the imported one does, and return that."""
    before = selections(executed((folder / "dag.py").read_text(), "cosmos", monkeypatch))
    assert written_selections(report, monkeypatch) == before
    return before


def unknown_codes(report: ImportReport) -> set[str]:
    """Return the codes of what is unknown. That the DAG is not around its groups always is."""
    return {each.code for each in report.findings if each.disposition == "unknown"}


def executed(source: str, module: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the arguments of each group that a file makes, in order."""
    made: list[dict[str, Any]] = []

    def group(*positional: object, **named: object) -> None:
        made.append({"folder": next(iter(positional), None), **named})

    library = ModuleType(module)
    kinds = ("ProfileConfig", "ProjectConfig", "RenderConfig")
    for name in kinds:
        setattr(library, name, lambda *args, **named: SimpleNamespace(args=args, **named))
    for name in ("DbtTaskGroup", "DbtDag", "floe_task_group"):
        setattr(library, name, group)
    # Its default id.
    library.DbtTaskGroup = partial(group, group_id="dbt_task_group")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module, library)
    exec(compile(source, "dag.py", "exec"), {"__file__": "/dags/dag.py"})
    return made


def selections(made: Sequence[dict[str, Any]]) -> list[Selection]:
    """Return what the groups of Cosmos select."""
    parts = ("select", "exclude")
    return [
        (
            each.get("group_id"),
            *(" ".join(getattr(each.get("render_config"), k, [])) for k in parts),
        )
        for each in made
    ]  # type: ignore[misc]


def written_selections(report: ImportReport, monkeypatch: pytest.MonkeyPatch) -> list[Selection]:
    """Return what the groups of the written file select, by the jobs of the written product."""
    jobs = YAML(typ="safe").load(report.files["out/shop/floe.yaml"]).get("jobs", [])
    of_jobs = {each["name"]: (each.get("select", ""), each.get("exclude", "")) for each in jobs}
    of_jobs[None] = ("", "")
    made = executed(report.files["out/dags/dag.py"], "floe_orchestrator_airflow", monkeypatch)
    assert {each["folder"] for each in made} == {"/dbt/shop"}
    return [(each.get("group_id"), *of_jobs[each.get("job")]) for each in made]
