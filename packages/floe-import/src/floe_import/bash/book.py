"""The rules for what BashOperator takes."""

from __future__ import annotations

from floe_import.airflow_dags.task_rules import add_task_rules
from floe_import.drafts.group_draft import GroupDraft
from floe_import.python.values import Value
from floe_import.report.findings import NO_EFFECT, Verdict, changed, exact, lost, unknown
from floe_import.rules.registry import RuleBook

BOOK = RuleBook(nothing="BSH000", other="BSH009")
OPERATOR = "BashOperator"

add_task_rules(BOOK, OPERATOR, "BSH6", keeps="task")
add_task_rules(BOOK, "default_args", "BSH8")
BOOK.always("BSH806", "default_args", ["task_id"], exact("each task has its own"))
BOOK.always("BSH201", OPERATOR, ["task_id"], exact("the id of the group that takes its place"))
BOOK.always(
    "BSH202",
    OPERATOR,
    ["append_env", "output_encoding", "output_processor", "skip_exit_code"],
    exact("it is about how a task calls dbt: floe calls dbt itself"),
)
BOOK.always("BSH203", OPERATOR, ["skip_on_exit_code"], changed("no exit code skips the group"))
BOOK.always("BSH205", OPERATOR, ["xcom_push"], unknown("decide who reads the last line of dbt"))


@BOOK.rule("BSH204", OPERATOR, "env")
def variables(value: Value, draft: GroupDraft) -> Verdict:
    """Read the variables of dbt's process; one of them names the folder of profiles.yml."""
    if not value:
        return NO_EFFECT
    folder = value.get("DBT_PROFILES_DIR") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(folder, str) or not folder.startswith(("/", "$")):
        return lost(
            "set the variables where `floe compile` runs and on the workers: floe sets none for dbt"
        )
    draft.profiles_dir = draft.profiles_dir or str(folder)
    return exact("floe finds profiles.yml as dbt does")
