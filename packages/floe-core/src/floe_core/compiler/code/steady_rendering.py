"""Find nodes whose Jinja renders to the same SQL each time, and hash what that SQL depends on.

A template may use only names that are known to be steady; any other template is left to dbt.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, TemplateError, meta, nodes

from floe_core.compiler.code.code_hashes import CodeHashes
from floe_core.compiler.code.jinja_reads import STEADY_METHODS

Entry = Mapping[str, Any]

# Names in dbt's context that depend only on the node, its relations and their arguments.
_STEADY = frozenset(
    {
        *("ref", "source", "config", "this", "adapter", "return", "execute", "exceptions", "flags"),
        *("log", "print", "project_name", "_dbt_generic_test_kwargs"),
        *("tojson", "fromjson", "toyaml", "fromyaml", "set", "set_strict", "zip", "zip_strict"),
        *("local_md5", "as_bool", "as_native", "as_number", "as_text"),
        *("caller", "varargs", "kwargs", "range", "dict", "namespace", "cycler", "joiner"),
    }
)
# Of these only some attributes are steady: `flags` holds all of dbt's options.
_ATTRIBUTES = {
    "adapter": STEADY_METHODS,
    "flags": frozenset({"STORE_FAILURES"}),
    "config": frozenset({"get", "require"}),
}
# A generic test is a macro by another name; plain Jinja knows no such tag.
_TEST_TAG = re.compile(r"(\{%-?\s*)(end)?test\b")
_ENVIRONMENT = Environment(
    extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], autoescape=False
)


class SteadyRendering:
    """The nodes of one manifest whose compiled SQL follows from the manifest alone."""

    def __init__(self, manifest: Entry, hashes: CodeHashes) -> None:
        self._macros: Mapping[str, Entry] = manifest.get("macros") or {}
        self._hashes = hashes
        self._names = Names(
            frozenset(str(macro.get("name")) for macro in self._macros.values()) - _STEADY,
            frozenset(str(macro.get("package_name")) for macro in self._macros.values()),
        )
        self._macro_is_steady: dict[str, bool] = {}

    def hash_of(self, entry: Entry) -> str:
        """Return a hash of what a node's compiled SQL depends on, besides names of relations.

        It is "" if anything else may affect the SQL: the warehouse, the environment, vars, the
        time. dbt's own macros are not included; they change with dbt's version.
        """
        config = entry.get("config") or {}
        texts = [*_strings(entry.get("test_metadata") or {}), str(entry.get("raw_code") or "")]
        used = (entry.get("depends_on") or {}).get("macros") or ()
        is_steady = (
            (entry.get("language") or "sql") == "sql"
            and config.get("incremental_strategy") != "microbatch"
            and not any("{{" in text or "{%" in text for text in _strings(config))
            and not self._hashes.ephemeral_parents(entry)
            and all(self._is_steady(text) for text in texts)
            and all(self._is_steady_macro(macro_id) for macro_id in self._hashes.reach(used))
        )
        if not is_steady:
            return ""
        macros = self._hashes.of_used_macros(entry)
        return self._hashes.digest([entry["unique_id"], texts, config, macros])

    def _is_steady_macro(self, macro_id: str) -> bool:
        if macro_id not in self._macro_is_steady:
            text = str(self._macros[macro_id].get("macro_sql") or "")
            self._macro_is_steady[macro_id] = self._is_steady(text)
        return self._macro_is_steady[macro_id]

    def _is_steady(self, text: str) -> bool:
        return "{" not in text or reads_only(_TEST_TAG.sub(r"\1\2macro", text), self._names)


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a project's macros, and of the packages that qualify them."""

    macros: frozenset[str]
    packages: frozenset[str]


def reads_only(text: str, names: Names) -> bool:
    """Return whether a template reads only steady names from outside, and calls of macros.

    A macro that is passed on without a call may be called anywhere, so it is not steady.

    >>> names = Names(frozenset({"cents"}), frozenset({"dbt"}))
    >>> reads_only("{{ ref('a') }} {% set b = cents(1) %}{{ b }}", names)
    True
    >>> any(reads_only(text, names) for text in ("{{ adapter.execute() }}", "{{ f(cents) }}"))
    False
    """
    try:
        tree = _ENVIRONMENT.parse(text)
        undeclared = meta.find_undeclared_variables(tree)
    except TemplateError:
        return False
    if not undeclared <= _STEADY | names.macros | names.packages:
        return False
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    attributes = {id(each.node): each for each in tree.find_all(nodes.Getattr)}
    return all(
        _is_steady_use(name, attributes.get(id(name)), names, called)
        for name in tree.find_all(nodes.Name)
        if name.ctx == "load" and name.name in undeclared
    )


def _is_steady_use(
    name: nodes.Name, attribute: nodes.Getattr | None, names: Names, called: Container[int]
) -> bool:
    if name.name in names.macros:
        return id(name) in called
    if name.name in names.packages - _STEADY:
        return attribute is not None and id(attribute) in called
    if name.name not in _ATTRIBUTES:
        return True
    if attribute is not None:
        return attribute.attr in _ATTRIBUTES[name.name]
    return name.name == "config" and id(name) in called


def _strings(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON-like value, except keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from _strings(value[key])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _strings(each)
