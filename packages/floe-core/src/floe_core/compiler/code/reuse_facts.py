"""Collect what decides, beside SQL and inputs, whether a node's last build can be reused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Literal

from sqlglot.tokens import Tokenizer

from floe_core.compiler.code import jinja_reads, python_reads
from floe_core.compiler.code.code_hashes import CodeHashes
from floe_core.compiler.code.hooks import (
    NEVER_TOLD,
    HookTexts,
    find_foreign,
    find_written,
    may_change_rows,
)
from floe_core.compiler.code.lag_tolerance import parse_span
from floe_core.compiler.code.node_text import token_text
from floe_core.compiler.code.steady_rendering import SteadyRendering
from floe_core.schemas.nodes import ReuseFacts

Entry = Mapping[str, Any]

# What `meta.floe.reuse` may say, beside a `lagTolerance`.
NEVER, CONTENT = "never", "content"

# Keys of a node's configuration that do not affect its relation or its verdict.
_IDLE = frozenset(
    {
        *("meta", "tags", "docs", "group", "access", "enabled", "freshness"),
        "static_analysis",
    }
)
# Keys that do not affect the rows of a table or a view, beside those that a plan looks at itself.
# Any other may: of an adapter, of a newer dbt, or of a macro of the project.
_IDLE_FOR_ROWS = _IDLE | {
    *("alias", "schema", "database", "quoting", "materialized", "contract", "packages"),
    *("persist_docs", "grants", "full_refresh", "on_configuration_change", "on_schema_change"),
    *(
        "unique_key",
        "incremental_strategy",
        "concurrent_batches",
        "batch_size",
        "lookback",
        "begin",
    ),
    *("column_types", "delimiter", "quote_columns"),  # Parts of a seed's version.
    *("indexes", "unlogged", "post-hook", "pre-hook", "post_hook", "pre_hook"),
    *("severity", "store_failures", "store_failures_as", "where", "limit", "fail_calc"),
    *("warn_if", "error_if"),
}
_SHAPING = ("constraints", "contract", "test_metadata", "given", "expect", "overrides", "quoting")
_SIGNATURE = ("arguments", "returns")
_PLAIN = frozenset({"table", "view", "seed", "test", "unit"})
# What hooks and macros read of more than the node: another run may have other values.
_READS_OUTSIDE = re.compile(
    rf"\b(?:(?:env_)?var(?=\s*\()|flags|graph|{'|'.join(jinja_reads.OF_A_RUN)}"
    r"|modules\.(?:datetime|pytz)"
    r"|target\.(?!(?:name|schema|database|dbname|type|profile_name)\b)\w+)\b"
)
# A node as its hooks and its materialization see it, `meta`, tags and descriptions included.
_READS_NODE = re.compile(r"\b(?:model|config)\b")
_READS_RAW_CODE = re.compile(r"\braw_(?:code|sql)\b")
_READS_RELATION = re.compile(r"\b(ref|source)\s*\(")
_UNQUOTED = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Of a merge, these choose columns to write, and no rows.
_OF_COLUMNS = ("merge_update_columns", "merge_exclude_columns")
_HOOKS = ("pre-hook", "post-hook", "pre_hook", "post_hook")
# Incremental models check whether their relation exists; their reuse does not depend on their SQL.
_FOR_INCREMENTAL = frozenset({"macro.dbt.is_incremental"})


class ReuseFactsReader:
    """Reads the facts of one manifest's nodes; hashes their SQL only with `reads_texts`."""

    def __init__(self, manifest: Entry, hashes: CodeHashes, *, reads_texts: bool = False) -> None:
        self._manifest = manifest
        self._hashes = hashes
        self._adapter = str((manifest.get("metadata") or {}).get("adapter_type") or "")
        self._varying: dict[str, str] = {}
        self._reads_texts = reads_texts
        self._rendering = SteadyRendering(manifest, hashes)
        self._relations = [*manifest["nodes"].values(), *(manifest.get("sources") or {}).values()]
        self._hooks = HookTexts(manifest.get("macros") or {}, _find_named(self._relations))

    def facts(self, entry: Entry) -> ReuseFacts:
        """Return the facts of one node; those of a source determine its version."""
        policy = _policy(entry)
        never = "meta.floe.reuse is never" if policy == NEVER else ""
        if entry["resource_type"] == "source":
            never = never or self._written.get(str(entry.get("unique_id")), "")
            loaded_at = str(entry.get("loaded_at_field") or "")
            return ReuseFacts(never=never, by_content=policy == CONTENT, loaded_at=loaded_at)
        if entry["resource_type"] == "function":
            never = never or self._never_of_function(entry)
            return ReuseFacts(build=self._build(entry), never=never)
        if entry["resource_type"] not in ("model", "seed", "snapshot", "test", "unit_test"):
            return ReuseFacts()
        return ReuseFacts(
            build=self._build(entry),
            text=self._text(entry) if self._reads_texts else "",
            rendering=self._rendering.hash_of(entry) if self._reads_texts else "",
            content=self._content(entry),
            never=never or self._never(entry),
            own_rows=self._own_rows(entry),
            reads_whole=self._reads_whole(entry),
            by_content=policy == CONTENT,
            lag_seconds=_lag_seconds(policy),
        )

    def _build(self, entry: Entry) -> str:
        config = {key: value for key, value in _config(entry).items() if key not in _IDLE}
        is_function = entry["resource_type"] == "function"
        names = (*_SHAPING, *_SIGNATURE) if is_function else _SHAPING
        shaping = {name: entry[name] for name in names if entry.get(name)}
        # A function's macros for its statement are among those that it uses.
        with_used = is_function or _has_hooks(entry)
        macros = self._hashes.of_building_macros(entry, with_used=with_used)
        columns = _columns(entry, any((config.get("persist_docs") or {}).values()))
        told = self._told(entry)
        return self._hashes.digest([config, shaping, columns, macros, *([told] if told else [])])

    def _told(self, entry: Entry) -> dict[str, Any]:
        """Return what the node's hooks and the project's macros for its relation can read of it."""
        text = " ".join(self._texts_of_building(entry))
        if not _READS_NODE.search(text):
            return {}
        told = {name: value for name, value in entry.items() if name not in NEVER_TOLD}
        return told | ({"code": entry.get("raw_code")} if _READS_RAW_CODE.search(text) else {})

    def _texts_of_building(self, entry: Entry) -> list[str]:
        hooks = " ".join(_text_of_hooks(entry)).strip()
        return [hooks, *self._hashes.texts_of_building_macros(entry, with_used=bool(hooks))]

    def _text(self, entry: Entry) -> str:
        """Return a hash of the relevant tokens of its SQL, "" for a node without SQL."""
        code = self._code(entry)
        if not _is_sql(entry) or not code or entry["resource_type"] not in ("model", "snapshot"):
            return ""
        return self._hashes.digest([token_text(each, self._adapter) for each in self._codes(entry)])

    def _codes(self, entry: Entry) -> list[str]:
        """Return the node's SQL and that of the ephemeral models that become part of it."""
        above = self._hashes.ephemeral_parents(entry)
        return [self._code(each) for each in (entry, *above)]

    def _content(self, entry: Entry) -> str:
        """Return a hash of what affects the rows besides the SQL, "" if nothing does."""
        config = _config(entry)
        macros = self._hashes.of_building_macros(entry, with_used=False)
        is_plain = str(config.get("materialized") or "view") in _PLAIN and not macros
        has_contract = bool((config.get("contract") or {}).get("enforced"))
        has_more = any(
            value not in (None, "", [], {})
            for key, value in config.items()
            if key not in _IDLE_FOR_ROWS
        )
        is_known = not (has_contract or has_more or _has_hooks(entry))
        return "" if is_plain and is_known and _is_sql(entry) else self._build(entry)

    def _never(self, entry: Entry) -> str:
        """Return what its code reads that may differ in the next run."""
        above = self._hashes.ephemeral_parents(entry)
        return next(filter(None, map(self._never_alone, (entry, *above))), "")

    def _never_alone(self, entry: Entry) -> str:
        """Return the same of a node without the ephemeral models in its SQL."""
        config = _config(entry)
        if written := self._written.get(str(entry.get("unique_id"))):
            return written
        if config.get("store_failures"):
            return "it stores its failures"
        if config.get("incremental_strategy") == "microbatch":
            return "each run builds the batches up to its own time"
        if config.get("materialized") == "external":
            return "its rows are in a file outside of the warehouse"
        if not _is_sql(entry):
            code = str(entry.get("raw_code") or "")
            return python_reads.find_varying_read(code) or self._find_foreign(entry)
        hooks = " ".join(_text_of_hooks(entry))
        if outside := self._find_read_outside(entry):
            return f"its hooks, header or materialization read {outside}"
        texts = [self._code(entry), hooks]
        own = next(filter(None, map(jinja_reads.find_varying_read, texts)), "")
        return own or self._of_macros(entry) or self._find_foreign(entry)

    @cached_property
    def _written(self) -> dict[str, str]:
        """Node id -> why it is never reused, for tables that hooks of other nodes or of runs write.

        Each build of the writer would write once more to the same rows, and a plan reads the
        version of a source before hooks run.
        """
        by_name: dict[str, list[str]] = {}
        for entry in self._relations:
            by_name.setdefault(_name_of(entry).lower(), []).append(entry["unique_id"])
        found: dict[str, str] = {}
        for entry in self._manifest["nodes"].values():
            is_of_run = entry["resource_type"] == "operation"
            texts = [str(entry.get("raw_code"))] if is_of_run else _text_of_hooks(entry)
            for text in filter(None, texts):
                for name in find_written(self._hooks.render(text), self._adapter):
                    parents = (entry.get("depends_on") or {}).get("nodes") or ()
                    parents = () if is_of_run else parents
                    why = f"a hook of {entry['name']} may write it"
                    found |= dict.fromkeys(by_name.get(name, ()) if name else parents, why)
        return found

    def _never_of_function(self, entry: Entry) -> str:
        """Return what a function's statement may read besides its compiled body."""
        hooks = " ".join(_text_of_hooks(entry))
        texts = self._hashes.texts_of_building_macros(entry, with_used=True)
        if any(_READS_OUTSIDE.search(text) for text in (hooks, *texts)):
            return "its hooks or macros read vars or the environment"
        return self._find_foreign(entry)

    def _find_foreign(self, entry: Entry) -> str:
        """Return what its hooks, its header or its materialization name beside its relation."""
        for text in filter(None, _text_of_hooks(entry)):
            if found := find_foreign(self._hooks.render(text), self._adapter):
                return f"its hooks use {found}"
        texts = self._hashes.texts_of_building_macros(entry, with_used=False)
        call = next(filter(None, map(_READS_RELATION.search, texts)), None)
        return f"its materialization calls {call[1]}()" if call else ""

    def _reads_whole(self, entry: Entry) -> bool:
        """Return whether its hooks may read more of its parents than its SQL does."""
        hooks = (self._hooks.render(text) for text in filter(None, _text_of_hooks(entry)))
        return any(may_change_rows(hook, self._adapter) for hook in hooks)

    def _own_rows(self, entry: Entry) -> Literal["", "adds", "overwrites"]:
        """Return what dbt does to the rows of an incremental model; hooks may do anything."""
        config = _config(entry)
        is_dbts = not self._hashes.of_building_macros(entry, with_used=False)
        if config.get("materialized") != "incremental" or _has_hooks(entry) or not is_dbts:
            return ""
        strategy = config.get("incremental_strategy") or ""
        has_conditions = any(
            value and ("predicates" in key or (key.startswith("merge_") and key not in _OF_COLUMNS))
            for key, value in config.items()
        )
        if strategy == "insert_overwrite":
            return "overwrites"
        is_known = strategy in ("", "append", "delete+insert", "merge")
        return "adds" if is_known and not has_conditions else ""

    def _find_read_outside(self, entry: Entry) -> str:
        """Return what affects more than the compiled SQL shows, such as a var; "" for nothing."""
        found = filter(None, map(_READS_OUTSIDE.search, self._texts_of_building(entry)))
        return next((each[0] for each in found), "")

    @staticmethod
    def _code(entry: Entry) -> str:
        # A generic test's own text names the macro; a seed has none.
        return str(entry.get("raw_code") or "")

    def _of_macros(self, entry: Entry) -> str:
        used = set((entry.get("depends_on") or {}).get("macros") or ())
        return self._first_varying(self._hashes.reach(used - _FOR_INCREMENTAL, _FOR_INCREMENTAL))

    def _first_varying(self, macro_ids: Iterable[str]) -> str:
        macros = self._manifest.get("macros") or {}
        for macro_id in sorted(macro_ids):
            if macro_id not in self._varying:
                text = str(macros[macro_id].get("macro_sql") or "")
                self._varying[macro_id] = jinja_reads.find_varying_read(text)
            if found := self._varying[macro_id]:
                return f"{found} in {macro_id.removeprefix('macro.')}"
        return ""


