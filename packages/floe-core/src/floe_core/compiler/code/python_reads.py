"""Find what a Python model reads besides what dbt passes to it."""

from __future__ import annotations

import ast

from floe_core.schemas.nodes import COMPUTING_PACKAGES

# Packages that only compute.
_COMPUTING = frozenset(
    {
        *("__future__", "collections", "dataclasses", "decimal", "enum", "fractions", "functools"),
        *("itertools", "json", "math", "operator", "re", "statistics", "string", "typing"),
        *COMPUTING_PACKAGES,
    }
)
_VARYING_CALLS = frozenset(
    {
        *("now", "today", "utcnow", "time", "random", "rand", "randn", "randint", "sample"),
        *("shuffle", "choice", "permutation", "default_rng", "uuid4", "uuid1", "getenv"),
        *("environ", "open", "eval", "exec", "__import__", "compile", "globals", "hash", "id"),
        *("sql", "query", "execute", "cursor", "table", "scan_csv", "scan_parquet"),
    }
)


def find_varying_read(code: str) -> str:
    """Return the first thing in a Python model that may differ between two runs, "" for none.

    Everything counts that is not known to only compute.

    >>> find_varying_read("def model(dbt, session): return dbt.ref('a').df()")
    ''
    >>> find_varying_read("import requests")
    'import requests'
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return "Python that cannot be read"
    found = (_find_varying(each) for each in ast.walk(tree))
    return next(filter(None, found), "")


def _find_varying(node: ast.AST) -> str:
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names]
        packages = names if isinstance(node, ast.Import) else [node.module or ""]
        unknown = [p for p in packages if p.partition(".")[0] not in _COMPUTING]
        return f"import {unknown[0]}" if unknown else ""
    name = _name(node)
    is_session = isinstance(node, ast.Name) and name == "session"
    return name if is_session or name in _VARYING_CALLS or name.startswith("read_") else ""


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
