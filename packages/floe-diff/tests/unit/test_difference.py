from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.foundation.errors import StaleProductError, UsageError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_diff import NodeDifference, difference
from floe_diff.fields import FieldChange
from floe_diff.markdown import as_markdown

START = datetime(2026, 3, 1, tzinfo=UTC)


def node(kind: str, name: str, *upstream: str, **fields: Any) -> dict[str, Any]:
    return {
        "unique_id": f"{kind}.shop.{name}",
        "name": name,
        "resource_type": kind,
        "package": "shop",
        "depends_on": list(upstream),
        **fields,
    }


RAW = node("seed", "raw")
ORDERS = node("model", "orders", "seed.shop.raw", materialization="view", checksum="a")
SUMS = node("model", "sums", "model.shop.orders", checksum="b")
OLD_NODE = node("model", "old", "model.shop.orders")
TEST = node("test", "sums_are_there", "model.shop.sums")


def product(*nodes: dict[str, Any], cron: str = "0 6 * * *", **fields: Any) -> CompiledArtifacts:
    return CompiledArtifacts.model_validate(
        {
            "product": {"name": "shop", "version": "1.0.0"},
            "orchestrator": {"name": "dagster"},
            "dbt": {
                "project_name": "shop",
                "profile_name": "shop",
                "target_name": "dev",
                "adapter": "duckdb",
                "version": "1.11.16",
            },
            "nodes": nodes,
            "jobs": [{"name": "shop", "schedule": {"cron": cron, "timezone": "Europe/Berlin"}}],
            **fields,
        }
    )


OLD = product(RAW, ORDERS, SUMS, OLD_NODE, TEST)
NEW = product(
    RAW,
    {**ORDERS, "materialization": "table", "depends_on": ["model.shop.stg", "seed.shop.raw"]},
    SUMS,
    node("model", "stg", "seed.shop.raw"),
    TEST,
    cron="30 6 * * *",
    execution={"retries": 2},
    resources={
        "small": {
            "cpu_request": "1",
            "cpu_limit": "1",
            "memory_request": "1Gi",
            "memory_limit": "1Gi",
        }
    },
)


def test_a_product_does_not_differ_from_itself() -> None:
    found = difference(OLD, OLD, START, START + timedelta(days=90))
    assert not found
    assert as_markdown(found, "shop") == "## shop\n\nNothing changed.\n"


def test_nodes_edges_and_what_lies_below_are_told() -> None:
    found = difference(OLD, NEW, START, START + timedelta(days=90))
    assert (found.added, found.removed) == (("model.shop.stg",), ("model.shop.old",))
    assert found.changed == (
        NodeDifference(
            "model.shop.orders",
            gained=("model.shop.stg",),
            fields=(FieldChange("materialization", "view", "table"),),
        ),
    )
    assert found.downstream == ("model.shop.sums", "test.shop.sums_are_there")


def test_what_only_lay_below_a_removed_node_is_downstream() -> None:
    found = difference(OLD, product(ORDERS, SUMS, OLD_NODE, TEST), START, START + timedelta(days=1))
    assert found.removed == ("seed.shop.raw",)
    assert found.downstream == (
        "model.shop.old",
        "model.shop.orders",
        "model.shop.sums",
        "test.shop.sums_are_there",
    )


def test_ticks_gained_and_lost_are_counted_in_the_zone_of_the_job() -> None:
    [job] = difference(OLD, NEW, START, START + timedelta(days=90)).jobs
    assert (job.old_schedule, job.new_schedule) == (
        "0 6 * * * in Europe/Berlin",
        "30 6 * * * in Europe/Berlin",
    )
    assert (len(job.ticks_gained), len(job.ticks_lost)) == (90, 90)
    assert job.ticks_gained[0] == datetime(2026, 3, 1, 5, 30, tzinfo=UTC)
    assert job.ticks_gained[-1] == datetime(2026, 5, 29, 4, 30, tzinfo=UTC)


