"""Compare what a contract promises with the ports that a product has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.ports import Port, PortColumn
from floe_core.warehouse.type_names import logical_type, same_type
from floe_diff.contracts.document import Contract, ContractColumn, ContractRelation
from floe_diff.ports import PortChange


def changes_of_contract(contract: Contract, product: CompiledArtifacts) -> tuple[PortChange, ...]:
    """Return how a product's ports differ from a contract.

    A change that breaks a promise `breaks` the contract, by its id.
    """
    changes: list[PortChange] = []
    for relation in contract.relations:
        port = port_of(relation, contract, product)
        if isinstance(port, str):
            changes.append(PortChange(relation.name, port, breaks=(contract.label,)))
        else:
            changes += _Compared(contract, relation, product, port).changes()
    return tuple(changes)


def port_of(
    relation: ContractRelation, contract: Contract, product: CompiledArtifacts
) -> Port | str:
    """Return the port that a relation of a contract is about, or why there is none.

    That is the port that the contract has as its id, or the one with the relation's name, or with
    its own. Of several versions it is the contract's.
    """
    by_id = [p for p in product.ports if p.key_in(product.product.name) == contract.contract_id]
    if by_id and len(contract.relations) == 1:
        return by_id[0]
    names = {relation.name.lower(), relation.physical_name.lower()} - {""}
    found = [port for port in product.ports if names & set(_names(product, port))]
    if not found:
        there = ", ".join(port.key for port in product.ports) or "none"
        return f"no port has this name; the ports are {there}"
    exact = [port for port in found if _in_three_parts(port.version) == contract.version]
    if len(found) == 1 or exact:
        return (exact or found)[0]
    there = ", ".join(port.version for port in found)
    return f"version {contract.version or 'unknown'} is not there; there is {there}"


def _names(product: CompiledArtifacts, port: Port) -> Iterator[str]:
    """Yield the names of a port, in lower case: its own, and those of its relation."""
    node = product.by_id[port.node_id]
    yield port.name.lower()
    yield node.name.lower()
    parts = [part.lower() for part in (node.database, node.schema_name, node.identifier) if part]
    for start in range(len(parts)):
        yield ".".join(parts[start:])


def _in_three_parts(version: str) -> str:
    """Return a port's version as contracts have it.

    >>> _in_three_parts("2"), _in_three_parts("1.4")
    ('2.0.0', '1.4.0')
    """
    parts = version.split(".")
    return ".".join([*parts, "0", "0", "0"][: max(3, len(parts))])


class _Compared:
    """A relation of a contract beside the port that it is about."""

    def __init__(
        self, contract: Contract, relation: ContractRelation, product: CompiledArtifacts, port: Port
    ) -> None:
        self._contract, self._relation, self._product = contract, relation, product
        self._port, self._node = port, product.by_id[port.node_id]
        self._dialect = product.dbt.adapter
        # Without servers, physical types are taken for those of the product's warehouse.
        adapters = contract.adapters
        self._has_own_types = not adapters or self._dialect in adapters
        self._contract_dialect = self._dialect if self._has_own_types else sorted(adapters)[0]

    def changes(self) -> Iterator[PortChange]:
        """Yield each difference: columns of the contract in its order, then new ones."""
        there = {column.name.lower(): column for column in self._port.columns}
        promised = self._relation.properties
        for column in promised:
            yield from self._column(column, there.get(column.column.lower()))
        known = {column.column.lower() for column in promised}
        for name, added in there.items():
            if name not in known:
                yield PortChange(self._port.key, f"column {added.name} added", added.name)

    def _column(self, promised: ContractColumn, found: PortColumn | None) -> Iterator[PortChange]:
        name = promised.column
        if found is None:
            if self._port.is_complete:
                yield self._broken(name, "dropped")
            else:
                what = f"column {name} is not among the known ones: the port may have others"
                yield PortChange(self._port.key, what, name)
            return
        if difference := self._type_difference(promised, self._type_of(found)):
            yield self._broken(name, difference, ":")
        for is_promised, test, text in (
            (promised.required or promised.primary_key, "not_null", "required -> may be null"),
            (promised.unique or promised.primary_key, "unique", "unique -> may repeat"),
        ):
            if is_promised and test not in tests_of(self._product, self._node, name):
                yield self._broken(name, text, ":")

    def _broken(self, column: str, what: str, mark: str = "") -> PortChange:
        text = f"column {column}{mark} {what}"
        return PortChange(self._port.key, text, column, (self._contract.label,))

    def _type_of(self, column: PortColumn) -> str:
        """Return the type of a column by dbt's contract, or else as documented, "" for none."""
        documented = {each.name.lower(): each.type for each in self._node.columns}
        return column.type or documented.get(column.name.lower(), "")

    def _type_difference(self, promised: ContractColumn, kind: str) -> str:
        """Return how the types differ, "" if they do not or one is unknown."""
        if not kind:
            return ""
        if promised.physical_type and self._has_own_types:
            is_same = same_type(promised.physical_type, kind, self._dialect)
            return "" if is_same else f"{promised.physical_type} -> {kind}"
        logical = promised.logical_type or logical_type(
            promised.physical_type, self._contract_dialect
        )
        ours = logical_type(kind, self._dialect)
        # Each whole number is a number.
        is_same = not logical or not ours or ours == logical or (logical, ours) == _WIDER
        return "" if is_same else f"{logical} -> {ours} ({kind})"


_WIDER = ("number", "integer")


def tests_of(product: CompiledArtifacts, node: Node, column: str) -> Sequence[str]:
    """Return the kinds of tests of a column that fail a run."""
    return [
        each.test_kind
        for each in product.nodes
        if each.is_test
        and each.tested == node.unique_id
        and each.test_column.lower() == column.lower()
        and each.severity.lower() != "warn"
    ]
