"""Every kind of node that dbt has gets its defined place in the artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest
from zoo_product import FILES, write_zoo

from floe_core.compiler import compile_product
from floe_core.schemas import CompiledArtifacts

NOTICES: list[str] = []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def artifacts(folder: Path) -> CompiledArtifacts:
    """Compile once for the module: the folder keeps the result."""
    if not (folder / "compiled_artifacts.json").exists():
        compile_product(folder, on_notice=NOTICES.append)
    return CompiledArtifacts.load(folder)


def test_the_graph_is_dbts_with_ephemeral_models_folded_away(artifacts: CompiledArtifacts) -> None:
    edges = {node.unique_id: node.depends_on for node in artifacts.nodes if not node.is_test}
    assert edges == {
        "seed.zoo_project.animals": (),
        "seed.borrowed.colors": (),
        "source.zoo_project.gate.tickets": (),
        "model.borrowed.borrowed_model": ("seed.borrowed.colors",),
        "model.zoo_project.counted": ("model.zoo_project.legs",),
        "model.zoo_project.keepers.v1": (),
        "model.zoo_project.keepers.v2": (),
        "model.zoo_project.legs": ("model.zoo_project.stg_animals",),
        "model.zoo_project.stg_animals": ("seed.zoo_project.animals",),
        "model.zoo_project.visitors": ("source.zoo_project.gate.tickets",),
        "snapshot.zoo_project.animals_then": ("seed.zoo_project.animals",),
        "exposure.zoo_project.poster": (
            "model.zoo_project.legs",
            "model.zoo_project.stg_animals",
        ),
    }


def test_tests_belong_to_what_they_test(artifacts: CompiledArtifacts) -> None:
    found = {
        (node.name, node.test_kind, node.test_column, node.severity, node.depends_on)
        for node in artifacts.nodes
        if node.is_test
    }
    stg, legs = ("model.zoo_project.stg_animals",), ("model.zoo_project.legs",)
    assert found == {
        ("unique_stg_animals_id", "unique", "id", "error", stg),
        ("not_null_stg_animals_id", "not_null", "id", "error", stg),
        ("not_null_stg_animals_name", "not_null", "name", "warn", stg),
        ("unique_int_animals_id", "unique", "id", "error", stg),
        ("legs_are_even", "singular", "", "error", legs),
        ("owls_have_two_legs", "unit", "", "error", legs),
    }


def test_relations_carry_where_they_live_and_how_they_are_made(
    artifacts: CompiledArtifacts,
) -> None:
    relations = {
        node.name + node.version: (
            node.schema_name,
            node.identifier,
            node.schema_config,
            node.materialization,
            node.language,
        )
        for node in artifacts.nodes
        if node.is_relation
    }
    assert relations == {
        "animals": ("main", "animals", "", "seed", "sql"),
        "colors": ("main", "colors", "", "seed", "sql"),
        "borrowed_model": ("main", "borrowed_model", "", "table", "sql"),
        "counted": ("main", "counted", "", "table", "python"),
        "keepers1": ("main", "keepers_v1", "", "table", "sql"),
        "keepers2": ("main", "keepers_v2", "", "table", "sql"),
        "legs": ("main_counts", "legs", "counts", "incremental", "sql"),
        "stg_animals": ("main", "stg_animals", "", "view", "sql"),
        "visitors": ("main", "visitors", "", "table", "sql"),
        "animals_then": ("main", "animals_then", "", "snapshot", "sql"),
    }


def test_floe_yaml_refines_tags_and_tiers(artifacts: CompiledArtifacts) -> None:
    assert artifacts.by_id["model.zoo_project.stg_animals"].tags == ("nightly",)
    assert {n.unique_id: n.tier for n in artifacts.nodes if n.tier} == {
        "model.zoo_project.stg_animals": "bronze",
        "model.zoo_project.keepers.v2": "gold",
    }


def test_groups_give_owners_and_columns_are_kept(artifacts: CompiledArtifacts) -> None:
    legs = artifacts.by_id["model.zoo_project.legs"]
    assert (legs.group, legs.owners) == ("care", ("care@example.com",))
    column = artifacts.by_id["model.zoo_project.stg_animals"].columns[0]
    assert (column.name, column.type, column.description) == ("id", "integer", "A number.")


def test_jobs_are_resolved_by_dbt_itself(artifacts: CompiledArtifacts) -> None:
    whole, nightly, chosen = artifacts.jobs
    assert (whole.name, whole.node_ids) == ("zoo", None)
    assert whole.schedule is not None
    assert (whole.schedule.cron, whole.schedule.timezone) == ("0 6 * * *", "Europe/Berlin")
    assert nightly.node_ids == ("model.zoo_project.stg_animals",)
    names = [artifacts.by_id[node_id].name for node_id in chosen.node_ids or ()]
    # dbt's eager selection brings the tests whose parents are all taken.
    assert names == ["legs", "colors", "animals", "legs_are_even", "owls_have_two_legs"]


def test_the_profile_is_named_as_the_dbt_project_says(artifacts: CompiledArtifacts) -> None:
    assert artifacts.dbt.profile_name == "animals"
    assert artifacts.dbt.profile == {
        "type": "duckdb",
        "path": "{{ env_var('FLOE_PROJECT_DIR', '.') }}/data/zoo.duckdb",
        "threads": 2,
    }


def test_unused_sections_of_the_public_format_are_named_once(artifacts: CompiledArtifacts) -> None:
    assert artifacts.product.name == "zoo"
    assert [notice for notice in NOTICES if not notice.startswith("dbt: ")] == [
        "../platform/manifest.yaml: not used here: governance",
        "../platform/manifest.yaml: not used here: plugins.catalog",
    ]


def test_the_projects_own_files_are_untouched(artifacts: CompiledArtifacts, folder: Path) -> None:
    assert artifacts.product.name == "zoo"
    for place, text in FILES.items():
        assert (folder / place).read_text() == text, place
