"""Read the tasks of a DAG file that call dbt in Bash."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath

from floe_import.airflow_dags.dags import dag_arguments, enclosing_dag, unfit_uses
from floe_import.airflow_dags.task_rules import add_task_rules
from floe_import.bash.script import CALLS_DBT, DbtScript
from floe_import.bash.shell import only_moves_files
from floe_import.dbt_commands.command_line import BUILDS, OTHERS
from floe_import.drafts import GroupDraft, Reading
from floe_import.python.arguments import Argument, arguments
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.objects import Made
from floe_import.python.values import Symbol, Unknown, Value
from floe_import.report import NO_EFFECT, Verdict, changed, exact, lost, unknown
from floe_import.rules.documentation import is_documentation
from floe_import.rules.drafts_of_turns import read_turns
from floe_import.rules.judging import Judging, RuleBook, cannot_read

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


_COMMAND = re.compile(
    r"\bdbt\s+(?:-\S+\s+(?:\S+\s+)?)*"
    r"(run-operation|run|build|test|seed|snapshot|deps|docs|compile|debug|source|clone|retry|ls)\b"
)
_COMMANDS = ("cmds", "command", "entrypoint", "args", "arguments")


def read_bash(module: Module, others: set[ast.AST]) -> Reading:
    """Return what a file runs with dbt in Bash, and a finding for each other call of dbt in it.

    `others` are the nodes that other readers have read.
    """
    judging = Judging(BOOK, frozenset({"DBT106", "DBT107", "DBT108", "BSH003"}), "airflow.")
    groups: list[tuple[ast.Call, GroupDraft]] = []
    read: set[ast.Call] = set()
    for made in _bash_tasks(module):
        found = read_turns(made, partial(_read_task, made, judging, read))
        groups += [(made.call, draft) for draft in found.drafts]
        if found.verdict is not None:
            judging.add("BSH004", OPERATOR, module.place(made.call), found.verdict)
    _report_others(module, read, others, judging)
    return Reading(groups, list(judging.found.values()), _is_bash)


def _is_bash(value: Value) -> bool:
    return isinstance(value, Symbol) and value.last == OPERATOR


def _bash_tasks(module: Module) -> Iterator[Made]:
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda each: (each.lineno, each.col_offset)):
        called = evaluate(node.func, module)
        if isinstance(called, Symbol) and called.last == OPERATOR:
            yield Made(called.name, node, module)


def _mentions_dbt(command: Argument) -> bool:
    """Return whether a command calls dbt, or may: its source has the word."""
    if isinstance(command.value, str):
        return bool(CALLS_DBT.search(command.value)) and not only_moves_files(command.value)
    return command.node is not None and "dbt" in ast.unparse(command.node).lower()


def _read_task(made: Made, judging: Judging, read: set[ast.Call]) -> GroupDraft | None:
    """Return what a task with dbt in its command is to become, None if it stays as it is."""
    place = made.module.place(made.call)
    given = {each.name: each for each in arguments(made, ())}
    command = given.get("bash_command")
    if command is None or not _mentions_dbt(command):
        return None
    read.add(made.call)
    named = given.get("task_id")
    name = named.value if named and isinstance(named.value, str) else OPERATOR
    draft = GroupDraft(place, name, installs_packages=False)
    folder = given.get("cwd")
    if not isinstance(command.value, str):
        hidden = command.value if isinstance(command.value, Unknown) else Unknown("no text", place)
        judging.add("BSH001", name, command.place, unknown(cannot_read(hidden)))
        return None
    start = folder.value if folder and isinstance(folder.value, str) else ""
    script = DbtScript(command.value, draft, start)
    if script.builds_nothing:
        judging.add("BSH002", name, place, script.verdict_if_kept("task"))
        return None
    for word in script.words:
        judging.put(word.code, word.text, command.place, word.verdict, draft)
    draft.group_id = named
    _read_arguments(made, given, judging, draft)
    for node, verdict in unfit_uses(made):
        judging.put("BSH005", ast.unparse(node), made.module.place(node), verdict, draft)
    return draft


def _read_arguments(
    made: Made, given: dict[str, Argument], judging: Judging, draft: GroupDraft
) -> None:
    for argument in given.values():
        if argument.name == "cwd":
            folder = argument.value
            known = isinstance(folder, str) or folder is None
            verdict = exact("the folder of the product") if known else unknown("decide its value")
            judging.put("BSH206", "BashOperator(cwd=)", argument.place, verdict, draft)
        elif argument.name != "bash_command":
            judging.judge(OPERATOR, argument, draft)
    dag = enclosing_dag(made.call, made.module)
    if dag is None:
        said = "its DAG is not around it in this file: decide how often it is retried"
        judging.add("BSH003", draft.name, draft.place, unknown(said))
        return
    defaults = dag_arguments(dag).get("default_args")
    if defaults is not None and defaults.value is not None:
        own = dict(draft.execution)
        judging.judge_default_args(defaults.value, defaults.place, draft)
        draft.execution |= own


def _report_others(
    module: Module, read: set[ast.Call], others: set[ast.AST], judging: Judging
) -> None:
    """Report calls of dbt that no rule reads: in functions, in containers, by other operators."""
    within = others | {inner for call in read for inner in ast.walk(call)}
    calls = {*read, *(node for node in others if isinstance(node, ast.Call))}
    shared = {id(node) for call in calls for node in _texts_behind(call, module)}
    for node in ast.walk(module.tree):
        if node in within or id(node) in shared or is_documentation(node, module):
            continue
        if text := _dbt_call(node, module):
            said = "it calls dbt in a way that no rule reads: decide what it is to become"
            judging.add("BSH006", text, module.place(node), unknown(said))


def _texts_behind(call: ast.Call, module: Module) -> Iterator[ast.AST]:
    """Yield the expressions behind the names in a call, which were read with it."""
    for node in ast.walk(call):
        if not isinstance(node, ast.Name):
            continue
        for scope in module.scopes_of(node):
            for binding in module.bindings.get((scope, node.id), []):
                # A loop's name has its values from what the loop goes over.
                value = binding.value or getattr(binding.node, "iter", None)
                if value is not None:
                    yield from ast.walk(value)
                    yield from _direct_names(value, module)


def _direct_names(value: ast.expr, module: Module) -> Iterator[ast.AST]:
    for node in ast.walk(value):
        if isinstance(node, ast.Name):
            for binding in module.bindings.get((module.tree, node.id), []):
                if binding.value is not None:
                    yield from ast.walk(binding.value)


def _dbt_call(node: ast.AST, module: Module) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        found = _COMMAND.search(node.value)
        return found.group(0) if found else ""
    if isinstance(node, ast.List | ast.Tuple) and node.elts:
        words = [evaluate(each, module) for each in node.elts]
        parent = module.parents.get(node)
        is_command = isinstance(parent, ast.keyword) and parent.arg in _COMMANDS
        is_called = any(str(each) in (*BUILDS, *OTHERS) for each in words[1:])
        if isinstance(words[0], str) and PurePosixPath(words[0]).name == "dbt":
            return ast.unparse(node)[:60] if is_command or is_called else ""
    if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
        value = evaluate(node, module)
        parent = module.parents.get(node)
        starts = ("airflow_dbt.", "airflow_dbt_python.", "dbt.", "dbt_airflow.")
        cloud = "airflow.providers.dbt."
        if isinstance(value, Symbol) and value.name.startswith((*starts, cloud)):
            return "" if isinstance(parent, ast.Attribute) else ast.unparse(node)
    return ""
