"""Access to an orchestrator comes from manifests of the platform, never from a product."""

from __future__ import annotations

from typing import Any

from small_artifacts import small_product

from floe_console.data.places import places_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice
from floe_core.schemas.manifest_yaml import Manifest


def manifest(kind: str, **config: Any) -> Manifest:
    return Manifest.model_validate(
        {
            "apiVersion": "floe.dev/v1",
            "kind": "Manifest",
            "metadata": {"name": "platform", "version": "1.0.0"},
            "plugins": {"orchestrator": {"type": kind, "config": config}},
        }
    )


def product(name: str, kind: str, **config: Any) -> CompiledArtifacts:
    return small_product(name=name, orchestrator=OrchestratorChoice(name=kind, config=config))


def test_products_of_one_orchestrator_are_one_place() -> None:
    found = places_of(
        [product("a", "dagster"), product("b", "dagster"), product("c", "airflow")],
        [
            manifest("dagster", url="http://dagster:3000"),
            manifest("airflow", url="http://air:8080"),
        ],
    )
    assert [(p.name, p.url, [each.product.name for each in p.products]) for p in found] == [
        ("dagster", "http://dagster:3000", ["a", "b"]),
        ("airflow", "http://air:8080", ["c"]),
    ]


def test_two_dagsters_are_told_apart_by_their_urls() -> None:
    found = places_of(
        [
            product("a", "dagster", url="http://one:3000"),
            product("b", "dagster", url="http://two:3000"),
        ],
        [manifest("dagster", url="http://one:3000"), manifest("dagster", url="http://two:3000")],
    )
    assert [(each.name, each.url) for each in found] == [
        ("dagster", "http://one:3000"),
        ("dagster-2", "http://two:3000"),
    ]


def test_the_address_that_a_product_names_is_not_used() -> None:
    evil = product("a", "dagster", url="http://evil.example", token="env:HOME")
    [found] = places_of([evil], [manifest("dagster", url="http://dagster:3000")])
    assert found.url == "http://dagster:3000"
    [found] = places_of([evil], [manifest("airflow")])
    assert found.history is None
    assert (
        found.problem == "no manifest here says where dagster is: name one that does with --access"
    )


def test_an_orchestrator_that_none_of_several_manifests_means_is_not_asked() -> None:
    manifests = [manifest("dagster", url="http://one"), manifest("dagster", url="http://two")]
    [found] = places_of([product("a", "dagster", url="http://three")], manifests)
    assert found.history is None
    assert "none has the url of this product" in found.problem


def test_a_plugin_that_is_not_installed_is_a_problem_of_its_place_alone() -> None:
    found = places_of(
        [product("a", "no-such"), product("b", "dagster")],
        [manifest("no-such"), manifest("dagster")],
    )
    assert [bool(each.history) for each in found] == [False, True]
    assert "no orchestrator plugin named 'no-such'" in found[0].problem


def test_no_secret_of_an_address_is_shown() -> None:
    [found] = places_of(
        [product("a", "dagster")], [manifest("dagster", url="http://me:secret@host")]
    )
    assert found.url == "http://host"
