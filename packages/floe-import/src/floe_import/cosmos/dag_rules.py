"""Rules for what DbtDag and DbtTaskGroup take beside Cosmos's configuration objects."""

from __future__ import annotations

from floe_import.cosmos.book import always, rule
from floe_import.drafts import GroupDraft
from floe_import.python.values import Value
from floe_import.report import NO_EFFECT, Verdict, changed, exact, unknown

DAG, GROUP = "DbtDag", "DbtTaskGroup"
_OF_DAG = [
    "dag_id",
    "description",
    "start_date",
    "end_date",
    "template_searchpath",
    "template_undefined",
    "user_defined_macros",
    "user_defined_filters",
    "max_active_runs",
    "max_consecutive_failed_dag_runs",
    "dagrun_timeout",
    "deadline",
    "catchup",
    "on_success_callback",
    "on_failure_callback",
    "doc_md",
    "params",
    "access_control",
    "is_paused_upon_creation",
    "jinja_environment_kwargs",
    "render_template_as_native_obj",
    "tags",
    "owner_links",
    "auto_register",
    "fail_fast",
    "allowed_run_types",
    "dag_display_name",
    "disable_bundle_versioning",
    "rerun_with_latest_version",
    "schedule",
]

always("COS701", DAG, _OF_DAG, exact("stays an argument of the DAG"), keeps="call")
always(
    "COS703",
    DAG,
    ["sla_miss_callback", "task_group"],
    changed("Airflow 3 does not use it; `deadline` of floe.yaml says when a run is late"),
    unless=(None,),
)
always(
    "COS712",
    DAG,
    ["default_view", "orientation"],
    changed("Airflow 3 has no such argument, so the written DAG is without it"),
)
always("COS704", GROUP, ["group_id"], exact("stays the id of the group"), keeps="call")
always(
    "COS705",
    GROUP,
    ["group_display_name", "tooltip", "ui_color", "ui_fgcolor", "doc_md"],
    changed("the group shows the product's name and description"),
    unless=(None, "", "CornflowerBlue", "#000"),
)
for _name, _default in (("prefix_group_id", True), ("add_suffix_on_collision", False)):
    always(
        "COS706",
        GROUP,
        [_name],
        changed("ids of tasks begin with the id of the group, which must be unique"),
        unless=(_default,),
    )
# Cosmos 1.0 moved them to ProjectConfig, ProfileConfig, ExecutionConfig and RenderConfig.
_BEFORE_1_0 = [
    *("dbt_project_name", "dbt_root_path", "dbt_models_dir", "dbt_seeds_dir", "dbt_snapshots_dir"),
    *("conn_id", "profile_args", "dbt_args", "profile_name_override", "target_name_override"),
    *("emit_datasets", "test_behavior", "select", "exclude", "execution_mode"),
]
for _owner in (DAG, GROUP):
    always(
        "COS713",
        _owner,
        _BEFORE_1_0,
        unknown("Cosmos before 1.0 takes it here: write it for Cosmos 1, and import that"),
    )
    always(
        "COS708",
        _owner,
        ["on_warning_callback"],
        changed("no code of yours is called: write `alerts` into floe.yaml to be told of warnings"),
        unless=(None,),
    )


@rule("COS702", DAG, "max_active_tasks", "concurrency", keeps="call")
def parallel(value: Value, draft: GroupDraft) -> Verdict:
    """Read how many tasks run at once: in Cosmos, that many calls of dbt."""
    if not limit_parallel(value, draft):
        return changed("it limits Airflow's tasks; `execution.maxParallel` limits the build's dbt")
    return exact("`execution.maxParallel`: dbt builds at most as many nodes at once")


def parallel_around(value: Value, draft: GroupDraft) -> Verdict:
    """Read how many tasks run at once in the DAG around a group."""
    if limit_parallel(value, draft) and value == 1:
        return exact("`execution.maxParallel`: dbt builds one node at a time")
    return changed("the build is one of these tasks; within it, `execution.maxParallel` limits dbt")


def limit_parallel(value: Value, draft: GroupDraft) -> bool:
    """Put a limit of tasks into the draft, and return whether it limits calls of dbt."""
    is_limit = type(value) is int and 1 <= value <= 256 and draft.mode in ("LOCAL", "VIRTUALENV")
    if is_limit:
        draft.execution["maxParallel"] = value
    return is_limit


always(
    "COS714",
    GROUP,
    ["parent_group"],
    exact("stays the group around it"),
    keeps="call",
    unless=(None,),
)


@rule("COS707", GROUP, "task_group")
@rule("COS707", DAG, "dag")
def of_group(value: Value, draft: GroupDraft) -> Verdict:
    """Read which group the group is in."""
    if value is None:
        return NO_EFFECT
    return unknown("put the call into a `with` block of that group or DAG")
