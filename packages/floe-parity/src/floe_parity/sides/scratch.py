"""Confine a run to schemas of its own, in a warehouse that people share.

The target of a side of parity, or of a check of a change, gets a schema with a unique name, from
which dbt derives the names of all other schemas. Before anything runs, the parsed project shows
where each relation goes.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from floe_core.alerts import report
from floe_core.compiler.compile_product import CompiledProduct
from floe_core.compiler.inputs import render_environment
from floe_core.compiler.profile import Profile
from floe_core.foundation.errors import InvalidProductError, Problem, UsageError
from floe_core.partitions import store
from floe_core.ports import ledger
from floe_core.reuse import state_store
from floe_core.runs import dbt_files
from floe_core.schemas.compiled_artifacts import DBT_MANIFEST_FILE
from floe_core.warehouse.credentials import credentials_of
from floe_core.warehouse.dialects import dialect_of

# Schedules are only read by a run, and without alerts nothing is written to their store.
_SHARED = (ledger.LEDGER_VARIABLE, store.STORE_VARIABLE, state_store.STORE_VARIABLE)

PARITY = "parity"
# The schema if a DuckDB profile names none.
DEFAULT_SCHEMA = "main"
_KINDS = ("model", "seed", "snapshot", "function", "test")
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Scratch:
    """The schemas of a side: all with `base` in their names, in place of the product's `schema`.

    `owner` is the floe command that runs in them.
    """

    base: str
    schema: str
    owner: str = PARITY

    @staticmethod
    def prefix(owner: str) -> str:
        """Return the prefix of the names of an owner's schemas."""
        return f"floe_{owner}_"

    def original(self, text: str) -> str:
        """Return a text with the product's own schemas in place of the side's."""
        return text.replace(self.base, self.schema)


def new_name() -> str:
    """Return a name that distinguishes the schemas of a side from all others."""
    return secrets.token_hex(4)


def new_scratch(profile: Profile, owner: str = PARITY, name: str = "") -> Scratch:
    """Return schemas for a side, which dbt will create; `name` must be unique to the side."""
    schema = render_environment(profile.schema or DEFAULT_SCHEMA)
    return Scratch(Scratch.prefix(owner) + (name or new_name()), schema, owner)


def in_scratch(profile: Profile, scratch: Scratch) -> Profile:
    """Return the profile with the side's schema.

    Raises:
        UsageError: Runs would not use it, since the profile stays where it is.
    """
    refuse_secrets_in(profile, scratch.owner)
    return profile.in_schema(scratch.base)


def sharing_files(profile: Profile, of: Profile, home: Path) -> Profile:
    """Return the profile whose sessions use the files of another one's sessions in `home`."""
    dialect = dialect_of(profile.adapter)
    file = dialect.file_of_one_writer(of.output, home)
    if file is None or not file.is_dir():
        return profile
    return replace(profile, output=dialect.using_file(profile.output, file.absolute()))


def refuse_secrets_in(profile: Profile, owner: str = PARITY) -> None:
    """Refuse a profile that is not copied because of its literal secrets: runs would use it as is.

    Raises:
        UsageError: The profile is not copied.
    """
    if not profile.folder:
        raise UsageError(
            f"{owner} runs with a profile of its own, and this one holds literal secrets, which "
            "are not copied; write them as env_var() in it"
        )


def refuse_writes_outside(
    compiled: CompiledProduct, scratch: Scratch, node_ids: Collection[str] | None = None
) -> None:
    """Refuse a product that would write outside the side's schemas, before it runs.

    `node_ids` are the nodes to run, None for all.

    Raises:
        InvalidProductError: It would, or would not read what it builds; lists each node and source.
    """
    manifest = _narrow(json.loads(compiled.files[DBT_MANIFEST_FILE]), node_ids)
    written = written_nodes(manifest)
    dbt = compiled.artifacts.dbt
    dialect = dialect_of(dbt.adapter)
    database = credentials_of(dbt, compiled.destination).database or ""
    cased = written if dialect.keeps_quoted_case else []
    problems = [
        *(each for node in written for each in _elsewhere(node, database, scratch)),
        *(each for node in cased for each in _check_quoting(node, scratch)),
        *(problem for node in written for problem in _outside(node, scratch, dialect.longest_name)),
        *_sources(manifest, written, scratch),
    ]
    if problems:
        raise InvalidProductError(problems)


