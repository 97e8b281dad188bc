"""The rules for prefect-dbt, by the class or function that takes the argument."""

from __future__ import annotations

from floe_import.dbt_commands.command_line import read_flags
from floe_import.dbt_commands.flags import LEAVES_RESULTS
from floe_import.drafts import GroupDraft
from floe_import.python.arguments import arguments
from floe_import.python.objects import Made
from floe_import.python.values import Symbol, Value
from floe_import.report import NO_EFFECT, Verdict, changed, exact, lost, unknown
from floe_import.rules.judging import RuleBook

BOOK = RuleBook(nothing="PRE000", other="PRE009")
rule, always = BOOK.rule, BOOK.always

OPERATION, SETTINGS = "DbtCoreOperation", "PrefectDbtSettings"
RUNNER, ORCHESTRATOR = "PrefectDbtRunner", "PrefectDbtOrchestrator"
INVOKE, BUILD = "invoke", "run_build"
# function -> the command of dbt that it runs, "" if an argument names it.
FUNCTIONS = {
    "trigger_dbt_cli_command": "",
    "run_dbt_build": "build",
    "run_dbt_model": "run",
    "run_dbt_test": "test",
    "run_dbt_snapshot": "snapshot",
    "run_dbt_seed": "seed",
}

always(
    "PRE101",
    OPERATION,
    ["overwrite_profiles", "stream_output", "log_prefix", "shell", "extension"],
    exact("it is about how the operation calls dbt: floe calls dbt itself"),
)
always(
    "PRE102",
    OPERATION,
    ["env"],
    lost("set the variables where `floe compile` runs and in the flow's process"),
)
always("PRE104", SETTINGS, ["log_level"], exact("floe sets it itself"))
always("PRE105", RUNNER, ["manifest", "client"], exact("the compiled product has the graph"))
always(
    "PRE106",
    RUNNER,
    ["include_compiled_code", "disable_assets", "_force_nodes_as_tasks", "_disable_callbacks"],
    changed("each node has a task run and an asset; descriptions have no compiled SQL"),
)
always(
    "PRE107",
    ORCHESTRATOR,
    ["manifest_path", "execution_mode"],
    exact("the compiled product has the graph, and one build does the work"),
)
always(
    "PRE108",
    ORCHESTRATOR,
    ["executor", "task_runner_type", "include_compiled_code", "disable_assets"],
    changed("one build in the flow's process; each node has a task run and an asset"),
)
always("PRE109", ORCHESTRATOR, ["concurrency"], changed("name it in `execution.pool`"))
always("PRE110", ORCHESTRATOR, ["cache"], changed("`execution.reuse: unchanged` skips such nodes"))
always(
    "PRE111",
    ORCHESTRATOR,
    ["state_path", "defer", "defer_state_path", "favor_state"],
    lost("floe does not defer to another state"),
)
for _owner in (ORCHESTRATOR, "function"):
    always(
        "PRE112",
        _owner,
        ["create_summary_artifact", "summary_artifact_key"],
        changed("no Markdown artifact is made: task runs and `floe_result` show the results"),
    )
always("PRE114", SETTINGS, ["target_path"], LEAVES_RESULTS)
always("PRE114", ORCHESTRATOR, ["write_run_results"], LEAVES_RESULTS, unless=[False])
always(
    "PRE113", "function", ["overwrite_profiles", "stream_output"], exact("floe calls dbt itself")
)


@rule("PRE103", OPERATION, "dbt_cli_profile")
@rule("PRE103", "function", "dbt_cli_profile")
def profile_block(value: Value, draft: GroupDraft) -> Verdict:
    """Read which block has the profile."""
    if value is None:
        return NO_EFFECT
    if isinstance(value, Made) and value.last != "load":
        return unknown("the flow makes the profile: write a profiles.yml with `env_var()`")
    loaded = arguments(value, ("name",)) if isinstance(value, Made) else ()
    names = [each.value for each in loaded if each.name == "name" and type(each.value) is str]
    return unknown(
        "a block of Prefect has the profile: name it in manifest.yaml as `connection: "
        f"dbt-cli-profile/{names[0] if names else 'NAME'}` of `compute`, with its type, database "
        "and schema"
    )


@rule("PRE120", OPERATION, "project_dir", "working_dir", is_text=True)
@rule("PRE120", SETTINGS, "project_dir", is_text=True)
@rule("PRE120", "function", "project_dir", is_text=True)
def project_dir(value: Value, draft: GroupDraft) -> Verdict:
    """Read where the project is."""
    if not value:
        return NO_EFFECT
    draft.project = str(value)
    return exact("the folder of the product")


@rule("PRE121", OPERATION, "profiles_dir", is_text=True)
@rule("PRE121", SETTINGS, "profiles_dir", is_text=True)
@rule("PRE121", "function", "profiles_dir", is_text=True)
def profiles_dir(value: Value, draft: GroupDraft) -> Verdict:
    """Read where profiles.yml is."""
    if not value:
        return NO_EFFECT
    draft.profiles_dir = str(value)
    return exact("floe finds it as dbt does: in the project's folder, or in DBT_PROFILES_DIR")


@rule("PRE122", RUNNER, "raise_on_failure")
@rule("PRE122", ORCHESTRATOR, "raise_on_failure")
def raise_on_failure(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether a failed node fails the flow."""
    if value is True:
        return exact("the flow fails if a node failed")
    return unknown("decide what a failure does: `floe_flow(...)(return_state=True)` does not raise")


@rule("PRE123", "function", "extra_command_args")
@rule("PRE123", BUILD, "extra_cli_args")
def more_flags(value: Value, draft: GroupDraft) -> Verdict:
    """Read flags of dbt."""
    if value is None:
        return NO_EFFECT
    if not isinstance(value, list) or not all(type(each) is str for each in value):
        return unknown("it is not a list of flags: decide which of them are to hold")
    return read_flags([word for each in value for word in each.split()], draft)


@rule("PRE124", ORCHESTRATOR, "threads")
def threads(value: Value, draft: GroupDraft) -> Verdict:
    """Read dbt's number of threads."""
    return _number(value, "maxParallel", draft)


@rule("PRE125", ORCHESTRATOR, "retries")
def retries(value: Value, draft: GroupDraft) -> Verdict:
    """Read how often nodes are retried."""
    return _number(value, "retries", draft)


@rule("PRE126", ORCHESTRATOR, "retry_delay_seconds")
def retry_delay(value: Value, draft: GroupDraft) -> Verdict:
    """Read the delay before a retry."""
    return _number(value, "retryDelaySeconds", draft)


@rule("PRE127", ORCHESTRATOR, "test_strategy")
def test_strategy(value: Value, draft: GroupDraft) -> Verdict:
    """Read when tests run."""
    name = value.last if isinstance(value, Symbol) else str(value).upper()
    if name == "IMMEDIATE":
        return exact("`dbt build` runs a model's tests after it")
    if name == "SKIP":
        draft.exclude += ["resource_type:test", "resource_type:unit_test"]
        return exact("the job excludes tests")
    draft.tests = "after_all"
    return exact("`tests: after_all`: tests run once everything is built")


@rule("PRE128", BUILD, "only_fresh_sources")
def only_fresh(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether stale sources hold nodes back."""
    if not value:
        return NO_EFFECT
    draft.execution["freshness"] = "gate"
    return exact("`execution.freshness: gate`")


def _number(value: Value, key: str, draft: GroupDraft) -> Verdict:
    if value is None:
        return NO_EFFECT
    if not isinstance(value, int):
        return unknown("it is not a number: decide its value")
    draft.execution[key] = value
    return exact(f"`execution.{key}`")
