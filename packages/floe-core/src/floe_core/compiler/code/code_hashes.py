"""Hash what a node's result depends on beside its own text: macros, configuration, the project.

Everything is read from dbt's manifest (v10 to v12) and the project's files. Hashes are short: they
distinguish two compilations, and are not a proof of identity.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from floe_core.compiler.inputs import DBT_PROJECT_FILE

Entry = Mapping[str, Any]

_DIGITS = 16
# Parts of an entry that change what is built, beside its code and `config`.
_CONFIGURING = (
    "columns",
    "constraints",
    "contract",
    "access",
    "test_metadata",
    "given",
    "expect",
    "overrides",
    "freshness",
    "loaded_at_field",
    "external",
    "quoting",
)
# Keys of dbt_project.yml that change what nodes do and appear in no node's configuration.
_PROJECT_KEYS = ("vars", "dispatch", "query-comment", "quoting", "flags")
# A call of `var`, and its name if that is a literal.
_VAR = re.compile(r"\bvar\s*\(\s*(?:(['\"])([^'\"]+)\1\s*[,)])?")


class CodeHashes:
    """The hashes of one manifest; texts that contain the project's folder are made relative.

    `dbt_vars` are all values that dbt knows for vars, those for a package below its name.
    """

    def __init__(self, manifest: Entry, project_dir: Path, dbt_vars: Entry | None = None) -> None:
        self._nodes: Mapping[str, Entry] = manifest["nodes"]
        self._macros: Mapping[str, Entry] = manifest.get("macros") or {}
        self._vars = dbt_vars or {}
        # Text -> the vars that it reads, "" for one whose name is no literal.
        self._names_in: dict[str, set[str]] = {}
        self._project_dir = str(project_dir)
        self._built_in = _built_in_packages(manifest)
        self._closures: dict[frozenset[str], str] = {}
        self._own_texts: dict[frozenset[str], dict[str, Any]] = {}
        self._by_materialization = self._group_materializations()

    def of_used(self, entry: Entry) -> str:
        """Return the hash of what a node uses, "" for nothing but dbt's own macros.

        That is macros, ephemeral models with all that those use, and the values of vars.
        """
        above = self.ephemeral_parents(entry)
        used = set(self._by_materialization.get(_materialization(entry), set()))
        for each in (entry, *above):
            used.update((each.get("depends_on") or {}).get("macros") or ())
        codes = {each["unique_id"]: each.get("raw_code") for each in above}
        macros = frozenset(used)
        texts = entry.get("raw_code"), *codes.values(), *self._texts(macros).values()
        more = [each for each in (codes, self._vars_in([*map(str, texts)])) if each]
        own = self._of_closure(macros)
        return self.digest([own, *more]) if more else own

    def ephemeral_parents(self, entry: Entry) -> list[Entry]:
        """Return the ephemeral models that dbt makes a part of a node's SQL, by id."""
        found: dict[str, Entry] = {}
        frontier = [entry]
        while frontier:
            ids = (frontier.pop().get("depends_on") or {}).get("nodes") or ()
            above = {i: self._nodes[i] for i in ids if i in self._nodes and i not in found}
            above = {i: each for i, each in above.items() if is_ephemeral(each)}
            found |= above
            frontier += above.values()
        return [found[node_id] for node_id in sorted(found)]

    def _vars_in(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return the values of the vars that texts read; all of them if a name is no literal."""
        for text in texts:
            if text not in self._names_in:
                self._names_in[text] = {found[2] or "" for found in _VAR.finditer(text)}
        names = set[str]().union(*(self._names_in[text] for text in texts))
        levels = [self._vars, *(each for each in self._vars.values() if isinstance(each, Mapping))]
        wanted = names if "" not in names else {name for level in levels for name in level}
        values = {name: [each[name] for each in levels if name in each] for name in wanted}
        return {name: found for name, found in values.items() if found}

    def of_used_macros(self, entry: Entry) -> str:
        """Return the hash of the macros that a node's code uses, "" if they are all dbt's own."""
        used = (entry.get("depends_on") or {}).get("macros") or ()
        return self._of_closure(frozenset(used))

    def of_building_macros(self, entry: Entry, *, with_used: bool) -> str:
        """Return the hash of the macros that build a node, "" if they are all dbt's own.

        `with_used` includes the macros that its code and its hooks use.
        """
        return self._of_closure(self._building_macros(entry, with_used))

    def texts_of_building_macros(self, entry: Entry, *, with_used: bool) -> list[str]:
        """Return the texts of these macros, except dbt's own."""
        return [str(text) for text in self._texts(self._building_macros(entry, with_used)).values()]

    def _building_macros(self, entry: Entry, with_used: bool) -> frozenset[str]:
        building = set(self._by_materialization.get(_materialization(entry), set()))
        if entry.get("resource_type") == "function":
            # dbt puts the names of these macros together when it runs.
            building |= {i for i, each in self._macros.items() if "function" in str(each["name"])}
        if with_used:
            building |= set((entry.get("depends_on") or {}).get("macros") or ())
        return frozenset(building)

    def of_config(self, entry: Entry) -> str:
        """Return the hash of a node's configuration, with its hooks, columns and arguments."""
        parts = {name: entry[name] for name in _CONFIGURING if entry.get(name)}
        return self.digest({"config": entry.get("config") or {}, **parts})

    def _group_materializations(self) -> dict[str, set[str]]:
        """Return materialization -> ids of the macros that implement it, for any adapter."""
        found: dict[str, set[str]] = {}
        for macro_id, macro in self._macros.items():
            name = str(macro.get("name", ""))
            if name.startswith("materialization_"):
                kind = name.removeprefix("materialization_").rpartition("_")[0]
                found.setdefault(kind, set()).add(macro_id)
        return found

    def _of_closure(self, macro_ids: frozenset[str]) -> str:
        if macro_ids not in self._closures:
            texts = self._texts(macro_ids)
            self._closures[macro_ids] = self.digest(texts) if texts else ""
        return self._closures[macro_ids]

    def _texts(self, macro_ids: frozenset[str]) -> dict[str, Any]:
        """Return macro id -> text, for these and all macros that they call, except dbt's own."""
        if macro_ids not in self._own_texts:
            self._own_texts[macro_ids] = {
                macro_id: self._macros[macro_id].get("macro_sql")
                for macro_id in self.reach(macro_ids)
                if self._macros[macro_id].get("package_name") not in self._built_in
            }
        return self._own_texts[macro_ids]

    def reach(self, macro_ids: Iterable[str], but: Container[str] = ()) -> set[str]:
        """Return these macros and all that they call, without `but` and what only those call."""
        found: set[str] = set()
        frontier = [macro_id for macro_id in macro_ids if macro_id in self._macros]
        while frontier:
            macro_id = frontier.pop()
            if macro_id not in found:
                found.add(macro_id)
                called = (self._macros[macro_id].get("depends_on") or {}).get("macros") or ()
                frontier.extend(m for m in called if m in self._macros and m not in but)
        return found

    def digest(self, value: Any) -> str:
        """Return the hash of a JSON-like value."""
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
        text = text.replace(self._project_dir, ".")
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def is_ephemeral(entry: Entry) -> bool:
    """Return whether a node is an ephemeral model."""
    return _materialization(entry) == "ephemeral"


def hash_project(manifest: Entry, dbt_project: Entry, project_dir: Path) -> str:
    """Return the hash of the project's vars, hooks on run start and end, flags and packages."""
    hashes = CodeHashes(manifest, project_dir)
    hooks = {
        node_id: [entry.get("raw_code"), hashes.of_used(entry)]
        for node_id, entry in manifest["nodes"].items()
        if entry["resource_type"] == "operation"
    }
    installed = project_dir / str(dbt_project.get("packages-install-path") or "dbt_packages")
    packages = {
        path.parent.name: path.read_text(encoding="utf-8", errors="replace")
        for path in sorted(installed.glob(f"*/{DBT_PROJECT_FILE}"))
    }
    own = {key: dbt_project[key] for key in _PROJECT_KEYS if dbt_project.get(key)}
    content = {**own, "hooks": hooks, "packages": packages}
    return hashes.digest(content) if any(content.values()) else ""


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, "" if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _built_in_packages(manifest: Entry) -> frozenset[str]:
    """Return the packages that come with dbt: they change only with dbt's version."""
    adapter = str((manifest.get("metadata") or {}).get("adapter_type") or "")
    # dbt-redshift and dbt-materialize, for example, are based on dbt-postgres.
    return frozenset({"dbt", f"dbt_{adapter}", "dbt_postgres"})


def _materialization(entry: Entry) -> str:
    kind = entry.get("resource_type")
    if kind == "unit_test":
        return "unit"
    default = {"seed": "seed", "snapshot": "snapshot", "test": "test"}.get(str(kind), "")
    return str((entry.get("config") or {}).get("materialized") or default)
