"""Read what the function of `dbt_assets` does beside calling dbt."""

from __future__ import annotations

import ast

from floe_import.dagster import book
from floe_import.dbt_commands.command_line import BUILDS, read_command
from floe_import.drafts import GroupDraft
from floe_import.python.arguments import arguments
from floe_import.python.modules import Module
from floe_import.python.objects import Made
from floe_import.python.values import Unknown, first_unknown
from floe_import.report import Verdict, changed, exact, unknown
from floe_import.rules.judging import Judging, cannot_read

# What dagster-dbt adds to the events of a call.
_ADDED: dict[str, Verdict] = {
    "stream": exact("floe yields each node's event as it ends"),
    "fetch_row_counts": exact("materializations have `dagster/row_count`"),
    "fetch_column_metadata": changed(
        "`columns=` of floe_assets says what materializations have of columns"
    ),
    "with_insights": changed("floe sends no costs to Dagster+ Insights"),
}


def read_body(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    module: Module,
    draft: GroupDraft,
    judging: Judging,
) -> None:
    """Report what the function does: one call of dbt whose events it yields, or more."""
    body = [each for each in node.body if not _is_docstring(each)]
    call = _yielded(body[0]) if len(body) == 1 else None
    place = module.place(body[0] if body else node)
    if call is None:
        said = "the function does more than yield the events of one call of dbt: decide what for"
        judging.put("DGS010", node.name, place, unknown(said), draft)
        return
    while isinstance(call.func, ast.Attribute) and call.func.attr != "cli":
        name = call.func.attr
        verdict = _ADDED.get(name) or unknown(f"no rule reads `.{name}()`: decide what it does")
        judging.put("DGS011", f".{name}()", place, verdict, draft)
        if not isinstance(call.func.value, ast.Call):
            judging.put("DGS010", node.name, place, unknown("it calls no dbt.cli"), draft)
            return
        call = call.func.value
    _read_call(call, module, draft, judging)


def _read_call(call: ast.Call, module: Module, draft: GroupDraft, judging: Judging) -> None:
    for argument in arguments(Made("dbt.cli", call, module), ("args",)):
        if argument.name != "args":
            rule = judging.book.find(book.CALL, argument.name)
            if rule is not None and not rule.reads:
                construct = f"{book.CALL}({argument.name}=)"
                judging.put(rule.code, construct, argument.place, rule.judge(None, draft), draft)
            else:
                judging.judge(book.CALL, argument, draft)
            continue
        words = argument.value
        if not isinstance(words, list) or first_unknown(words):
            hidden = first_unknown(words) or Unknown("it is not a list", argument.place)
            said = unknown(cannot_read(hidden))
            judging.put("DGS012", "dbt.cli(args)", argument.place, said, draft)
            continue
        for word in read_command([str(each) for each in words], draft):
            judging.put(word.code, word.text, argument.place, word.verdict, draft)
        _check_command(words, argument.place, draft, judging)


def _check_command(words: list[str], place: object, draft: GroupDraft, judging: Judging) -> None:
    """Report what a set of assets can't say: other commands than build, and flags of a job."""
    command = next((word for word in words if word in BUILDS), "")
    narrows = draft.only or draft.select or draft.exclude or draft.selector
    if narrows or draft.full_refresh:
        said = f"`dbt {' '.join(map(str, words))}` narrows the assets: decide on `select` of them"
        judging.put("DGS013", f"dbt {command}", place, unknown(said), draft)  # type: ignore[arg-type]


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _yielded(node: ast.stmt) -> ast.Call | None:
    """Return the call whose events a statement yields, None if it does something else."""
    if not isinstance(node, ast.Expr | ast.Return):
        return None
    value = node.value
    found = value.value if isinstance(value, ast.YieldFrom) else value
    return found if isinstance(found, ast.Call) else None
