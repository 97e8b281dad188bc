"""Read a product's ports before dbt parses, and resolve them afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from floe_core.compiler.dbt.complaints import SOURCES_FILE
from floe_core.compiler.dbt.parse import UPSTREAM_FILE
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.ports.input_ports import input_ports, read_upstream_ports, with_ports
from floe_core.compiler.ports.output_ports import resolve_output_ports
from floe_core.compiler.ports.port_checks import check_input_ports
from floe_core.compiler.ports.project_columns import ProjectColumns
from floe_core.compiler.profile import HEADER, Profile, is_generated
from floe_core.foundation.errors import Problem
from floe_core.schemas.nodes import Node
from floe_core.schemas.ports import InputPort, Port
from floe_core.storage.files import write_together
from floe_core.user_yaml.dbt_vars import values_for_dbt


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
