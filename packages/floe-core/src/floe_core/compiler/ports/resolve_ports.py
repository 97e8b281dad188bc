"""Read a product's ports before dbt parses, and resolve them afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from floe_core.compiler.dbt.complaints import SOURCES_FILE
from floe_core.compiler.dbt.parse import UPSTREAM_FILE
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.nodes.refine import names_of_relations
from floe_core.compiler.ports.input_ports import input_ports, read_upstream_ports, with_ports
from floe_core.compiler.ports.port_checks import check_input_ports
from floe_core.compiler.ports.project_columns import ProjectColumns, contract_columns
from floe_core.compiler.profile import HEADER, Profile, is_generated
from floe_core.foundation.errors import Problem
from floe_core.schemas.floe_yaml import OutputPortSpec
from floe_core.schemas.nodes import Node
from floe_core.schemas.ports import InputPort, Port, PortColumn
from floe_core.sql.names import unquote
from floe_core.storage.files import write_together
from floe_core.user_yaml.dbt_vars import values_for_dbt
from floe_core.user_yaml.source_map import Document

FIRST_VERSION = "1"


def resolve_output_ports(
    inputs: Inputs,
    nodes: Sequence[Node],
    manifest: Mapping[str, Any],
    columns: ProjectColumns,
    findings: Findings,
) -> tuple[Port, ...]:
    """Return the ports in the order of floe.yaml; note all their problems.

    An entry that names no dbt node belongs to the public format, and floe ignores it.
    """
    by_name = names_of_relations(nodes, inputs.dbt_project_name)
    reader = _Reader(inputs.spec_document, by_name, manifest, columns, findings)
    found = [reader.read(index, spec) for index, spec in enumerate(inputs.spec.output_ports)]
    return tuple(port for port in found if port is not None)


@dataclass(frozen=True)
class _Reader:
    document: Document
    by_name: Mapping[str, Node]
    manifest: Mapping[str, Any]
    columns: ProjectColumns
    findings: Findings
    seen: set[tuple[str, str]] = field(default_factory=set)

    def read(self, index: int, spec: OutputPortSpec) -> Port | None:
        node = self._node(index, spec)
        if node is None:
            return None
        name = spec.name or node.name
        version = str(spec.version) if spec.version is not None else node.version or FIRST_VERSION
        if (name, version) in self.seen:
            self._report(
                index, f"port '{name}' has version {version} twice", "give one another number"
            )
        self.seen.add((name, version))
        entry = self.manifest["nodes"][node.unique_id]
        if (entry.get("access") or "") == "private":
            what = f"port '{name}' offers {node.unique_id}, which is private in dbt"
            self._report(index, what, "write `access: public` in the model's properties")
        return Port(
            name=name,
            version=version,
            node_id=node.unique_id,
            description=spec.description.strip() or node.description,
            **self._contents(node, entry),
        )

    def _node(self, index: int, spec: OutputPortSpec) -> Node | None:
        wanted = spec.model or spec.name or ""
        versioned = self.by_name.get(f"{wanted}.v{spec.version}")
        found = versioned or self.by_name.get(wanted)
        if found is not None:
            if versioned is None and spec.version is not None and found.label != wanted:
                self._refuse_version(index, spec, found)
            return found
        near = get_close_matches(wanted, self.by_name, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "name a model, seed or snapshot of dbt"
        what = f"output port: no model, seed or snapshot of dbt is called '{wanted}'"
        if unusable := self._describe_unusable(wanted):
            self._report(index, f"output port: {wanted} {unusable}", "offer one that dbt builds")
            return None
        if spec.model:
            self._report(index, what, hint)
        elif near:
            self.findings.notice(f"floe.yaml: outputPorts: {what}; {hint}")
        else:
            self.findings.notice(f"floe.yaml: not used here: outputPorts[{index}], {what}")
        return None

    def _refuse_version(self, index: int, spec: OutputPortSpec, found: Node) -> None:
        same = [each for each in self.by_name.values() if each.name == found.name]
        versions = sorted((each.version for each in same), key=lambda v: (len(v), v))
        what = f"output port: model '{found.name}' has no version {spec.version} in dbt"
        known = ", ".join(dict.fromkeys(versions))
        fix = f"write one that it has: {known}; or name the model with its version: {found.label}"
        self._report(index, what, fix)

    def _describe_unusable(self, wanted: str) -> str:
        """Return why dbt builds no relation of this name, "" if it knows nothing by the name."""
        for entry in self.manifest["nodes"].values():
            if entry["name"] == wanted and entry["config"].get("materialized") == "ephemeral":
                return "is ephemeral in dbt, so it has no relation in the warehouse"
        disabled = (
            entry for each in (self.manifest.get("disabled") or {}).values() for entry in each
        )
        if any(entry["name"] == wanted for entry in disabled):
            return "is disabled in dbt"
        return ""

    def _contents(self, node: Node, entry: Mapping[str, Any]) -> dict[str, Any]:
        if contract := contract_columns(entry):
            columns = tuple(self._of_contract(each) for each in contract)
            return {"columns": columns, "is_complete": True}
        declared = {self.columns.written(column.name): column for column in node.columns}
        derived = self.columns.columns(node.unique_id)
        keys = derived or tuple(declared)
        found = tuple(
            PortColumn(
                name=name if derived else declared[key].name,
                type=declared[key].type if key in declared else "",
                is_quoted=name != key,
            )
            for key in keys
            if (name := unquote(key))
        )
        return {"columns": found, "is_complete": derived is not None}

    def _of_contract(self, column: Mapping[str, Any]) -> PortColumn:
        name, kind = column["name"], column.get("data_type") or ""
        is_quoted = self.columns.written(name, is_quoted=bool(column.get("quote"))) != name.lower()
        return PortColumn(name=name, type=kind, is_quoted=is_quoted)

    def _report(self, index: int, what: str, fix: str) -> None:
        self.findings.add(self.document.problem(("outputPorts", index), what, fix))


class PortReader:
    """Reads the ports of floe.yaml. `offered` and `read` are set once they are resolved.

    `files` maps the name of a file in the compiled folder's target to its text.
    """

    def __init__(self, inputs: Inputs, allows_missing: bool, findings: Findings) -> None:
        self._inputs = inputs
        self._findings = findings
        self._upstream = read_upstream_ports(inputs, allows_missing, findings)
        if findings.end_before_dbt:
            findings.raise_if_any()
        self.files: dict[str, str] = {}
        self.offered: tuple[Port, ...] = ()
        self.read: tuple[InputPort, ...] = ()

    def write_for_dbt(self, work: Path) -> None:
        """Write the ports to the file that floe's dbt plugin reads while dbt parses in this folder.

        Each environment has its own folder below it. Without ports, nothing is written.
        """
        if not self._upstream.ports:
            return
        if self._inputs.spec.execution.dbt_executable:
            self._write_sources()
        own = self._upstream.for_dbt()
        self.files[UPSTREAM_FILE] = own
        (work / UPSTREAM_FILE).write_text(own, "utf-8")
        for name in self._inputs.manifest.environments:
            text = self._upstream.for_dbt(name)
            (work / name).mkdir(exist_ok=True)
            (work / name / UPSTREAM_FILE).write_text(text, "utf-8")
            if text != own:
                self.files[f"upstream_ports.{name}.json"] = text

    def _write_sources(self) -> None:
        """Write the ports as sources for a dbt that may not have floe's plugin, such as dbt 2.

        The file is in the first models folder, and replaces one that floe wrote before.
        """
        paths = self._inputs.dbt_document.data.get("model-paths") or ["models"]
        folder = self._inputs.product_dir / str(paths[0])
        file = folder / SOURCES_FILE
        if file.exists() and not is_generated(file):
            shown = str(file.relative_to(self._inputs.product_dir))
            what = "the file is not floe's; the sources of the input ports would replace it"
            self._findings.add(Problem(what, "rename the file", shown))
            self._findings.raise_if_any()
        text = self._upstream.as_sources(self._inputs.manifest.environments)
        write_together(folder, {SOURCES_FILE: (HEADER + text).encode()})

    def resolve(
        self, nodes: Sequence[Node], manifest: Mapping[str, Any], profile: Profile
    ) -> tuple[Node, ...]:
        """Resolve the ports in dbt's graph, and return it with the data of input ports."""
        inputs, findings = self._inputs, self._findings
        if not inputs.spec.output_ports and not self._upstream.ports:
            return tuple(nodes)
        upstream = self._upstream.read_in(nodes, inputs.dbt_project_name)
        nodes = with_ports(nodes, upstream)
        known = upstream.known_columns()
        columns = ProjectColumns(
            manifest,
            inputs.product_dir,
            known,
            values_for_dbt(inputs.spec.vars),
            packages_path=inputs.packages_path,
        )
        self.offered = resolve_output_ports(inputs, nodes, manifest, columns, findings)
        check_input_ports(upstream, inputs, profile, nodes, manifest, columns, findings)
        self.read = input_ports(upstream, columns, nodes, inputs.spec, self.offered)
        return nodes
