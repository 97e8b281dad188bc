"""Checks of `create_assets_from_transforms`."""

from __future__ import annotations

import pytest

from floe_conformance.records import LoadedTransform
from floe_conformance.subject import Subject
from floe_core.plugin_api.transform_graph import ordered
from floe_core.plugin_interfaces import TransformConfig

CHAIN = [
    TransformConfig("stg_orders", tags=["staging"], schema_name="staging"),
    TransformConfig("stg_people", path="models/stg_people.sql", meta={"tier": "bronze"}),
    TransformConfig("orders", depends_on=["stg_orders", "stg_people"], compute="duckdb"),
    TransformConfig("sales", depends_on=["orders", "stg_orders"], materialization="view"),
]
IMPOSSIBLE = {
    "cycle": [
        TransformConfig("a", depends_on=["c"]),
        TransformConfig("b", depends_on=["a"]),
        TransformConfig("c", depends_on=["b"]),
    ],
    "self-dependency": [TransformConfig("a", depends_on=["a"])],
    "duplicate": [TransformConfig("a"), TransformConfig("b"), TransformConfig("a")],
}


class TransformChecks(Subject):
    """Each transform becomes one object with its dependencies; an impossible list is refused."""

    def test_each_transform_is_one_object(self) -> None:
        """There are as many distinct objects as transforms."""
        assets = self.plugin().create_assets_from_transforms(list(CHAIN))
        assert len({id(asset) for asset in assets}) == len(assets) == len(CHAIN)

    def test_no_transforms_are_no_objects(self) -> None:
        """An empty list gives an empty list, not an error."""
        assert self.plugin().create_assets_from_transforms([]) == []

    def test_transforms_keep_their_order_and_dependencies(self) -> None:
        """Transforms listed after their dependencies keep that order, and wait for `depends_on`.

        Skipped if `look_at_transforms` is not implemented.
        """
        assets = self.plugin().create_assets_from_transforms(list(CHAIN))
        expected = [LoadedTransform(t.name, frozenset(t.depends_on)) for t in CHAIN]
        try:
            found = self.look_at_transforms(assets)
        except NotImplementedError:
            pytest.skip("look_at_transforms is not supplied")
        assert list(found) == expected

    def test_a_dependency_outside_the_list_is_no_object_of_it(self) -> None:
        """A dependency that is not in the list exists elsewhere, so no object is made for it."""
        outside = [TransformConfig("orders", depends_on=["raw_orders"])]
        assert len(self.plugin().create_assets_from_transforms(outside)) == 1

    @pytest.mark.parametrize("what", IMPOSSIBLE)
    def test_an_impossible_list_is_refused_in_the_words_of_core(self, what: str) -> None:
        """Every orchestrator gives the same error, which shows the cycle or the duplicate name."""
        with pytest.raises(ValueError) as expected:  # noqa: PT011 - its text is what is compared
            ordered(IMPOSSIBLE[what])
        with pytest.raises(ValueError) as refused:  # noqa: PT011
            self.plugin().create_assets_from_transforms(list(IMPOSSIBLE[what]))
        assert str(refused.value) == str(expected.value)
