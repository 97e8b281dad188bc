"""A product of 200 nodes of every kind that leaves a table or judges one."""

from __future__ import annotations

from pathlib import Path

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: 2}}
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: mixed, version: 1.0.0}
platform: {manifest: manifest.yaml}
schedule: {cron: "30 2 * * *", timezone: Europe/Berlin}
jobs:
  - {name: hourly, select: "tag:hourly", schedule: {cron: "0 * * * *", timezone: UTC}}
execution: {retries: 2, retryDelaySeconds: 5, retryBackoff: exponential}
"""
SEEDS, STAGED, MARTS, SNAPSHOTS = 10, 60, 30, 10
KINDS = ("view", "table", "incremental", "ephemeral")
TESTS = 2 * MARTS + STAGED * 3 // 4
# Ephemeral models are no nodes.
NODES = SEEDS + STAGED * 3 // 4 + MARTS + SNAPSHOTS + TESTS


def write_mixed_product(folder: Path) -> Path:
    """Write the product into a new folder, and return it."""
    for name in ("models/staging", "models/marts", "seeds", "snapshots"):
        (folder / name).mkdir(parents=True)
    (folder / "manifest.yaml").write_text(MANIFEST)
    (folder / "floe.yaml").write_text(FLOE)
    (folder / "dbt_project.yml").write_text("name: mixed\nversion: 1.0.0\nprofile: mixed\n")
    for number in range(SEEDS):
        rows = "".join(f"{row},{(row * 7 + number) % 13}\n" for row in range(1, 40))
        (folder / "seeds" / f"raw_{number}.csv").write_text(f"id,amount\n{rows}")
    for number in range(STAGED):
        _write_staged(folder / "models" / "staging", number)
    for number in range(MARTS):
        _write_mart(folder / "models" / "marts", number)
    for number in range(SNAPSHOTS):
        _write_snapshot(folder / "snapshots", number)
    (folder / "models" / "schema.yml").write_text(_schema())
    return folder


def _write_staged(folder: Path, number: int) -> None:
    kind = KINDS[number % len(KINDS)]
    tags = ", tags=['hourly']" if number % 3 == 0 else ""
    head = f"{{{{ config(materialized='{kind}'{tags}) }}}}\n"
    body = f"select id, amount + {number} as amount from {{{{ ref('raw_{number % SEEDS}') }}}}"
    (folder / f"stg_{number:02}.sql").write_text(head + body)


def _write_mart(folder: Path, number: int) -> None:
    one, other = number * 2 % STAGED, (number * 2 + 1) % STAGED
    (folder / f"mart_{number:02}.sql").write_text(
        "{{ config(materialized='table') }}\n"
        f"select a.id, sum(a.amount) as amount, count(b.id) as matches\n"
        f"from {{{{ ref('stg_{one:02}') }}}} a left join {{{{ ref('stg_{other:02}') }}}} b\n"
        "  on a.id = b.id group by a.id\n"
    )


def _write_snapshot(folder: Path, number: int) -> None:
    # The time of the run is in these.
    names = ("dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to")
    columns = ", ".join(
        f"{{name: {n}, config: {{meta: {{floe: {{volatile: true}}}}}}}}" for n in names
    )
    (folder / f"history_{number}.yml").write_text(
        f"snapshots:\n  - name: history_{number}\n    relation: ref('mart_{number:02}')\n"
        "    config: {unique_key: id, strategy: check, check_cols: [amount]}\n"
        f"    columns: [{columns}]\n"
    )


def _schema() -> str:
    """Return tests: two for each mart, one for three of four staged models."""
    lines = ["models:"]
    for number in range(MARTS):
        lines += [
            f"  - name: mart_{number:02}",
            "    columns: [{name: id, data_tests: [unique, not_null]}]",
        ]
    for number in range(STAGED):
        if number % 4 != 3:
            lines += [
                f"  - name: stg_{number:02}",
                "    columns: [{name: amount, data_tests: [not_null]}]",
            ]
    return "\n".join(lines) + "\n"