def refuse_other_files(
    compiled: CompiledProduct, owner: str = PARITY, node_ids: Collection[str] | None = None
) -> None:
    """Refuse a product that would write to another database than its own DuckDB file.

    `node_ids` are the nodes to run, None for all.

    Raises:
        InvalidProductError: It would; lists each node.
    """
    own = credentials_of(compiled.artifacts.dbt, compiled.destination).database
    problems = [
        Problem(
            f"{node['unique_id']} goes to the database '{node['database']}', which is attached, "
            f"and {owner} writes to a file of its own only",
            "leave out `database`, or choose a target, with DBT_TARGET, that does",
            node["original_file_path"],
        )
        for node in written_nodes(_narrow(json.loads(compiled.files[DBT_MANIFEST_FILE]), node_ids))
        if node["database"] != own
    ]
    if problems:
        raise InvalidProductError(problems)


def _narrow(manifest: Entry, node_ids: Collection[str] | None) -> Entry:
    """Return a manifest with only these nodes."""
    if node_ids is None:
        return manifest
    kinds = ("nodes", "functions")
    parts = {
        kind: {i: each for i, each in (manifest.get(kind) or {}).items() if i in node_ids}
        for kind in kinds
    }
    return {**manifest, **parts}


def written_nodes(manifest: Entry) -> list[Entry]:
    """Return the nodes of a manifest for which a run creates relations."""
    nodes = [*manifest["nodes"].values(), *(manifest.get("functions") or {}).values()]
    return [node for node in nodes if _is_written(node)]


def _is_written(node: Entry) -> bool:
    """Return whether a run creates a relation for it; for a test, if its failures are stored."""
    is_folded = (node.get("config") or {}).get("materialized") == "ephemeral"
    is_external = node["resource_type"] == "model" and not node.get("original_file_path")
    is_test = node["resource_type"] == "test"
    return (
        node["resource_type"] in _KINDS
        and not (is_folded or is_external)
        and not (is_test and not node.get("relation_name"))
    )


def _outside(node: Entry, scratch: Scratch, longest: int | None) -> Iterator[Problem]:
    schema = str(node["schema"])
    if scratch.base not in schema:
        yield Problem(
            f"{node['unique_id']} goes to the schema '{schema}' whatever the target's is, and "
            f"{scratch.owner} writes to schemas of its own only",
            "choose a target, with DBT_TARGET, where generate_schema_name uses target.schema",
            node["original_file_path"],
        )
    elif longest and len(schema.encode()) > longest:
        yield Problem(
            f"{node['unique_id']} would go to the schema '{schema}', longer than {longest} bytes",
            f"shorten the schema's name: {scratch.owner} needs {len(scratch.base)} bytes of it",
            node["original_file_path"],
        )


def _elsewhere(node: Entry, database: str, scratch: Scratch) -> Iterator[Problem]:
    """Yield a problem if a node goes to another database, where no schema would be dropped."""
    own = str(node.get("database") or "")
    if own.lower() != database.lower():
        yield Problem(
            f"{node['unique_id']} goes to the database '{own}', and {scratch.owner} writes to that "
            f"of the target only, '{database}'",
            "leave out `database`, or choose a target, with DBT_TARGET, that does",
            node["original_file_path"],
        )


def _check_quoting(node: Entry, scratch: Scratch) -> Iterator[Problem]:
    """Yield a problem if the warehouse keeps a name's case, while floe looks for upper case."""
    name = str(node.get("relation_name") or "")
    if '"' in name:
        yield Problem(
            f"{node['unique_id']} has a quoted name, {name}, and {scratch.owner} reads tables by "
            "names in upper case",
            "leave out `quoting` in dbt_project.yml",
            node["original_file_path"],
        )


def _sources(manifest: Entry, written: list[Entry], scratch: Scratch) -> Iterator[Problem]:
    """Yield problems of used sources that would differ from those outside of parity."""
    used = {
        parent
        for node in manifest["nodes"].values()
        for parent in (node.get("depends_on") or {}).get("nodes") or ()
    }
    built = {(str(node["schema"]), str(node["alias"])) for node in written if node.get("alias")}
    for unique_id in sorted(used & (manifest.get("sources") or {}).keys()):
        source = manifest["sources"][unique_id]
        place = str(source["schema"]), str(source["identifier"])
        if scratch.base in place[0] and place not in built:
            yield Problem(
                f"{unique_id} is in the target's schema, and nothing in the product builds it",
                "name the source's schema as it is, not by target.schema",
                source["original_file_path"],
            )
        elif place in {(scratch.original(schema), alias) for schema, alias in built}:
            yield Problem(
                f"{unique_id} is built by the product, but would be read from '{place[0]}'",
                "name the source's schema by target.schema, or read it with ref()",
                source["original_file_path"],
            )


def prepare_run_apart(folder: Path) -> dict[str, str]:
    """Create the folder, and return the environment variables of such a run.

    It sends no alerts and publishes no artifacts of dbt. What it would write to stores that
    products share, it writes to the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    disabled = (report.DISABLED_VARIABLE, dbt_files.DISABLED_VARIABLE)
    return {**dict.fromkeys(_SHARED, str(folder)), **dict.fromkeys(disabled, "true")}
