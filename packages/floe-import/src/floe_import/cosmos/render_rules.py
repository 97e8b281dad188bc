"""Rules for `RenderConfig`."""

from __future__ import annotations

from floe_import.cosmos.assets import judge_assets
from floe_import.cosmos.book import always, rule
from floe_import.cosmos.execution_rules import member_of, no_member
from floe_import.cosmos.project_rules import install_packages, lose_environment
from floe_import.drafts import GroupDraft
from floe_import.python.values import EnvText, Value
from floe_import.report import NO_EFFECT, Verdict, changed, exact, lost, unknown

OWNER = "RenderConfig"
TESTS = ("resource_type:test", "resource_type:unit_test")

always(
    "COS402",
    OWNER,
    [
        "load_method",
        "invocation_mode",
        "dbt_executable_path",
        "dbt_project_path",
        "dbt_ls_path",
        "enable_mock_profile",
        "airflow_vars_to_purge_dbt_ls_cache",
        "airflow_vars_to_purge_dbt_yaml_selectors_cache",
    ],
    exact(
        "`floe compile` asks dbt for the graph; the DAG file reads the compiled product, and needs "
        "neither `dbt ls` nor a cache"
    ),
)
always(
    "COS408",
    OWNER,
    ["node_converters", "node_conversion_by_task_group"],
    lost(
        "tasks of nodes show the results of one build: your own operators can't replace "
        "them; a step "
        "of floe.yaml, or a task before or after the group, can do the work"
    ),
    unless=(None, {}, True),
)
always(
    "COS409",
    OWNER,
    ["normalize_task_id", "normalize_task_display_name"],
    changed("tasks have the names of dbt's nodes"),
    unless=(None,),
)
always(
    "COS410",
    OWNER,
    ["should_detach_multiple_parents_tests", "ephemeral_models_as_empty_operator"],
    exact("each test has a task of its own, after all its parents; an ephemeral model has none"),
)
always(
    "COS411",
    OWNER,
    ["enable_owner_inheritance"],
    changed(
        "the product's owner is the owner of its tasks; owners of dbt's groups are shown on nodes"
    ),
)


@rule("COS401", OWNER, "emit_datasets")
def emit_datasets(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether tasks update Airflow's assets."""
    draft.emits_assets = bool(value)
    return judge_assets(draft.emits_assets, draft.asset_user)


@rule("COS403", OWNER, "select")
def select(value: Value, draft: GroupDraft) -> Verdict:
    """Read what is selected."""
    terms = terms_of(value)
    if terms is None:
        return unknown("it is not a list of dbt's selection: decide what the job selects")
    if refused := [each for each in terms if each.startswith("exclude_resource_type:")]:
        draft.exclude += [each.removeprefix("exclude_") for each in refused]
    draft.select += [each for each in terms if each not in refused]
    return exact("`select` of the job") if terms else NO_EFFECT


@rule("COS404", OWNER, "exclude")
def exclude(value: Value, draft: GroupDraft) -> Verdict:
    """Read what is left out."""
    terms = terms_of(value)
    if terms is None:
        return unknown("it is not a list of dbt's selection: decide what the job leaves out")
    draft.exclude += terms
    return exact("`exclude` of the job") if terms else NO_EFFECT


@rule("COS405", OWNER, "selector", is_text=True)
def selector(value: Value, draft: GroupDraft) -> Verdict:
    """Read the selector of selectors.yml."""
    if isinstance(value, EnvText):
        return unknown(f"floe.yaml names no variables: decide which selector {value} is")
    draft.selector = str(value)
    return exact("`selector` of the job") if value else NO_EFFECT


@rule("COS406", OWNER, "test_behavior")
def test_behavior(value: Value, draft: GroupDraft) -> Verdict:
    """Read when tests run. For a text, Cosmos makes no tasks of tests: it compares members."""
    mode = member_of(value)
    if isinstance(value, str) and draft.mode in ("LOCAL", "VIRTUALENV"):
        draft.exclude += TESTS
        return exact(
            "the job excludes tests: Cosmos runs none for a text instead of a TestBehavior"
        )
    if not mode:
        return no_member(value)
    if mode in ("AFTER_EACH", "BUILD"):
        return exact("`dbt build` runs a model's tests after it, and before what depends on it")
    if mode == "NONE":
        draft.exclude += TESTS
        return exact("the job excludes tests")
    if mode == "AFTER_ALL":
        draft.tests = "after_all"
        return exact("`tests: after_all`: tests run once everything is built")
    return unknown(f"no rule knows this behavior ({mode}): decide when tests run")


@rule("COS407", OWNER, "seed_rendering_behavior")
def seeds(value: Value, draft: GroupDraft) -> Verdict:
    """Read when seeds are loaded."""
    mode = member_of(value)
    if not mode:
        return no_member(value)
    if mode == "ALWAYS":
        return exact("`dbt build` loads seeds in each run")
    if mode in ("NONE", "RENDER_ONLY"):
        draft.exclude.append("resource_type:seed")
        return (
            exact("the job excludes seeds")
            if mode == "NONE"
            else changed("the job excludes seeds, and the tests of seeds; no task shows them")
        )
    return changed(
        "seeds are loaded in each run; `execution.reuse: unchanged` skips every node, seeds "
        "included, that a build would not change"
    )


@rule("COS412", OWNER, "source_rendering_behavior")
def sources(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether sources have tasks that check their freshness."""
    mode = member_of(value)
    if not mode and value is not None:
        return no_member(value)
    if mode in ("NONE", ""):
        return exact("sources have no tasks")
    draft.execution["freshness"] = "gate"
    return changed(
        "`execution.freshness: gate` measures all sources before the build and skips what "
        "reads a stale one; sources have no tasks, and their tests run in the build"
    )


@rule("COS413", OWNER, "source_pruning")
def source_pruning(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether sources that nothing reads are hidden."""
    return exact("sources have no tasks")


@rule("COS414", OWNER, "group_nodes_by_folder")
def group_by_folder(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether tasks are grouped by folder."""
    return (
        exact("tasks are in groups by folder")
        if value
        else changed("tasks are in groups by folder")
    )


@rule("COS415", OWNER, "dbt_deps")
def dbt_deps(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether rendering installs packages."""
    return install_packages(value, draft) if value is not None else NO_EFFECT


@rule("COS416", OWNER, "env_vars")
def environment(value: Value, draft: GroupDraft) -> Verdict:
    """Read variables for `dbt ls`."""
    return lose_environment(value)


def terms_of(value: Value) -> list[str] | None:
    """Return the terms of a selection, None if they can't be written to floe.yaml."""
    if value is None:
        return []
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(type(each) is str for each in listed):
        return None
    return list(listed)
