"""Rules for `ProfileConfig`."""

from __future__ import annotations

from floe_import.cosmos.book import rule
from floe_import.drafts.group_draft import GroupDraft
from floe_import.python.evaluate import evaluate
from floe_import.python.values import EnvText, Made, Value
from floe_import.report.findings import Verdict, changed, exact, unknown

OWNER = "ProfileConfig"
# Cosmos's classes are named <warehouse><way to log in>ProfileMapping.
ADAPTERS = {
    "Athena": "athena",
    "Clickhouse": "clickhouse",
    "Databricks": "databricks",
    "DuckDB": "duckdb",
    "Exasol": "exasol",
    "GoogleCloud": "bigquery",
    "Mysql": "mysql",
    "Oracle": "oracle",
    "Postgres": "postgres",
    "Redshift": "redshift",
    "Snowflake": "snowflake",
    "Spark": "spark",
    "StandardSQLServer": "sqlserver",
    "Starrocks": "starrocks",
    "Teradata": "teradata",
    "Trino": "trino",
    "Vertica": "vertica",
}


@rule("COS201", OWNER, "profile_name")
def profile_name(value: Value, draft: GroupDraft) -> Verdict:
    """Read which profile is used; the product says later whether the project names the same."""
    if isinstance(value, EnvText):
        return changed(
            f"`dbt_project.yml`, or the variable DBT_PROFILE, names the profile: {value}"
        )
    draft.profile = str(value)
    return exact("the profile that dbt_project.yml or DBT_PROFILE names")


@rule("COS202", OWNER, "target_name")
def target_name(value: Value, draft: GroupDraft) -> Verdict:
    """Read which target is used."""
    if isinstance(value, EnvText):
        return changed(
            f"the variable DBT_TARGET, or the profile's `target`, names the target: {value}"
        )
    draft.target = str(value)
    return exact("the target of the profile")


@rule("COS203", OWNER, "profiles_yml_filepath")
def profiles_file(value: Value, draft: GroupDraft) -> Verdict:
    """Read where profiles.yml is."""
    if value is None:
        return exact("the same as without it")
    draft.profiles_dir = str(value).rpartition("/")[0] or "."
    return exact("floe finds it as dbt does: in the project's folder, or in DBT_PROFILES_DIR")


@rule("COS204", OWNER, "profile_mapping")
def profile_mapping(value: Value, draft: GroupDraft) -> Verdict:
    """Read which Airflow connection the profile is made of."""
    if value is None:
        return exact("the same as without it")
    if not isinstance(value, Made):
        return unknown("it is not one of Cosmos's profile mappings: decide what the profile is")
    adapter = adapter_of(value)
    connection = _connection_of(value)
    what = f"the Airflow connection {connection!r}" if connection else "an Airflow connection"
    return unknown(
        f"{value.last} reads {what}: write a profiles.yml for {adapter or 'the adapter'} with "
        "`env_var()`, and decide where its variables come from"
    )


def adapter_of(mapping: Made) -> str:
    """Return dbt's adapter for a profile mapping, "" for an unknown one."""
    return next((name for start, name in ADAPTERS.items() if mapping.last.startswith(start)), "")


def _connection_of(mapping: Made) -> str:
    nodes = {each.arg: each.value for each in mapping.call.keywords}
    node = nodes.get("conn_id") or next(iter(mapping.call.args), None)
    found = evaluate(node, mapping.module) if node is not None else ""
    return found if isinstance(found, str) else ""
