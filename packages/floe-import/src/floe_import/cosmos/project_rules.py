"""Rules for `ProjectConfig`."""

from __future__ import annotations

from floe_import.cosmos.book import always, rule
from floe_import.drafts import GroupDraft
from floe_import.python.values import EnvText, Value, has_template, is_plain
from floe_import.report import NO_EFFECT, Verdict, changed, exact, lost, unknown

OWNER = "ProjectConfig"
ENVIRONMENT = (
    "set them where `floe compile` runs and on the workers: floe sets no variables for dbt"
)

# By which the worker finds programs, and these their libraries.
_OF_PROGRAMS = frozenset({"PATH", "VIRTUAL_ENV"})

always(
    "COS105",
    OWNER,
    ["manifest_path", "manifest_conn_id"],
    exact("`floe compile` asks dbt for the graph, so nothing has to bring a manifest.json"),
)
always(
    "COS106",
    OWNER,
    ["copy_dbt_packages", "partial_parse"],
    exact("floe keeps what dbt parsed at compile time; tasks neither copy nor parse the project"),
)


@rule("COS101", OWNER, "dbt_project_path", is_text=True)
def project_path(value: Value, draft: GroupDraft) -> Verdict:
    """Read where the project is."""
    if not value:
        return NO_EFFECT
    draft.project = str(value)
    return exact("the folder of the product")


@rule("COS102", OWNER, "project_name", is_text=True)
def project_name(value: Value, draft: GroupDraft) -> Verdict:
    """Read the project's name."""
    draft.project_name = str(value)
    return exact("the product has its name")


@rule("COS103", OWNER, "install_dbt_deps")
def install_packages(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether tasks install packages."""
    draft.installs_packages = bool(value)
    if not value:
        return exact("floe does not run `dbt deps` either")
    return PACKAGES


@rule("COS104", OWNER, "dbt_vars")
def variables(value: Value, draft: GroupDraft) -> Verdict:
    """Read dbt vars."""
    return add_vars(value, draft)


@rule("COS107", OWNER, "models_relative_path", "seeds_relative_path", "snapshots_relative_path")
def relative_path(value: Value, draft: GroupDraft) -> Verdict:
    """Read a folder of the project, which dbt_project.yml already names."""
    if value in ("models", "seeds", "snapshots"):
        return NO_EFFECT
    return changed("dbt_project.yml alone says where models, seeds and snapshots are")


@rule("COS108", OWNER, "env_vars")
def environment(value: Value, draft: GroupDraft) -> Verdict:
    """Read variables for dbt's processes."""
    return lose_environment(value)


PACKAGES = exact("`floe compile` installs the packages that are missing")


def lose_environment(value: Value) -> Verdict:
    """Return the verdict about environment variables of dbt."""
    if not value:
        return NO_EFFECT
    if not isinstance(value, dict):
        return unknown(f"it is not a dict of variables; {ENVIRONMENT}")
    others = sorted(str(name) for name in value if not _is_passed_on(name, value[name]))
    if not others:
        return exact("variables of the worker's own: dbt has all of them")
    if _OF_PROGRAMS.issuperset(others):
        return changed(
            f"{', '.join(others)}: floe calls the dbt installed beside it, or the one in "
            "`execution.dbtExecutable`"
        )
    return lost(f"{', '.join(others)}: {ENVIRONMENT}")


def _is_passed_on(name: Value, value: Value) -> bool:
    """Return whether a variable gets the value that it has in the process of the task.

    >>> _is_passed_on("SCHEMA", EnvText("${SCHEMA}")), _is_passed_on("SCHEMA", "${SCHEMA}")
    (True, False)
    """
    return isinstance(value, EnvText) and value == f"${{{name}}}"


def add_vars(value: Value, draft: GroupDraft) -> Verdict:
    """Put dbt vars into the draft."""
    if not value:
        return NO_EFFECT
    if has_template(value):
        return unknown(
            "Airflow renders these vars in each task; floe passes `floe_nominal_time` and "
            "other vars "
            "of the run, so decide which of them the models are to read"
        )
    if not isinstance(value, dict) or not is_plain(value):
        return unknown("these vars are not plain values: decide what floe.yaml is to pass")
    draft.vars |= value
    return exact("`vars` of floe.yaml")
