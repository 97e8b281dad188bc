"""Rules for `operator_args`: the arguments of Cosmos's operators and of Airflow's."""

from __future__ import annotations

from floe_import.airflow_dags.task_rules import add_task_rules
from floe_import.cosmos.book import BOOK, always, rule
from floe_import.cosmos.project_rules import add_vars, install_packages, lose_environment
from floe_import.dbt_commands.command_line import read_flags
from floe_import.dbt_commands.flags import FLAGS_OF_ONE_NODE, use_executable
from floe_import.drafts import GroupDraft
from floe_import.python.values import Value
from floe_import.report import NO_EFFECT, Verdict, changed, exact, lost, unknown

OWNER = "operator_args"
add_task_rules(BOOK, OWNER, "COS6", keeps="task")
add_task_rules(BOOK, "default_args", "COS8")

always("COS806", "default_args", ["task_id"], exact("each task has its own"))
always(
    "COS501",
    OWNER,
    [
        "output_encoding",
        "skip_exit_code",
        "partial_parse",
        "no_version_check",
        "quiet",
        "cache_selected_only",
        "cache_dir",
        "invocation_mode",
        "copy_dbt_packages",
        "manifest_filepath",
        "log_format",
        "emit_datasets",
        "should_store_compiled_sql",
    ],
    exact("it is about how a task calls dbt: floe calls dbt once, and keeps its results"),
)
always(
    "COS519",
    OWNER,
    ["append_env"],
    changed("dbt has all variables of the worker, not only those of `env`"),
    unless=(True,),
)
always(
    "COS502",
    OWNER,
    [
        "callback",
        "callback_args",
        "dbt_runner_callbacks",
        "interceptors",
        "extra_context",
        "should_upload_compiled_sql",
    ],
    lost("floe calls no code of yours around dbt; let a task after the group do it"),
    unless=(None, False, [], {}),
)
always(
    "COS503",
    OWNER,
    ["project_dir", "profile_config", "conn_id", "task_id"],
    unknown("it overrides what the configuration objects say: decide which of them holds"),
    unless=(None,),
)
always(
    "COS504",
    OWNER,
    ["select", "exclude", "selector", "models", "indirect_selection"],
    unknown("it narrows each task, not the group: decide what the job selects"),
    unless=(None,),
)
always(
    "COS505", OWNER, ["cancel_query_on_kill"], exact("a build that is stopped cancels its queries")
)
always(
    "COS506",
    OWNER,
    ["on_warning_callback"],
    changed("no code of yours is called: write `alerts` into floe.yaml to be told of warnings"),
    unless=(None,),
)
always(
    "COS507",
    OWNER,
    ["db_name", "schema"],
    unknown("it overrides the profile: decide which target has this database or schema"),
    unless=(None,),
)


always(
    "COS508",
    OWNER,
    ["py_requirements", "py_system_site_packages", "virtualenv_dir"],
    changed(
        "floe makes no virtual environment: install dbt beside floe, or name its program in "
        "`execution.dbtExecutable`"
    ),
)
always(
    "COS520",
    OWNER,
    ["location"],  # Of BigQuery's jobs.
    changed("name it in `config` of `plugins.compute`, or in profiles.yml"),
    unless=(None,),
)
always("COS509", OWNER, ["deferrable"], exact("tasks of nodes wait in the triggerer"))
always(
    "COS518",
    OWNER,
    # Of Airflow's operators for pods and containers.
    [
        "image",
        "namespace",
        "secrets",
        "get_logs",
        "is_delete_operator_pod",
        "on_finish_action",
        "env_vars",
        "container_resources",
        "volumes",
        "volume_mounts",
        "service_account_name",
        "kubernetes_conn_id",
        "in_cluster",
        "cluster_context",
        "config_file",
        "name",
        "labels",
        "annotations",
        "affinity",
        "tolerations",
        "node_selector",
        "image_pull_policy",
        "image_pull_secrets",
        "startup_timeout_seconds",
        "security_context",
        "pod_template_file",
        "full_pod_spec",
        "log_events_on_failure",
        "docker_url",
        "docker_conn_id",
        "network_mode",
        "auto_remove",
        "mounts",
        "mount_tmp_dir",
        # Of Azure, AWS and Google.
        "ci_conn_id",
        "registry_conn_id",
        "resource_group",
        "region",
        "environment_variables",
        "secured_variables",
        "memory_in_gb",
        "cpu",
        "gpu",
        "identity",
        "subnet_ids",
        "remove_on_error",
        "remove_on_success",
        "aws_conn_id",
        "cluster",
        "cluster_name",
        "pod_name",
        "task_definition",
        "container_name",
        "launch_type",
        "network_configuration",
        "job_name",
    ],
    lost("nodes have no containers: dbt runs in the environment of the worker"),
)


@rule("COS510", OWNER, "install_deps")
def install_deps(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether tasks install packages."""
    return install_packages(value, draft)


@rule("COS511", OWNER, "vars")
def variables(value: Value, draft: GroupDraft) -> Verdict:
    """Read dbt vars."""
    return add_vars(value, draft)


@rule("COS512", OWNER, "env")
def environment(value: Value, draft: GroupDraft) -> Verdict:
    """Read variables for dbt's processes."""
    return lose_environment(value)


@rule("COS513", OWNER, "full_refresh")
def full_refresh(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether each run is a full refresh."""
    if not isinstance(value, bool):
        return unknown("it is a template: decide which runs are full refreshes; any run can be one")
    draft.full_refresh = value
    return exact("`fullRefresh` of the job") if value else NO_EFFECT


@rule("COS514", OWNER, "fail_fast", "warn_error")
def flags_of_dbt(value: Value, draft: GroupDraft) -> Verdict:
    """Read flags that floe does not pass."""
    if not value:
        return NO_EFFECT
    return changed("floe does not pass this flag: set it under `flags:` in dbt_project.yml")


@rule("COS515", OWNER, "dbt_executable_path")
def executable(value: Value, draft: GroupDraft) -> Verdict:
    """Read which dbt runs."""
    return use_executable(value, draft)


@rule("COS516", OWNER, "dbt_cmd_flags", "dbt_cmd_global_flags", unless=(None,))
def command_flags(value: Value, draft: GroupDraft) -> Verdict:
    """Read flags for each call of dbt."""
    if not isinstance(value, list) or not all(type(each) is str for each in value):
        return unknown("it is not a list of flags: decide which of them are to hold")
    # In this mode, one call of dbt builds all nodes.
    others = {} if draft.mode == "WATCHER" else FLAGS_OF_ONE_NODE
    return read_flags(value, draft, others)