def test_another_deadline_is_a_change_of_the_job() -> None:
    jobs = [{"name": "shop", "deadline": {"time": "07:30", "timezone": "Europe/Berlin"}}]
    old, new = product(RAW, jobs=jobs), product(RAW, jobs=[{"name": "shop"}])
    found = difference(old, new, START, START + timedelta(days=1))
    assert [(job.old_deadline, job.new_deadline) for job in found.jobs] == [
        ("07:30 Europe/Berlin", "")
    ]
    assert "`shop`: deadline 07:30 Europe/Berlin -> none" in as_markdown(found, "Changes")


def test_a_job_that_is_gone_loses_its_ticks() -> None:
    jobs = [{"name": "shop"}, {"name": "hourly", "schedule": {"cron": "@hourly"}}]
    old = product(RAW, jobs=jobs)
    [job] = difference(old, product(RAW, jobs=jobs[:1]), START, START + timedelta(days=1)).jobs
    assert (job.name, job.kind, job.lost, len(job.ticks_lost)) == (
        "hourly",
        "removed",
        ("seed.shop.raw",),
        24,
    )


def test_the_markdown_tells_all_of_it() -> None:
    found = difference(OLD, NEW, START, START + timedelta(days=2))
    assert (
        as_markdown(found, "shop 1.0.0 -> 1.0.0")
        == """\
## shop 1.0.0 -> 1.0.0

### Nodes added (1)

- `model.shop.stg`

### Nodes removed (1)

- `model.shop.old`

### Nodes changed (1)

- `model.shop.orders`: + depends on `model.shop.stg`; materialization: view -> table

### Downstream of these (2)

- `model.shop.sums`
- `test.shop.sums_are_there`

### Jobs and ticks (1)

- `shop`: 1 node gained, 1 lost; 0 6 * * * in Europe/Berlin -> 30 6 * * * in Europe/Berlin; \
2 ticks gained in 2 days (2026-03-01 05:30, 2026-03-02 05:30 UTC); \
2 ticks lost in 2 days (2026-03-01 05:00, 2026-03-02 05:00 UTC)

### Settings (2)

- execution: retries: 0 -> 2
- resources: small: none -> 1 to 1 CPU, 1Gi to 1Gi memory
"""
    )


def test_the_command_reads_files_alone_and_tells_a_difference_by_its_exit_code(
    tmp_path: Path,
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(OLD.to_json())
    new.write_text(NEW.to_json())

    def run(*arguments: object) -> tuple[int, Any]:
        done = CliRunner().invoke(app, ["diff", *map(str, arguments), "--json"])
        return done.exit_code, json.loads(done.stdout)

    code, told = run(old, new, "--from", "2026-03-01")
    assert (code, told["different"], told["added"]) == (0, True, ["model.shop.stg"])
    assert run(old, new, "--exit-code")[0] == 1
    assert run(old, old, "--exit-code")[0] == 0


def test_a_schedule_that_this_machine_cannot_read_is_an_error_with_its_file(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(OLD.to_json())
    new.write_text(NEW.to_json().replace("Europe/Berlin", "Europe/Atlantis"))
    done = CliRunner().invoke(app, ["diff", str(old), str(new)])
    assert isinstance(done.exception, StaleProductError)
    [problem] = done.exception.problems
    assert problem.file == str(new)
    assert "no time zone named 'Europe/Atlantis'" in problem.what


def test_the_days_compared_begin_at_the_moment_given_with_its_offset(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(OLD.to_json())
    new.write_text(NEW.to_json())
    # 04:59 in UTC: the ticks at 05:00 and 05:30 of that day are still to come.
    moment = "2026-03-01T06:59+02:00"
    done = CliRunner().invoke(
        app, ["diff", str(old), str(new), "--from", moment, "--days", "1", "--json"]
    )
    [job] = json.loads(done.stdout)["jobs"]
    assert (job["ticks_lost"], job["ticks_gained"]) == (
        ["2026-03-01 05:00:00+00:00"],
        ["2026-03-01 05:30:00+00:00"],
    )


@pytest.mark.parametrize("moment", ["9998-12-31", "0001-01-01", "soon"])
def test_a_day_at_an_end_of_the_calendar_is_a_wrong_call(tmp_path: Path, moment: str) -> None:
    file = tmp_path / "old.json"
    file.write_text(OLD.to_json())
    done = CliRunner().invoke(app, ["diff", str(file), str(file), "--from", moment])
    assert isinstance(done.exception, UsageError)
