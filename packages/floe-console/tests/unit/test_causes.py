from __future__ import annotations

from small_artifacts import small_node, small_product

from floe_console.data.detail import affected_nodes, affected_products, causes_of
from floe_core.plugin_api.run_history import NodeState, RecordedNode
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.ports import InputPort, Port

A, B, C, D = (f"model.shop.{name}" for name in "abcd")
SHOP = small_product(
    small_node("model", "a"),
    small_node("model", "b", depends_on=(A,)),
    small_node("test", "b_is_good", depends_on=(B,), tested=B),
    small_node("model", "c", depends_on=(B,)),
    small_node("model", "d"),
    ports=(Port(name="out", version="1", node_id=C), Port(name="aside", version="1", node_id=D)),
)


def states(**found: NodeState) -> dict[str, RecordedNode]:
    ids = {each.name: each.unique_id for each in SHOP.nodes}
    return {ids[name]: RecordedNode(ids[name], state) for name, state in found.items()}


def reader(name: str, producer: str, port: str, offers: str = "") -> CompiledArtifacts:
    source = small_node("source", f"{producer}_{port}", source_name="ports")
    model = small_node("model", "m", depends_on=(source.unique_id,))
    read = InputPort(product=producer, port=port, version="1", node_id=source.unique_id)
    ports = (Port(name=offers, version="1", node_id=model.unique_id),) if offers else ()
    return small_product(source, model, name=name, input_ports=(read,), ports=ports)


def test_a_skipped_node_is_explained_by_the_first_that_failed() -> None:
    assert causes_of(SHOP, C, states(a="error", b="skipped", c="skipped")) == [A]


def test_a_failed_test_of_an_upstream_node_is_a_cause() -> None:
    found = states(a="success", b="success", b_is_good="fail", c="skipped")
    assert causes_of(SHOP, C, found) == ["test.shop.b_is_good"]


def test_a_failure_is_not_its_own_cause() -> None:
    assert causes_of(SHOP, A, states(a="error")) == []


def test_a_failure_elsewhere_is_no_cause() -> None:
    assert causes_of(SHOP, C, states(d="error", c="error")) == []


def test_what_is_downstream_is_affected_and_no_test_is() -> None:
    assert affected_nodes(SHOP, [A]) == [B, C]


def test_a_failed_test_affects_what_reads_the_tested_node() -> None:
    assert affected_nodes(SHOP, ["test.shop.b_is_good"]) == [C]


def test_products_are_affected_through_ports_and_through_each_other() -> None:
    products = {
        "shop": SHOP,
        "first": reader("first", "shop", "out", offers="more"),
        "second": reader("second", "first", "more"),
        "other": reader("other", "shop", "aside"),
    }
    found = affected_products(products, "shop", [A])
    assert [(each.product, each.ports) for each in found] == [
        ("first", ("shop/out@1",)),
        ("second", ("first/more@1",)),
    ]


def test_products_that_read_each_other_end() -> None:
    products = {
        "one": reader("one", "two", "b", offers="a"),
        "two": reader("two", "one", "a", offers="b"),
    }
    assert [each.product for each in affected_products(products, "one", ["model.shop.m"])] == [
        "two"
    ]
