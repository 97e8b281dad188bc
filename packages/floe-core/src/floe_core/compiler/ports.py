"""The ports of a product while it is compiled: read before dbt parses, resolved after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from floe_core.compiler.dbt_parse import UPSTREAM_FILE
from floe_core.compiler.findings import Findings
from floe_core.compiler.input_ports import input_ports, read_upstream_ports, with_ports
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.output_ports import resolve_output_ports
from floe_core.compiler.port_checks import check_input_ports
from floe_core.compiler.profile import Profile
from floe_core.compiler.project_columns import ProjectColumns
from floe_core.schemas.nodes import Node
from floe_core.schemas.ports import InputPort, Port


class PortReader:
    """Reads the ports of floe.yaml. `offered` and `read` are known once they are resolved.

    `files` maps the name of a file in the compiled folder's target to its text.

    Raises:
        InvalidProductError: What the product reads is not published as floe.yaml names it.
    """

    def __init__(self, inputs: Inputs, allows_missing: bool, findings: Findings) -> None:
        self._inputs = inputs
        self._findings = findings
        self._upstream = read_upstream_ports(inputs, allows_missing, findings)
        findings.raise_if_any()
        self.files: dict[str, str] = {}
        self.offered: tuple[Port, ...] = ()
        self.read: tuple[InputPort, ...] = ()

    def write_for_dbt(self, work: Path) -> None:
        """Write where floe's plugin of dbt finds the ports while dbt parses in this folder.

        Each environment has a folder of its own below it. Nothing is written without ports.
        """
        if not self._upstream.ports:
            return
        own = self._upstream.for_dbt()
        self.files[UPSTREAM_FILE] = own
        (work / UPSTREAM_FILE).write_text(own, "utf-8")
        for name in self._inputs.manifest.environments:
            text = self._upstream.for_dbt(name)
            (work / name).mkdir(exist_ok=True)
            (work / name / UPSTREAM_FILE).write_text(text, "utf-8")
            if text != own:
                self.files[f"upstream_ports.{name}.json"] = text

    def resolve(
        self, nodes: Sequence[Node], manifest: Mapping[str, Any], profile: Profile
    ) -> tuple[Node, ...]:
        """Resolve the ports in dbt's graph, and return it with what is known of input ports."""
        inputs, findings, upstream = self._inputs, self._findings, self._upstream
        nodes = with_ports(nodes, upstream)
        if not inputs.spec.output_ports and not upstream.ports:
            return nodes
        known = upstream.known_columns()
        columns = ProjectColumns(manifest, inputs.product_dir, known, inputs.spec.vars)
        self.offered = resolve_output_ports(inputs, nodes, manifest, columns, findings)
        check_input_ports(upstream, inputs, profile, nodes, manifest, columns, findings)
        self.read = input_ports(upstream, columns, nodes)
        return nodes
