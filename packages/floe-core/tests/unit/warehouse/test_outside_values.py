"""A run sets the values of its profile that lie in connections and files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from floe_core.compiler.profile_values import refer_to_values
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.policies import DbtProject
from floe_core.secrets.recognition import known_secrets
from floe_core.warehouse.outside_values import set_outside_values

OUTPUT = {"type": "postgres", "dbname": "shop", "schema": "marts"}
GIVEN = {"host": "db", "port": 5433, "user": "me", "password": "hunter2-of-postgres"}


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def project(connection: str = "warehouse", **config: Any) -> DbtProject:
    output, sources = refer_to_values({**OUTPUT, **config}, connection)
    return DbtProject(
        project_name="shop",
        profile_name="shop",
        target_name="default",
        adapter="postgres",
        version="1.11.0",
        profile=output,
        value_sources=sources,
        connection_reader="nobody",
    )


def reader(fields: Mapping[str, Any]) -> Any:
    def read(name: str, adapter: str) -> Mapping[str, Any]:
        assert (name, adapter) == ("warehouse", "postgres")
        return fields

    return read


def values() -> dict[str, str]:
    prefix = "FLOE_CONNECTION_WAREHOUSE_"
    return {
        name.removeprefix(prefix).lower(): value
        for name, value in os.environ.items()
        if name.startswith(prefix)
    }


def test_the_fields_of_a_connection_are_set_and_its_password_is_a_secret() -> None:
    dbt = project()
    set_outside_values(dbt, reader(GIVEN))
    assert values() == {**GIVEN, "port": "5433"}
    assert known_secrets(dbt.profile)["FLOE_CONNECTION_WAREHOUSE_PASSWORD"] == GIVEN["password"]


def test_the_next_run_reads_it_again_and_what_is_not_a_run_does_not() -> None:
    dbt = project()
    set_outside_values(dbt, reader(GIVEN))
    rotated = reader({**GIVEN, "password": "another-password"})
    set_outside_values(dbt, rotated)
    assert values()["password"] == GIVEN["password"]
    set_outside_values(dbt, rotated, again=True)
    assert values()["password"] == "another-password"


def test_a_variable_that_is_set_by_hand_wins() -> None:
    os.environ["FLOE_CONNECTION_WAREHOUSE_USER"] = "by-hand"
    set_outside_values(project(), reader(GIVEN), again=True)
    assert values()["user"] == "by-hand"


def test_all_missing_values_are_named_at_once(tmp_path: Path) -> None:
    dbt = project(sslpassword=f"file:{tmp_path}/none")
    with pytest.raises(EnvironmentProblemError) as caught:
        set_outside_values(dbt, reader({"host": "db", "user": "me", "password": ""}))
    assert str(caught.value).split("; ") == [
        f"the file {tmp_path}/none can't be read",
        "connection 'warehouse' has no port, password for postgres",
        "it has host, password, user",
    ]


def test_a_connection_that_is_not_there_is_named_once() -> None:
    def read(name: str, adapter: str) -> Mapping[str, Any]:
        raise LookupError("there is none")

    with pytest.raises(EnvironmentProblemError) as caught:
        set_outside_values(project(), read)
    assert str(caught.value) == "connection 'warehouse': there is none"
    assert values() == {}


def test_an_orchestrator_without_connections_is_named() -> None:
    with pytest.raises(EnvironmentProblemError) as caught:
        set_outside_values(project())
    assert str(caught.value) == (
        "connection 'warehouse': nobody has no connections that floe can read "
        "(no floe.connections 'nobody')"
    )


def test_the_line_break_at_the_end_of_a_file_is_not_part_of_the_value(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(" secret \n")
    dbt = project("", password=f"file:{tmp_path}/pw")
    set_outside_values(dbt)
    (variable,) = dbt.value_sources
    assert os.environ[variable] == " secret "
    assert dbt.connections == set()


def test_only_the_values_that_the_profile_uses_are_read() -> None:
    dbt = project()
    others = {**dbt.value_sources, "FLOE_CONNECTION_OTHER_USER": "connection:other#user"}
    set_outside_values(dbt.model_copy(update={"value_sources": others}), reader(GIVEN))
    assert "FLOE_CONNECTION_OTHER_USER" not in os.environ
