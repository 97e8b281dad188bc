"""Check the columns that a product reads from its input ports against the ports' columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.ports.project_columns import ProjectColumns
from floe_core.compiler.ports.upstream import Upstream, UpstreamPorts
from floe_core.compiler.profile import Profile
from floe_core.foundation.errors import Problem
from floe_core.schemas.nodes import Node
from floe_core.schemas.ports import PortColumn
from floe_core.sql.names import unquote
from floe_core.warehouse.type_names import same_type


def check_input_ports(
    upstream: UpstreamPorts,
    inputs: Inputs,
    profile: Profile,
    nodes: Sequence[Node],
    manifest: Mapping[str, Any],
    columns: ProjectColumns,
    findings: Findings,
) -> None:
    """Note columns that a port lacks, types that differ, and an unreachable warehouse."""
    checks = _Checks(inputs, manifest, columns, findings)
    for each in upstream.ports:
        if each.port is not None:
            checks.check_expected(each)
            checks.check_read(each)
            checks.check_place(each, profile, nodes)


@dataclass(frozen=True)
class _Checks:
    inputs: Inputs
    manifest: Mapping[str, Any]
    columns: ProjectColumns
    findings: Findings

    def check_expected(self, upstream: Upstream) -> None:
        """Check the `columns` that floe.yaml expects of a port."""
        assert upstream.port is not None
        for name, kind in upstream.spec.columns.items():
            at = ("inputPorts", upstream.index, "columns", name)
            found = upstream.column(name)
            if found is None and upstream.port.is_complete:
                problem = self.inputs.spec_document.problem
                self.findings.add(problem(at, _lacks(upstream, name), _offer(upstream, name)))
            elif found is not None and not self._is_of_type(found, kind):
                what = f"column '{name}' of {_describe(upstream)} is {found.type}, not {kind}"
                fix = f"write {found.type}, or have the producer change its contract"
                self.findings.add(self.inputs.spec_document.problem(at, what, fix))

    def check_read(self, upstream: Upstream) -> None:
        """Check the columns that the project's own SQL names."""
        assert upstream.port is not None
        own_id = upstream.own_id
        readers = self.columns.readers(own_id)
        if not readers:
            if upstream.is_read_by_steps(self.inputs.spec):
                return
            # dbt itself reports a ref to an unknown node; in this case nothing refers to the port.
            self.findings.notice(f"floe.yaml: no node reads {_describe(upstream)}")
            return
        if not upstream.port.is_complete:
            return
        known = {column.key for column in upstream.port.columns}
        missing = self.columns.needed(own_id).columns - known
        for name in sorted(missing):
            self.findings.add(self._problem(upstream, name, readers))
        for reader in self._below(readers):
            for name in sorted(self.columns.unresolved_columns(reader) - missing):
                self.findings.add(self._explain_unresolved(upstream, name, reader))

    def check_place(self, upstream: Upstream, profile: Profile, nodes: Sequence[Node]) -> None:
        """Check that the consumer's warehouse can reach the producer's relation."""
        assert upstream.producer is not None
        theirs = upstream.producer.dbt.adapter
        at = ("inputPorts", upstream.index)
        if theirs != profile.adapter:
            what = f"{_describe(upstream)} lies in {theirs}, and this product runs on"
            what += f" {profile.adapter}: dbt reads it only if the two share their tables"
            self.findings.notice(f"floe.yaml: inputPorts: {what}")
        if "duckdb" not in (theirs, profile.adapter) or upstream.node is None:
            return
        # DuckDB ignores the case of names.
        own = {node.database.lower() for node in nodes if node.is_relation}
        attached = {_alias(each).lower() for each in profile.output.get("attach") or () if each}
        database = upstream.node.database
        if theirs == profile.adapter and database.lower() not in own | attached and own:
            what = (
                f"{_describe(upstream)} lies in the DuckDB database '{database}', which is not here"
            )
            fix = f"attach the file of {upstream.spec.product} as '{database}' in"
            fix += " plugins.compute.config.attach, or let both products use one file"
            self.findings.add(self.inputs.spec_document.problem(at, what, fix))

    def _is_of_type(self, column: PortColumn, expected: str) -> bool:
        if not (expected and column.type):
            return True
        dialect = str(self.manifest["metadata"].get("adapter_type") or "")
        return same_type(column.type, expected, dialect)

    def _problem(self, upstream: Upstream, name: str, readers: Sequence[str]) -> Problem:
        what, fix = _lacks(upstream, name), _offer(upstream, name)
        entries = (self.manifest["nodes"].get(each) or {} for each in self._below(readers))
        for entry in entries:
            if found := _place(entry, name):
                return Problem(what, fix, *found)
        at = ("inputPorts", upstream.index)
        return self.inputs.spec_document.problem(at, what, fix)

    def _explain_unresolved(self, upstream: Upstream, name: str, reader: str) -> Problem:
        what = f"nothing that {reader} reads has a column '{name}'"
        found = _place(self.manifest["nodes"][reader], name)
        return Problem(what, _offer(upstream, name), *found or ("", 0, 0, ""))

    def _below(self, readers: Sequence[str]) -> list[str]:
        """Return the readers, followed by the nodes downstream of them."""
        found = dict.fromkeys(readers)
        queue = list(readers)
        while queue:
            below = [each for each in self.columns.readers(queue.pop(0)) if each not in found]
            found.update(dict.fromkeys(below))
            queue += below
        return list(found)


def _alias(attached: Any) -> str:
    if not isinstance(attached, dict):
        return ""
    name = str(attached.get("path") or "").rpartition("/")[2].partition(".")[0]
    return str(attached.get("alias") or name)


def _place(entry: Mapping[str, Any], name: str) -> tuple[str, int, int, str] | None:
    """Return (file, line, column, text) where a node's code names a column, None if nowhere.

    Lines and columns count from 1.
    """
    plain = unquote(name)
    word = re.compile(rf"\b{re.escape(plain)}\b", re.IGNORECASE if plain == name else 0)
    path = str(entry.get("original_file_path") or "")
    for number, line in enumerate((entry.get("raw_code") or "").splitlines(), start=1):
        if found := word.search(line):
            return path, number, found.start() + 1, line
    return None


def _describe(upstream: Upstream) -> str:
    version = upstream.port.version if upstream.port else upstream.spec.version
    return f"port '{upstream.spec.port}' (version {version}) of '{upstream.spec.product}'"


def _lacks(upstream: Upstream, name: str) -> str:
    return f"{_describe(upstream)} has no column '{name}'"


def _offer(upstream: Upstream, name: str) -> str:
    assert upstream.port is not None
    columns = upstream.port.columns
    names = [column.key if column.is_quoted else column.name for column in columns]
    same = [each for each in names if unquote(each).lower() == unquote(name).lower()]
    near = same or get_close_matches(name, names, n=1)
    return f"did you mean '{near[0]}'?" if near else f"it has: {', '.join(names)}"
