"""Rules for `ProfileConfig`."""

from __future__ import annotations

from floe_import.cosmos.book import rule
from floe_import.drafts import GroupDraft
from floe_import.python.values import EnvText, Value
from floe_import.report import NO_EFFECT, Verdict, changed, exact, unknown

OWNER = "ProfileConfig"


@rule("COS201", OWNER, "profile_name", is_text=True)
def profile_name(value: Value, draft: GroupDraft) -> Verdict:
    """Read which profile is used; the product says later whether the project names the same."""
    if isinstance(value, EnvText):
        return changed(
            f"`dbt_project.yml`, or the variable DBT_PROFILE, names the profile: {value}"
        )
    draft.profile = str(value)
    return exact("the profile that dbt_project.yml or DBT_PROFILE names")


@rule("COS202", OWNER, "target_name", is_text=True)
def target_name(value: Value, draft: GroupDraft) -> Verdict:
    """Read which target is used."""
    if isinstance(value, EnvText):
        return changed(
            f"the variable DBT_TARGET, or the profile's `target`, names the target: {value}"
        )
    draft.target = str(value)
    return exact("the target of the profile")


@rule("COS203", OWNER, "profiles_yml_filepath", is_text=True)
def profiles_file(value: Value, draft: GroupDraft) -> Verdict:
    """Read where profiles.yml is."""
    if not value:
        return NO_EFFECT
    draft.profiles_dir = str(value).rpartition("/")[0] or "."
    return exact("floe finds it as dbt does: in the project's folder, or in DBT_PROFILES_DIR")


@rule("COS204", OWNER, "profile_mapping")
def profile_mapping(value: Value, draft: GroupDraft) -> Verdict:
    """Read which Airflow connection the profile is made of."""
    if value is None:
        return NO_EFFECT
    return unknown("it is not one of Cosmos's profile mappings: decide what the profile is")
