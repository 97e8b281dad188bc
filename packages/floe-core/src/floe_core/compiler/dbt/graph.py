"""Read dbt's manifest (v10 to v12) as the nodes of a product."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from hashlib import sha1
from pathlib import Path
from typing import Any

from floe_core.compiler.code.code_hashes import CodeHashes, hash_file, is_ephemeral
from floe_core.compiler.code.reuse_facts import ReuseFactsReader
from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.schemas.nodes import Column, Node
from floe_core.sql.names import unquote

Entry = Mapping[str, Any]

# dbt's default condition for an error and for a warning.
DEFAULT_CONDITION = "!= 0"
_SNAPSHOT_TIMES = ("dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to")
_TAKEN = ("model", "seed", "snapshot", "test")


class DbtGraph:
    """The graph of one dbt manifest: nodes that run, sources and exposures.

    Ephemeral models are replaced by their parents in the nodes that depend on them. Disabled nodes,
    analyses, hooks, metrics and semantic models do not run and are left out. `reads_texts`: each
    node gets a hash of its SQL's tokens, which takes a while.
    """

    def __init__(
        self,
        manifest: Entry,
        project_dir: Path,
        dbt_vars: Entry | None = None,
        *,
        reads_texts: bool = False,
    ) -> None:
        self._manifest = manifest
        self._hashes = CodeHashes(manifest, project_dir, dbt_vars)
        self._reuse = ReuseFactsReader(manifest, self._hashes, reads_texts=reads_texts)

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes, sorted by id.

        Raises:
            InvalidProductError: They depend on each other in a cycle.
        """
        self._refuse_cycle()
        found = [self._node(entry) for entry in self._entries.values()]
        return tuple(sorted(found, key=lambda node: node.unique_id))

    def _refuse_cycle(self) -> None:
        """Refuse what dbt refuses only when it runs."""
        nodes = self._manifest["nodes"]
        try:
            TopologicalSorter(
                {i: _direct_parents(entry) for i, entry in sorted(nodes.items())}
            ).prepare()
        except CycleError as error:
            cycle = [nodes[unique_id] for unique_id in error.args[1]]
            what = f"a cycle in the dbt graph: {' -> '.join(each['name'] for each in cycle)}"
            path = cycle[0]["original_file_path"]
            problem = Problem(what, "remove one of these ref()s", path)
            raise InvalidProductError([problem]) from None

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        """Node id -> manifest entry, for all entries that belong in the product."""
        nodes = {
            unique_id: entry
            for unique_id, entry in self._manifest["nodes"].items()
            if entry["resource_type"] in _TAKEN and not is_ephemeral(entry)
        }
        for section in ("sources", "exposures", "unit_tests", "functions"):
            nodes.update(self._manifest.get(section) or {})
        # A test of a model that is disabled, or not there, is among the nodes, but is not enabled.
        return {i: e for i, e in nodes.items() if (e.get("config") or {}).get("enabled", True)}

    def _parents(self, entry: Entry) -> tuple[str, ...]:
        """Return the ids that it depends on, ephemeral models replaced by their own parents."""
        direct = _direct_parents(entry)
        within = self._hashes.ephemeral_parents(entry)
        above = {*direct, *(i for each in within for i in _direct_parents(each))}
        return tuple(sorted(above & self._entries.keys()))

    def _node(self, entry: Entry) -> Node:
        config = entry.get("config") or {}
        return Node(
            unique_id=entry["unique_id"],
            name=entry["name"],
            resource_type="source" if is_external(entry) else entry["resource_type"],
            package=entry["package_name"],
            path=entry.get("original_file_path", ""),
            fqn=tuple(entry.get("fqn") or ()),
            depends_on=self._parents(entry),
            tags=_tags(entry, config),
            description=(entry.get("description") or "").strip(),
            columns=_columns(entry),
            meta=_meta(entry, config),
            checksum=_checksum(entry),
            macros_hash=self._hashes.of_used(entry),
            config_hash=self._hashes.of_config(entry),
            reuse=self._reuse.facts(entry),
            **self._relation(entry, config),
            **self._ownership(entry, config),
            **_test(entry, config),
        )

    def _relation(self, entry: Entry, config: Entry) -> dict[str, Any]:
        """Return its place in the warehouse; empty for a node without a relation or function."""
        if entry["resource_type"] == "function":
            return {
                "database": entry.get("database") or "",
                "schema_name": entry.get("schema") or "",
                "identifier": entry.get("alias") or entry["name"],
                "language": entry.get("language") or "sql",
            }
        if entry["resource_type"] not in ("model", "seed", "snapshot", "source"):
            return {}
        return {
            "database": entry.get("database") or "",
            "schema_name": entry.get("schema") or "",
            "identifier": entry.get("alias") or entry.get("identifier") or entry["name"],
            "schema_config": str(config.get("schema") or ""),
            "materialization": "" if is_external(entry) else config.get("materialized") or "",
            "language": entry.get("language") or "sql",
            "source_name": entry.get("source_name")
            or (entry["package_name"] if is_external(entry) else ""),
            "version": _version(entry, "version"),
            "latest_version": _version(entry, "latest_version"),
        }

    def _ownership(self, entry: Entry, config: Entry) -> dict[str, Any]:
        group = config.get("group") or entry.get("group") or ""
        owners = [self._group_owner(group)] if group else []
        owner = entry.get("owner") or {}
        owners += [owner.get("email") or owner.get("name") or ""]
        return {"group": group, "owners": tuple(text for text in owners if text)}

    def _group_owner(self, group: str) -> str:
        """Return the e-mail address of a group's owner, else the name."""
        for entry in (self._manifest.get("groups") or {}).values():
            if entry["name"] == group:
                owner = entry.get("owner") or {}
                email = owner.get("email") or ""
                return str(
                    (email[0] if isinstance(email, list) else email) or owner.get("name") or ""
                )
        return ""


