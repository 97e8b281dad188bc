"""BigQuery's names for the database and the schema of a profile: project and dataset."""

from __future__ import annotations

from floe_core.compiler.dbt.parse import stand_ins
from floe_core.compiler.profile import Profile
from floe_parity.sides.scratch import in_scratch, new_scratch

OUTPUT = {
    "type": "bigquery",
    "method": "oauth",
    "project": "{{ env_var('UNSET_PROJECT') }}",
    "dataset": "live",
    "keyfile": "{{ env_var('UNSET_KEYFILE') }}",
}


def test_what_is_in_the_graph_has_no_placeholder() -> None:
    assert stand_ins(OUTPUT) == {"UNSET_KEYFILE": "1"}


def test_a_side_has_its_own_dataset() -> None:
    profile = Profile("shop", "dev", OUTPUT, "target")
    scratch = new_scratch(profile)
    assert scratch.schema == "live"
    assert in_scratch(profile, scratch).output == {**OUTPUT, "dataset": scratch.base}


def test_a_profile_with_a_schema_keeps_that_name() -> None:
    output = {"type": "postgres", "schema": "live"}
    assert Profile("shop", "dev", output, "target").in_schema("other").output["schema"] == "other"
    assert Profile("shop", "dev", {"type": "duckdb"}, "target").in_schema("other").output == {
        "type": "duckdb",
        "schema": "other",
    }
