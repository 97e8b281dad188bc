"""Resolve the input ports of floe.yaml against what their producers have published."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.ports.project_columns import ProjectColumns
from floe_core.compiler.ports.upstream import Upstream, UpstreamPorts
from floe_core.foundation.errors import StaleProductError
from floe_core.ports.published import PublishedProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.floe_yaml import FloeSpec, InputPortSpec
from floe_core.schemas.nodes import Column, Node
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.ports import InputPort, Port

# Project, model, and version in quotes or as a number.
_REF = re.compile(
    r"""\bref\(\s*['"](\w+)['"]\s*,\s*['"]([^'"]+)['"]\s*"""
    r"""(?:,\s*v(?:ersion)?\s*=\s*(?:['"]([^'"]+)['"]|([\d.]+))\s*)?\)"""
)
_TEMPLATES = ("*.sql", "*.py", "*.yml", "*.yaml")
# Fields of the node behind a port that the producer knows but dbt does not.
PORT_FIELDS = ("columns", "description", "meta", "schema_config", "port")
_NOT_OWN = frozenset({"target", "dbt_packages", "logs", ".venv", "venv"})


def read_upstream_ports(inputs: Inputs, allows_missing: bool, findings: Findings) -> UpstreamPorts:
    """Return the ports that floe.yaml reads, and note their problems.

    A port that cannot be read gets a placeholder in dbt. With `allows_missing`, one that is not
    published causes a notice only.
    """
    return _Reader(inputs, allows_missing, findings).read()


class _Reader:
    def __init__(self, inputs: Inputs, allows_missing: bool, findings: Findings) -> None:
        self._inputs = inputs
        self._products = inputs.manifest.products
        self._allows_missing = allows_missing
        self._findings = findings
        self._read: dict[str, CompiledArtifacts | None] = {}

    def read(self) -> UpstreamPorts:
        found = [
            each
            for index, spec in enumerate(self._inputs.spec.input_ports)
            if (each := self._upstream(index, spec)) is not None
        ]
        self._refuse_twice(found)
        self._refuse_cycle(found)
        self._refuse_same_model(found)
        stand_ins = self._stand_ins(found) if any(each.port is None for each in found) else ()
        return UpstreamPorts(tuple(found), tuple(sorted(set(stand_ins))))

    def _upstream(self, index: int, spec: InputPortSpec) -> Upstream | None:
        if spec.product is None or spec.port is None:
            what = "it needs `product` and `port` to be read"
            self._findings.notice(f"floe.yaml: not used here: inputPorts[{index}], {what}")
            return None
        if spec.product == self._inputs.spec.metadata.name:
            self._report(index, "product", "a product cannot read its own port", "use ref()")
            return Upstream(index, spec)
        if spec.product not in self._products:
            near = get_close_matches(spec.product, self._products, n=1)
            fix = f"did you mean '{near[0]}'?" if near else "add it: the folder or URL of its files"
            what = f"`products` of the manifest has no '{spec.product}'"
            self._report(index, "product", what, fix)
            return Upstream(index, spec)
        producer = self._producer(index, spec.product)
        port = None if producer is None else self._port(index, spec, producer)
        return Upstream(index, spec, producer, port)

    def _producer(self, index: int, product: str) -> CompiledArtifacts | None:
        if product not in self._read:
            self._read[product] = self._read_producer(index, product)
        return self._read[product]

    def _read_producer(self, index: int, product: str) -> CompiledArtifacts | None:
        folder = self._inputs.manifest_document.path.parent
        published = PublishedProduct(self._products[product], folder)
        try:
            found = published.read()
        except StaleProductError as error:
            what = f"what '{product}' published cannot be read: {error.problems[0].what}"
            self._report(index, "product", what, f"run `floe compile --publish` for '{product}'")
            return None
        if found is None:
            what = f"'{product}' is not published: {published.place} has no compiled product"
            if self._allows_missing:
                self._findings.notice(f"floe.yaml: inputPorts[{index}]: {what}")
            else:
                fix = f"run `floe compile --publish` for '{product}', or pass --allow-missing"
                self._report(index, "product", what, fix)
            return None
        if found.product.name != product:
            what = f"{published.place} holds the product '{found.product.name}'"
            self._report(index, "product", what, "correct `products` of the manifest")
            return None
        if found.dbt.project_name == self._inputs.dbt_project_name:
            what = f"'{product}' has the dbt project name of this one, {found.dbt.project_name}"
            self._report(index, "product", what, "rename one, so that ref() can tell them apart")
            self._findings.end_before_dbt = True
        return found

    def _port(self, index: int, spec: InputPortSpec, producer: CompiledArtifacts) -> Port | None:
        product, name = producer.product.name, spec.port
        named = [port for port in producer.ports if port.name == name]
        if not named:
            names = sorted({port.name for port in producer.ports})
            near = get_close_matches(str(name), names, n=1)
            hint = f"did you mean '{near[0]}'? it has" if near else "it has"
            what = f"'{product}' has no port '{name}'"
            self._report(index, "port", what, f"{hint}: {', '.join(names) or 'none'}")
            return None
        if spec.version is None:
            return named[-1]
        found = next((port for port in named if port.version == str(spec.version)), None)
        if found is None:
            versions = ", ".join(port.version for port in named)
            what = f"port '{name}' of '{product}' has no version {spec.version}"
            self._report(index, "version", what, f"read one that it has: {versions}")
        return found

    def _refuse_twice(self, found: Sequence[Upstream]) -> None:
        seen: set[tuple[object, ...]] = set()
        for each in found:
            key = (each.spec.product, each.spec.port, each.port.version if each.port else "")
            if key in seen:
                what = f"port '{each.spec.port}' of '{each.spec.product}' is read twice"
                self._report(each.index, "port", what, "keep one")
            seen.add(key)

    def _refuse_same_model(self, found: Sequence[Upstream]) -> None:
        """Note ports of two products that have one name in dbt."""
        first: dict[str, Upstream] = {}
        for each in found:
            other = first.setdefault(each.own_id, each) if each.own_id else each
            if other.spec.product != each.spec.product:
                name = f"port '{each.spec.port}' of '{each.spec.product}'"
                theirs = f"port '{other.spec.port}' of '{other.spec.product}'"
                what = f"{name} and {theirs} are both {each.own_id} in dbt"
                fix = "rename the dbt project of one, so that ref() can tell them apart"
                self._report(each.index, "port", what, fix)
                self._findings.end_before_dbt = True

    def _refuse_cycle(self, found: Sequence[Upstream]) -> None:
        """Note ports whose producers read a port of this product, directly or indirectly."""
        own = self._inputs.spec.metadata.name
        for each in found:
            way = self._way_to(own, [str(each.spec.product)])
            if way:
                what = f"products would form a cycle: {' -> '.join([own, *way])}"
                self._report(each.index, "product", what, "remove one of these input ports")

    def _way_to(self, own: str, way: list[str]) -> list[str]:
        """Return the products on a path from the end of `way` to this one, [] if there is none."""
        producer = self._read_published(way[-1])
        for port in producer.input_ports if producer else ():
            if port.product == own:
                return [*way, own]
            if port.product not in way and (longer := self._way_to(own, [*way, port.product])):
                return longer
        return []

    def _read_published(self, product: str) -> CompiledArtifacts | None:
        if product not in self._read and product in self._products:
            folder = self._inputs.manifest_document.path.parent
            with suppress(StaleProductError):
                self._read[product] = PublishedProduct(self._products[product], folder).read()
        return self._read.get(product)

    def _stand_ins(self, found: Sequence[Upstream]) -> Iterator[tuple[str, str, str]]:
        """Yield the refs into projects that are neither here nor published.

        The name of an unpublished product's dbt project is not known.
        """
        root = self._inputs.product_dir
        packages = root / self._inputs.packages_path
        known = {each.producer.dbt.project_name for each in found if each.producer}
        known -= {
            each.producer.dbt.project_name for each in found if each.producer and not each.port
        }
        known |= {self._inputs.dbt_project_name, *(path.name for path in packages.glob("*"))}
        for pattern in _TEMPLATES:
            for path in root.rglob(pattern):
                if packages in path.parents or _NOT_OWN & set(path.relative_to(root).parts):
                    continue
                for project, model, *versions in _REF.findall(path.read_text("utf-8", "replace")):
                    if project not in known:
                        yield project, model, "".join(versions)

    def _report(self, index: int, key: str, what: str, fix: str) -> None:
        location = ("inputPorts", index, key)
        self._findings.add(self._inputs.spec_document.problem(location, what, fix))


def with_ports(nodes: Sequence[Node], upstream: UpstreamPorts) -> tuple[Node, ...]:
    """Return the nodes, those behind input ports with the data of their producers."""
    ports = {each.own_id: each for each in upstream.ports if each.port is not None}
    return tuple(
        _as_port(node, ports[node.unique_id]) if node.unique_id in ports else node for node in nodes
    )


def _as_port(node: Node, upstream: Upstream) -> Node:
    producer, port = upstream.node, upstream.port
    assert producer is not None
    assert port is not None
    return node.model_copy(
        update={
            "columns": tuple(Column(name=c.name, type=c.type) for c in port.columns),
            "description": port.description,
            "meta": producer.meta,
            "schema_config": producer.schema_config,
            "port": port.key_in(str(upstream.spec.product)),
        }
    )


def input_ports(
    upstream: UpstreamPorts,
    columns: ProjectColumns,
    nodes: Sequence[Node],
    own: FloeSpec,
    offered: Sequence[Port],
) -> tuple[InputPort, ...]:
    """Return the ports for the artifacts. A step may read any of a port's columns."""
    known_ids = {node.unique_id for node in nodes}
    offered_ids = {port.node_id for port in offered}
    ports = []
    for each in upstream.ports:
        port = _input_port(each, columns, known_ids, offered_ids)
        reads_all = each.is_read_by_steps(own)
        ports.append(port.model_copy(update={"columns_read": None}) if reads_all else port)
    return tuple(ports)


def _input_port(
    upstream: Upstream, columns: ProjectColumns, known_ids: set[str], offered_ids: set[str]
) -> InputPort:
    spec, own_id = upstream.spec, upstream.own_id
    product, name = str(spec.product), str(spec.port)
    if upstream.port is None or upstream.node is None or upstream.producer is None:
        return InputPort(product=product, port=name, version=str(spec.version or 1))
    read, needed = columns.needed_columns(own_id), columns.needed(own_id)
    expected = {
        found.key if (found := upstream.column(name)) else name.lower() for name in spec.columns
    }
    passed = columns.passed_columns(own_id, sorted(offered_ids)) if offered_ids else set()
    return InputPort(
        product=product,
        port=name,
        version=upstream.port.version,
        node_id=own_id if own_id in known_ids else "",
        label=_label(upstream.node, upstream.producer),
        columns=upstream.port.columns,
        columns_read=None if read is None else tuple(sorted(read | expected)),
        leading_read=needed.first,
        is_read_whole=needed.is_whole,
        not_wanted=None if needed.is_closed else tuple(sorted(needed.unwanted)),
        columns_passed_on=tuple(sorted(passed - expected)),
        partitions=_partitions(upstream.producer, upstream.port),
    )


def _partitions(producer: CompiledArtifacts, port: Port) -> Partitions | None:
    declared = producer.partitions
    return declared.calendar if declared and port.node_id in declared.members else None


def _label(node: Node, producer: CompiledArtifacts) -> str:
    is_own = node.package == producer.dbt.project_name
    return node.label if is_own else f"{node.package}/{node.label}"
