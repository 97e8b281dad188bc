"""A column that one product passes on to its own port is read by those that read that port."""

from __future__ import annotations

import pytest

from floe_core.schemas.compiled_artifacts import CompiledArtifacts, Product
from floe_core.schemas.ports import InputPort, Port, PortColumn
from floe_diff.ports import PortChange, Reading, changed_columns


def port(name: str, *columns: str) -> Port:
    listed = tuple(PortColumn(name=each) for each in columns)
    return Port(name=name, version="1", node_id="model.x.y", columns=listed, is_complete=True)


def reads(key: str, **columns: tuple[str, ...]) -> InputPort:
    product, _, name = key.partition("/")
    return InputPort(product=product, port=name, version="1", **columns)


def product(name: str, *inputs: InputPort, ports: tuple[Port, ...] = ()) -> CompiledArtifacts:
    return CompiledArtifacts.model_construct(
        product=Product(name=name, version="1"), input_ports=inputs, ports=ports
    )


CONSUMERS = (
    product(
        "relay",
        reads("crm/people", columns_read=("id",), columns_passed_on=("name", "city")),
        ports=(port("all", "ID", "Name", "City"), port("counts", "city")),
    ),
    product("named", reads("relay/all", columns_read=("name",))),
    product("counting", reads("relay/counts", columns_read=("city",))),
    product(
        "second",
        reads("relay/all", columns_read=("id",), columns_passed_on=("name",)),
        ports=(port("more", "name"),),
    ),
    product("last", reads("second/more", columns_read=("name",))),
)


@pytest.mark.parametrize(
    ("column", "broken"),
    [("id", ("relay",)), ("name", ("last", "named")), ("city", ("counting",))],
)
def test_a_dropped_column_breaks_those_that_read_it_through_others(
    column: str, broken: tuple[str, ...]
) -> None:
    kept = [name for name in ("id", "name", "city") if name != column]
    before, after = port("people", "id", "name", "city"), port("people", *kept)
    found = list(changed_columns("people@1", before, after, Reading("crm/people@1", CONSUMERS), ""))
    assert found == [PortChange("people@1", f"column {column} dropped", column, broken)]
