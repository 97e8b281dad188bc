from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floe_core.plugin_api.transform_graph import ordered
from floe_core.plugin_interfaces import TransformConfig


def transform(name: str, *depends_on: str) -> TransformConfig:
    return TransformConfig(name=name, depends_on=list(depends_on))


def names(transforms: list[TransformConfig]) -> list[str]:
    return [each.name for each in transforms]


def test_a_list_already_in_order_stays_as_it_is() -> None:
    given_ = [transform("z"), transform("a"), transform("m", "z"), transform("b", "a")]
    assert ordered(given_) == given_


def test_dependencies_come_first_and_the_rest_keeps_its_place() -> None:
    given_ = [transform("c", "b"), transform("x"), transform("b", "a"), transform("a")]
    assert names(ordered(given_)) == ["x", "a", "b", "c"]


def test_dependencies_outside_the_list_and_repeated_ones_do_not_count() -> None:
    given_ = [transform("b", "raw", "a", "a"), transform("a", "raw")]
    assert names(ordered(given_)) == ["a", "b"]


def test_an_empty_list_is_in_order() -> None:
    assert ordered([]) == []


@pytest.mark.parametrize(
    ("transforms", "text"),
    [
        (
            [transform("b"), transform("a"), transform("b"), transform("a"), transform("c")],
            "transform names must differ; given more than once: 'a', 'b'",
        ),
        ([transform("a", "a")], "transform 'a' depends on itself"),
        (
            [transform("b", "a"), transform("a", "b")],
            "transforms depend on each other in a cycle: a -> b -> a",
        ),
        (
            [transform("a", "c"), transform("b", "a"), transform("c", "b"), transform("d", "c")],
            "transforms depend on each other in a cycle: a -> c -> b -> a",
        ),
        (
            [transform("0_below", "x"), transform("x", "y", "z"), transform("y", "x")],
            "transforms depend on each other in a cycle: x -> y -> x",
        ),
    ],
)
def test_what_cannot_be_ordered_is_refused_by_name(
    transforms: list[TransformConfig], text: str
) -> None:
    with pytest.raises(ValueError, match=r"^transform") as refused:
        ordered(transforms)
    assert str(refused.value) == text


def test_a_chain_of_five_thousand_is_ordered() -> None:
    chain = [transform(f"m{n}", f"m{n + 1}") for n in range(5000)]
    assert names(ordered(chain)) == [f"m{n}" for n in reversed(range(5000))]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12))), st.permutations(range(13)))
def test_every_transform_comes_after_what_it_depends_on(
    edges: list[tuple[int, int]], order: list[int]
) -> None:
    parents: dict[int, set[str]] = {n: set() for n in range(13)}
    for one, other in edges:
        if one != other:
            parents[max(one, other)].add(str(min(one, other)))
    result = names(ordered([transform(str(n), *sorted(parents[n])) for n in order]))
    assert sorted(result) == sorted(str(n) for n in order)
    for n in range(13):
        assert all(result.index(parent) < result.index(str(n)) for parent in parents[n])
