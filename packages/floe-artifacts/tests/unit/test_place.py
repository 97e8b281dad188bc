"""Where the artifacts of a product are, and what a place says that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_artifacts import small_product

from floe_artifacts.place import Place, place_of_product
from floe_core.foundation.errors import EnvironmentProblemError


@pytest.mark.parametrize(
    ("to", "environment", "address"),
    [
        ("../written", "", "/srv/written/shop"),
        ("/tmp/written/", "staging", "/tmp/written/shop.staging"),
        ("s3://bucket/tools/", "", "s3://bucket/tools/shop"),
        ("env:PLACE_OF_TEST", "dev", "gs://bucket/shop.dev"),
    ],
)
def test_a_product_has_a_place_of_its_own_in_each_environment(
    to: str, environment: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE_OF_TEST", "gs://bucket")
    product = small_product(environment=environment).bound_to(Path("/srv/product"))
    assert place_of_product(product, to).address == address


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    product = small_product().bound_to(tmp_path)
    with pytest.raises(
        EnvironmentProblemError, match=r"^artifacts\.to of floe\.yaml: .*NOT_SET_HERE"
    ):
        place_of_product(product, "env:NOT_SET_HERE")


def test_files_are_written_and_removed_with_their_folder(tmp_path: Path) -> None:
    place = Place(f"file://{tmp_path}/a/b")
    place.write({"x": b"1", "y": b"2"})
    assert (place.list_names(), place.read("y"), place.read("z")) == (["x", "y"], b"2", None)
    place.remove(["x", "y", "z"])
    assert (place.list_names(), (tmp_path / "a/b").exists()) == ([], False)
