"""The DAG that a task or group is in, and when it runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from floe_import.python.arguments import Argument, arguments
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.objects import Made
from floe_import.python.values import Symbol, Value

DAG_POSITIONAL = ("dag_id",)


def is_dag(value: Value) -> bool:
    """Return whether a value is a call of Airflow's DAG, or of its decorator."""
    is_airflow = isinstance(value, Made) and value.name.startswith("airflow.")
    return is_airflow and value.last in ("DAG", "dag")


def enclosing_dag(node: ast.AST, module: Module) -> Made | None:
    """Return the call that makes the DAG around a node, None if it is not in sight."""
    return next(filter(is_dag, _around(node, module)), None)


def is_within_dag(node: ast.AST, module: Module) -> bool:
    """Return whether a node is in the block or the function of a DAG, which is then the current."""
    return any(map(is_dag, _blocks_around(node, module)))


def _around(node: ast.AST, module: Module) -> Iterator[Value]:
    if isinstance(node, ast.Call):
        yield from (evaluate(k.value, module) for k in node.keywords if k.arg == "dag")
    yield from _blocks_around(node, module)


def _blocks_around(node: ast.AST, module: Module) -> Iterator[Value]:
    at = module.parents.get(node)
    while at is not None:
        if isinstance(at, ast.With):
            yield from (evaluate(item.context_expr, module) for item in at.items)
        if isinstance(at, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (_decorated(each, module) for each in at.decorator_list)
        called = module.turn[at].call if at in module.turn else None
        at = called or module.parents.get(at)


def _decorated(node: ast.expr, module: Module) -> Value:
    """Return `@dag` as the call `@dag()`."""
    found = evaluate(node, module)
    if isinstance(found, Symbol):
        return Made(found.name, ast.Call(node, [], []), module)
    return found


def dag_arguments(dag: Made) -> dict[str, Argument]:
    """Return name -> argument of a DAG."""
    return {each.name: each for each in arguments(dag, DAG_POSITIONAL)}
