"""Find the effects of a change on the products that read a product's ports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.ports import InputPort, Port
from floe_core.warehouse.type_names import same_type


@dataclass(frozen=True, slots=True)
class PortChange:
    """One change of a port, and the products that it breaks, sorted.

    `port` is `name@version`, `column` the column that changed, "" for the port as a whole. A
    product is broken if something in it names the column, if the columns that it reads are
    unknown, or if a new column or another order breaks it.
    """

    port: str
    what: str
    column: str = ""
    breaks: tuple[str, ...] = ()

    def __str__(self) -> str:
        broken = f"; breaks {', '.join(self.breaks)}" if self.breaks else ""
        return f"{self.port}: {self.what}{broken}"


def changed_ports(
    old: CompiledArtifacts, new: CompiledArtifacts, consumers: Iterable[CompiledArtifacts]
) -> tuple[PortChange, ...]:
    """Return what changed in the ports that `old` offers, and which consumers that breaks."""
    readers = [each for each in consumers if each.product.name != new.product.name]
    kept = {(port.name, port.version): port for port in new.ports}
    changes: list[PortChange] = []
    for port in old.ports:
        key = port.key_in(old.product.name)
        reading = Reading(key, readers)
        after = kept.get((port.name, port.version))
        changes += _changes(old, new, port, after, reading)
    return tuple(changes)


@dataclass(frozen=True, slots=True)
class Reading:
    """The products that read a port, by its key, directly or through another product."""

    key: str
    consumers: Sequence[CompiledArtifacts]

    def direct(self) -> list[tuple[str, InputPort]]:
        """Return (product, its input port) of those that name the port in floe.yaml."""
        return [
            (c.product.name, p) for c in self.consumers for p in c.input_ports if p.key == self.key
        ]

    def of_column(self, column: str) -> set[str]:
        """Return the products that read a column, also where others pass it on by a `*`."""
        found: set[str] = set()
        keys = [self.key]
        # The list grows while it is read.
        for key in keys:
            for product in self.consumers:
                for port in product.input_ports:
                    if port.key != key:
                        continue
                    if port.columns_read is None or column in port.columns_read:
                        found.add(product.product.name)
                    elif column in port.columns_passed_on:
                        ports = _ports_with(column, product)
                        keys += [each for each in ports if each not in keys]
        return found


def _ports_with(column: str, product: CompiledArtifacts) -> list[str]:
    name = product.product.name
    return [
        port.key_in(name)
        for port in product.ports
        if any(each.key == column for each in port.columns)
    ]


def _changes(
    old: CompiledArtifacts,
    new: CompiledArtifacts,
    before: Port,
    after: Port | None,
    reading: Reading,
) -> Iterator[PortChange]:
    name = before.key
    everybody = tuple(sorted({product for product, _ in reading.direct()}))
    if after is None:
        still = [port.version for port in new.ports if port.name == before.name]
        what = f"version removed; there is {', '.join(still)}" if still else "withdrawn"
        yield PortChange(name, what, breaks=everybody)
        return
    moved = _describe_move(old, old.by_id[before.node_id], new, new.by_id[after.node_id])
    if moved:
        yield PortChange(name, moved, breaks=everybody)
    yield from changed_columns(name, before, after, reading, new.dbt.adapter)


def _describe_move(
    old: CompiledArtifacts, before: Node, new: CompiledArtifacts, after: Node
) -> str:
    """Return how consumers would have to refer to the port otherwise, "" for as before."""
    names = [f"{a.dbt.project_name}.{n.label}" for a, n in ((old, before), (new, after))]
    if names[0] != names[1]:
        return f"ref {names[0]} -> {names[1]}"
    places = [".".join((n.database, n.schema_name, n.identifier)) for n in (before, after)]
    return f"relation {places[0]} -> {places[1]}" if places[0] != places[1] else ""


def changed_columns(
    name: str, before: Port, after: Port, reading: Reading, dialect: str
) -> Iterator[PortChange]:
    """Yield the changes of a port's columns; `reading` are the products that read it."""
    kept = {column.key: column for column in after.columns}
    for column in before.columns:
        found = kept.get(column.key)
        breaks = tuple(sorted(reading.of_column(column.key)))
        if found is None and after.is_complete:
            yield PortChange(name, f"column {column.name} dropped", column.name, breaks)
        elif found is not None and not _is_same_type(column.type, found.type, dialect):
            what = f"column {column.name}: {column.type} -> {found.type}"
            yield PortChange(name, what, column.name, breaks)
    if before.is_complete and after.is_complete:
        yield from _added_columns(name, before, after, reading)
        yield from _moved_columns(name, before, after, reading)


def _added_columns(name: str, before: Port, after: Port, reading: Reading) -> Iterator[PortChange]:
    """Yield the new columns that break a product."""
    known = {column.key for column in before.columns}
    for column in after.columns:
        added = column.key
        if added not in known:
            names = [(product, port.not_wanted) for product, port in reading.direct()]
            breaks = sorted({p for p, found in names if found is None or added in found})
            if breaks:
                yield PortChange(name, f"column {column.name} added", column.name, tuple(breaks))


def _moved_columns(name: str, before: Port, after: Port, reading: Reading) -> Iterator[PortChange]:
    """Yield the change of the order of columns if it breaks a product that reads by position."""
    old, new = ([column.key for column in port.columns] for port in (before, after))
    breaks = {product for product, port in reading.direct() if _is_moved(old, new, port)}
    if breaks:
        what = f"columns in order {', '.join(old)} -> {', '.join(new)}"
        yield PortChange(name, what, breaks=tuple(sorted(breaks)))


def _is_moved(old: Sequence[str], new: Sequence[str], port: InputPort) -> bool:
    """Return whether a product gets other columns by position. A renamed one is the same one."""
    if port.is_read_whole and len(old) != len(new):
        return True
    count = len(old) if port.is_read_whole else port.leading_read
    if len(new) < count <= len(old):
        return True
    pairs = zip(old[:count], new[:count], strict=False)
    return any(b != a and (b in new or a in old) for b, a in pairs)


def _is_same_type(before: str, after: str, dialect: str) -> bool:
    # Without a contract there is no type to compare.
    return not (before and after) or same_type(before, after, dialect)
