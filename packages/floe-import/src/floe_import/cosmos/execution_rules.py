"""Rules for `ExecutionConfig`."""

from __future__ import annotations

from floe_import.cosmos.book import always, rule
from floe_import.dbt_commands.flags import use_executable
from floe_import.drafts import GroupDraft
from floe_import.python.arguments import arguments
from floe_import.python.objects import Made
from floe_import.python.values import Symbol, Value
from floe_import.report import NO_EFFECT, Verdict, changed, exact, lost, unknown

OWNER = "ExecutionConfig"
_HERE = ("LOCAL", "WATCHER")

always(
    "COS303",
    OWNER,
    ["invocation_mode"],
    exact("floe runs one dbt for a run, in its process or as a program"),
)
always(
    "COS306",
    OWNER,
    ["virtualenv_dir", "async_py_requirements"],
    changed(
        "floe makes no virtual environment: install dbt beside floe, or name its program in "
        "`execution.dbtExecutable`"
    ),
    unless=(None,),
)
always(
    "COS307",
    OWNER,
    ["setup_operator_args"],
    lost("there is no set-up task whose arguments could differ from those of the build"),
    unless=(None, {}),
)


@rule("COS301", OWNER, "execution_mode")
def execution_mode(value: Value, draft: GroupDraft) -> Verdict:
    """Read where tasks run."""
    mode = draft.mode = member_of(value)
    if not mode:
        return no_member(value)
    if mode in _HERE:
        return exact("one dbt build on the worker does the work, and each node has a task")
    if mode == "VIRTUALENV":
        return changed(
            "floe makes no virtual environment: install dbt beside floe, or name its program in "
            "`execution.dbtExecutable`"
        )
    if mode == "AIRFLOW_ASYNC":
        return changed("a build waits for its queries on the worker; tasks of nodes take no slot")
    return lost(f"{mode}: dbt runs on the worker, not in a container of its own for each node")


@rule("COS302", OWNER, "test_indirect_selection")
def indirect_selection(value: Value, draft: GroupDraft) -> Verdict:
    """Read which tests a selection of models includes."""
    mode = member_of(value)
    if not mode:
        return no_member(value)
    if mode == "EAGER":
        return exact("dbt's default, which floe uses")
    return changed(
        f"{mode}: floe selects tests as dbt does by default (eager); exclude the others by "
        "`jobs[].exclude`"
    )


@rule("COS304", OWNER, "dbt_executable_path")
def executable(value: Value, draft: GroupDraft) -> Verdict:
    """Read which dbt runs."""
    return use_executable(value, draft)


@rule("COS305", OWNER, "dbt_project_path", is_text=True)
def project_path(value: Value, draft: GroupDraft) -> Verdict:
    """Read where the project is at run time."""
    if not value:
        return NO_EFFECT
    draft.project = draft.project or str(value)
    return exact("the folder of the product")


@rule("COS308", OWNER, "install_dbt_deps")
def install_packages(value: Value, draft: GroupDraft) -> Verdict:
    """Read whether tasks install packages."""
    from floe_import.cosmos.project_rules import install_packages as of_project

    return of_project(value, draft) if value is not None else NO_EFFECT


def member_of(value: Value) -> str:
    """Return the name of a member of one of Cosmos's enumerations, "" for anything else.

    A text is no member, even if it is the value of one: Cosmos compares members.
    """
    if isinstance(value, Made) and len(value.call.args) == 1 and not value.call.keywords:
        [called] = [each.value for each in arguments(value, ("value",))]
        return called.upper() if isinstance(called, str) else ""
    is_member = isinstance(value, Symbol) and value.last.isupper()
    return value.last if is_member else ""


def no_member(value: Value) -> Verdict:
    """Return the verdict about what is no member of an enumeration."""
    return unknown(
        f"Cosmos takes a member of its enumeration, not {value!r}: decide which is meant"
    )
