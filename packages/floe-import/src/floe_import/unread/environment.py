"""Variables of the environment that a file sets, which dbt may read."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.values import Symbol
from floe_import.report.findings import Finding, changed, finding_of

_ENVIRONMENT = Symbol("os.environ")
_SETTERS = ("os.putenv", "dotenv.load_dotenv", "dotenv.main.load_dotenv")
_METHODS = ("update", "setdefault")
# Variables of Python, Airflow and dlt, which no dbt project reads.
_OF_OTHERS = ("PYTHON", "AIRFLOW_", "DESTINATION__", "SOURCES__")


def report_environment(module: Module) -> list[Finding]:
    """Return a finding for each statement that sets variables where the file is loaded."""
    said = "it stays in this file, so a run has it; set it where `floe compile` runs, too"
    return [
        finding_of("FLI010", text, module.place(node), changed(said))
        for node, text in _settings(module)
        if not _is_in_task(node, module)
    ]


def _settings(module: Module) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            name = evaluate(node.slice, module)
            is_of_others = isinstance(name, str) and name.startswith(_OF_OTHERS)
            if evaluate(node.value, module) == _ENVIRONMENT and not is_of_others:
                yield node, ast.unparse(node)
        elif isinstance(node, ast.Call):
            called = evaluate(node.func, module)
            name = called.name if isinstance(called, Symbol) else ""
            if name in (*_SETTERS, *(f"{_ENVIRONMENT.name}.{each}" for each in _METHODS)):
                yield node, ast.unparse(node.func)


def _is_in_task(node: ast.AST, module: Module) -> bool:
    """Return whether a node is in a function that runs as a task, in a process of its own."""
    scope = module.scope_of(node)
    while scope is not module.tree:
        for each in getattr(scope, "decorator_list", ()):
            called = evaluate(each.func if isinstance(each, ast.Call) else each, module)
            if isinstance(called, Symbol) and "task" in called.name.split("."):
                return True
        scope = module.scope_of(scope)
    return False
