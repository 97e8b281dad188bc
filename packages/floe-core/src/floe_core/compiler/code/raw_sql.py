"""Render the SQL of a dbt node without dbt, if its Jinja needs no warehouse and no macro.

Columns are determined at compile time, before dbt has compiled any SQL. SQL that can't be rendered
here is reported as unknown; nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

MAX_CHARACTERS = 200_000

Entry = Mapping[str, Any]
# (package or "", name, version or "") -> name of a table in the SQL
Resolve = Callable[[str, str, str], str]


class UnreadableSqlError(ValueError):
    """Only dbt can render the SQL, or it cannot be parsed."""


def render(
    code: str,
    ref: Resolve,
    source: Resolve,
    own_vars: Mapping[str, Any],
    *,
    this: str,
    is_incremental: bool,
) -> str:
    """Return the SQL of a node, with the table names that `ref` and `source` return, and `this`.

    Raises:
        UnreadableSqlError: It uses values that only dbt knows.
    """
    if len(code) > MAX_CHARACTERS:
        raise UnreadableSqlError("too long")
    environment = SandboxedEnvironment(
        undefined=StrictUndefined, extensions=["jinja2.ext.do"], autoescape=False
    )
    names = _Names(ref, source, own_vars)
    context = {
        "ref": names.ref,
        "source": names.source,
        "var": names.var,
        "config": lambda *_, **__: "",
        "env_var": lambda name, default="floe": default,
        "is_incremental": lambda: is_incremental,
        "this": this,
        "tojson": json.dumps,
    }
    try:
        return environment.from_string(code).render(context)
    except (TemplateError, TypeError, ValueError, LookupError, OverflowError) as error:
        raise UnreadableSqlError(str(error)) from None
    except RecursionError:
        raise UnreadableSqlError("nested too deep") from None


class _Names:
    def __init__(self, ref: Resolve, source: Resolve, own_vars: Mapping[str, Any]) -> None:
        self._ref = ref
        self._source = source
        self._vars = own_vars

    def ref(self, *words: str, v: object = "", version: object = "") -> str:
        package, name = words if len(words) == 2 else ("", *words)
        return self._ref(str(package), str(name), str(v or version or ""))

    def source(self, source: str, table: str) -> str:
        return self._source(source, table, "")

    def var(self, name: str, *default: Any) -> Any:
        if name in self._vars:
            return self._vars[name]
        return default[0] if default else _refuse(f"var {name}")


def _refuse(what: str) -> NoReturn:
    raise UnreadableSqlError(what)