def _version(entry: Entry, key: str) -> str:
    return "" if entry.get(key) is None else str(entry[key])


def is_external(entry: Entry) -> bool:
    """Return whether a dbt plugin injected this model from another project: dbt never builds it.

    Such an entry has no file (`dbt.plugins.manifest.ModelNodeArgs`); dbt-loom creates them.
    """
    is_model = entry["resource_type"] == "model"
    return is_model and not entry.get("original_file_path") and not entry.get("path")


def _tags(entry: Entry, config: Entry) -> tuple[str, ...]:
    tags = entry.get("tags") or config.get("tags") or ()
    return tuple(sorted({str(tag) for tag in ([tags] if isinstance(tags, str) else tags)}))


def _meta(entry: Entry, config: Entry) -> dict[str, Any]:
    return {**(entry.get("meta") or {}), **(config.get("meta") or {})}


def _checksum(entry: Entry) -> str:
    """Return the hash of the node's text: a plain string for unit tests, with its kind for others.

    Of SQL and Python it is the code version that dagster-dbt gives an asset. For a seed of more
    than 1 MiB, dbt gives its path instead; then the file itself is hashed.
    """
    if entry["resource_type"] in ("model", "snapshot") and entry.get("raw_code"):
        return sha1(entry["raw_code"].encode(), usedforsecurity=False).hexdigest()
    found = entry.get("checksum") or ""
    if isinstance(found, str):
        return found
    if found["name"] == "path" and entry.get("root_path"):
        return hash_file(Path(entry["root_path"], entry["original_file_path"]))
    return str(found["checksum"]) if found["name"] == "sha256" else ""


def _columns(entry: Entry) -> tuple[Column, ...]:
    columns: Iterable[Entry] = (entry.get("columns") or {}).values()
    stamped = _columns_of_run_time(entry)
    documented = tuple(
        Column(
            name=column["name"],
            type=column.get("data_type") or "",
            description=(column.get("description") or "").strip(),
            volatile=_is_volatile(column) or column["name"] in stamped,
        )
        for column in columns
    )
    rest = [name for name in stamped if name not in {column.name for column in documented}]
    return (*documented, *(Column(name=name, volatile=True) for name in rest))


def _columns_of_run_time(entry: Entry) -> list[str]:
    """Return the columns of a snapshot that hold the time of the run; none for other nodes.

    With the strategy `timestamp` they hold a time of the row.
    """
    config = entry.get("config") or {}
    if entry["resource_type"] != "snapshot" or config.get("strategy") != "check":
        return []
    names = config.get("snapshot_meta_column_names") or {}
    return [names.get(name) or name for name in _SNAPSHOT_TIMES]


def _is_volatile(column: Entry) -> bool:
    """Return whether `meta.floe.volatile` of a column is true; dbt has `config.meta` as well."""
    meta = {**(column.get("meta") or {}), **((column.get("config") or {}).get("meta") or {})}
    floe = meta.get("floe")
    return isinstance(floe, dict) and floe.get("volatile") is True


def _test(entry: Entry, config: Entry) -> dict[str, Any]:
    """Return the fields that only tests have. A test of one node belongs to that node."""
    kind = entry["resource_type"]
    parents = (entry.get("depends_on") or {}).get("nodes") or []
    if kind == "unit_test":
        tested = entry.get("tested_node_unique_id") or (parents[0] if parents else "")
        return {"tested": tested, "test_kind": "unit", "severity": "error"}
    if kind != "test":
        return {}
    only_parent = parents[0] if len(parents) == 1 else ""
    return {
        "tested": entry.get("attached_node") or only_parent,
        "test_kind": (entry.get("test_metadata") or {}).get("name") or "singular",
        "test_column": unquote(entry.get("column_name") or ""),
        "severity": str(config.get("severity") or "error").lower(),
        **_conditions(config),
    }


def _direct_parents(entry: Entry) -> Sequence[str]:
    return (entry.get("depends_on") or {}).get("nodes") or ()


def _conditions(config: Entry) -> dict[str, str]:
    """Return when a test's rows are an error or a warning, if not as in dbt's default."""
    conditions = {name: str(config.get(name) or "").strip() for name in ("error_if", "warn_if")}
    return {name: text for name, text in conditions.items() if text not in ("", DEFAULT_CONDITION)}


def nodes_in(
    manifest: Entry,
    project_dir: Path,
    dbt_vars: Entry | None = None,
    *,
    reads_texts: bool = False,
) -> tuple[Node, ...]:
    """Return the nodes of a dbt manifest, sorted by id. See `DbtGraph`.

    Raises:
        InvalidProductError: The manifest is not in dbt's format, or has a cycle.
    """
    try:
        return DbtGraph(manifest, project_dir, dbt_vars, reads_texts=reads_texts).nodes()
    except InvalidProductError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        missing = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        what = f"this is not a manifest of dbt's: {missing.splitlines()[0][:200]}"
        fix = "parse the project with a dbt that this floe knows, 1.8 or newer"
        raise InvalidProductError([Problem(what, fix, "manifest.json")]) from None