def _name_of(relation: Entry) -> str:
    return str(relation.get("identifier") or relation.get("alias") or "")


def _find_named(relations: Iterable[Entry]) -> dict[str, str]:
    """Return what a `ref` or `source` stands for; see `HookTexts`.

    Neither names that stand for more than one relation, nor those that SQL has in quotes.
    """
    found: dict[str, set[str]] = {}
    for each in relations:
        call = "source" if each["resource_type"] == "source" else "ref"
        found.setdefault(f"{call} {each.get('name')}", set()).add(_name_of(each))
    single = {call: next(iter(names)) for call, names in found.items() if len(names) == 1}
    return {
        call: name
        for call, name in single.items()
        if _UNQUOTED.fullmatch(name) and name.upper() not in Tokenizer.KEYWORDS
    }


def _policy(entry: Entry) -> Any:
    meta = {**(entry.get("meta") or {}), **(_config(entry).get("meta") or {})}
    floe = meta.get("floe")
    return floe.get("reuse") if isinstance(floe, dict) else None


def _lag_seconds(policy: Any) -> int:
    """Return how long new inputs may wait, in seconds; 0 if never, or if the policy is invalid."""
    try:
        return parse_span(policy["lagTolerance"])
    except (TypeError, KeyError, ValueError):
        return 0


def _config(entry: Entry) -> Entry:
    return entry.get("config") or {}


def _is_sql(entry: Entry) -> bool:
    return (entry.get("language") or "sql") == "sql"


def _has_hooks(entry: Entry) -> bool:
    return any(_config(entry).get(name) for name in _HOOKS)


def _text_of_hooks(entry: Entry) -> list[str]:
    """Return the texts of its hooks, and of what dbt runs in front of its SQL."""
    hooks = [hook for name in _HOOKS for hook in _config(entry).get(name) or ()]
    texts = [str(hook.get("sql") if isinstance(hook, dict) else hook) for hook in hooks]
    return [*texts, str(_config(entry).get("sql_header") or "")]


def _columns(entry: Entry, with_descriptions: bool) -> list[Any]:
    """Return the parts of the documented columns that reach the warehouse."""
    names = ["name", "data_type", "constraints", "quote"]
    names += ["description"] if with_descriptions else []
    own = [entry.get("description")] if with_descriptions else []
    columns = (entry.get("columns") or {}).values()
    parts = [{name: each.get(name) for name in names if each.get(name)} for each in columns]
    return [*own, *(each for each in parts if len(each) > 1)]
