"""The rules for dagster-dbt, by the class or function that takes the argument."""

from __future__ import annotations

from floe_import.dbt_commands.flags import LEAVES_RESULTS, use_executable
from floe_import.drafts import GroupDraft
from floe_import.python.values import EnvText, Value
from floe_import.report import NO_EFFECT, Verdict, changed, exact, lost, unknown
from floe_import.rules.judging import RuleBook

BOOK = RuleBook(nothing="DGS000", other="DGS009")
rule, always = BOOK.rule, BOOK.always

ASSETS, PROJECT, RESOURCE, CALL = "dbt_assets", "DbtProject", "DbtCliResource", "dbt.cli"

always("DGS101", ASSETS, ["manifest"], exact("`floe compile` asks dbt for the graph"))
always(
    "DGS102",
    ASSETS,
    ["select", "exclude", "name", "op_tags", "retry_policy", "backfill_policy"],
    exact("stays an argument of the assets"),
    keeps="call",
)
always(
    "DGS103",
    ASSETS,
    ["selector"],
    unknown("floe_assets takes `select` and `exclude`: decide what the selector is in these"),
)
always("DGS104", ASSETS, ["io_manager_key"], exact("dbt's assets use no IO manager"))
always(
    "DGS105",
    ASSETS,
    ["partitions_def"],
    unknown("decide on the partitions: the translator's `get_partitions_def` is kept"),
)
always("DGS106", ASSETS, ["pool"], changed("name it in `execution.pool` of floe.yaml"))
always(
    "DGS107",
    ASSETS,
    ["required_resource_keys"],
    unknown("the function that uses these resources goes: decide what it does with them"),
)
always("DGS109", ASSETS, ["dagster_dbt_translator"], exact("floe_assets calls your translator"))
always(
    "DGS201",
    PROJECT,
    ["target_path", "prepare_project_cli_args", "packaged_project_dir"],
    exact("`floe compile` prepares the project, in place or with --out"),
)
always("DGS202", PROJECT, ["state_path"], lost("floe does not defer to another state"))
always("DGS301", RESOURCE, ["state_path"], lost("floe does not defer to another state"))
always("DGS303", RESOURCE, ["global_config_flags"], unknown("decide which flags are to hold"))
always(
    "DGS304",
    CALL,
    ["context", "manifest", "dagster_dbt_translator"],
    exact("floe_assets has them"),
)
always("DGS307", CALL, ["target_path"], LEAVES_RESULTS)


@rule("DGS108", ASSETS, "project")
def project(value: Value, draft: GroupDraft) -> Verdict:
    """Read the project, which the reader has read."""
    return exact("the folder of the product") if draft.project else unknown("decide where it is")


@rule("DGS203", PROJECT, "project_dir", is_text=True)
def project_dir(value: Value, draft: GroupDraft) -> Verdict:
    """Read where the project is."""
    draft.project = str(value)
    return exact("the folder of the product")


@rule("DGS302", RESOURCE, "project_dir")
def project_of_resource(value: Value, draft: GroupDraft) -> Verdict:
    """Read where the resource finds the project."""
    return exact("the folder of the product")


@rule("DGS204", PROJECT, "profiles_dir", is_text=True)
@rule("DGS204", RESOURCE, "profiles_dir", is_text=True)
def profiles_dir(value: Value, draft: GroupDraft) -> Verdict:
    """Read where profiles.yml is."""
    if not value:
        return NO_EFFECT
    draft.profiles_dir = str(value)
    return exact("floe finds it as dbt does: in the project's folder, or in DBT_PROFILES_DIR")


@rule("DGS205", PROJECT, "profile", is_text=True)
@rule("DGS205", RESOURCE, "profile", is_text=True)
def profile(value: Value, draft: GroupDraft) -> Verdict:
    """Read which profile is used."""
    if isinstance(value, EnvText):
        return changed(f"dbt_project.yml, or the variable DBT_PROFILE, names the profile: {value}")
    draft.profile = str(value)
    return exact("the profile that dbt_project.yml or DBT_PROFILE names")


@rule("DGS206", PROJECT, "target", is_text=True)
@rule("DGS206", RESOURCE, "target", is_text=True)
def target(value: Value, draft: GroupDraft) -> Verdict:
    """Read which target is used."""
    if isinstance(value, EnvText):
        return changed(f"the variable DBT_TARGET, or the profile's `target`, names it: {value}")
    draft.target = str(value)
    return exact("the target of the profile")


@rule("DGS305", RESOURCE, "dbt_executable")
def executable(value: Value, draft: GroupDraft) -> Verdict:
    """Read which dbt runs."""
    return use_executable(value, draft)


@rule("DGS306", CALL, "raise_on_error")
def raise_on_error(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether a failed node fails the step."""
    return NO_EFFECT if value is True else unknown("decide what a failure does: floe's step fails")
