"""A profile takes values from a connection and from files, by reference only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dbt.config.renderer import ProfileRenderer
from dbt_common.context import set_invocation_context
from plain_shop import FLOE

from floe_core.compiler import compile_product
from floe_core.compiler.profile_values import refer_to_values
from floe_core.foundation.errors import InvalidProductError

WriteProduct = Callable[..., Path]
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: plain}
  compute:
    type: postgres
    connection: warehouse
    config: {dbname: shop, schema: marts}
"""


def test_a_connection_gives_what_the_adapter_needs() -> None:
    output, sources = refer_to_values(
        {"type": "postgres", "dbname": "shop", "schema": "marts", "user": "loader"}, "Ware-house"
    )
    assert output == {
        "type": "postgres",
        "dbname": "shop",
        "schema": "marts",
        "host": "{{ env_var('FLOE_CONNECTION_WARE_HOUSE_3FBE4C_HOST') }}",
        "port": "{{ env_var('FLOE_CONNECTION_WARE_HOUSE_3FBE4C_PORT') | as_number }}",
        "user": "loader",
        "password": "{{ env_var('FLOE_CONNECTION_WARE_HOUSE_3FBE4C_PASSWORD') }}",
    }
    assert sources == {
        f"FLOE_CONNECTION_WARE_HOUSE_3FBE4C_{field.upper()}": f"connection:Ware-house#{field}"
        for field in ("host", "port", "password")
    }


def test_values_at_any_depth_may_come_from_elsewhere() -> None:
    output, sources = refer_to_values(
        {
            "type": "duckdb",
            "path": "shop.duckdb",
            "secrets": [{"type": "s3", "key_id": "env:KEY", "secret": "file:/run/secrets/s3"}],
            "settings": {"motherduck_token": "connection:password"},
        },
        "md",
    )
    key = output["secrets"][0]["secret"].split("'")[1]
    assert output["secrets"] == [
        {"type": "s3", "key_id": "{{ env_var('KEY') }}", "secret": f"{{{{ env_var('{key}') }}}}"}
    ]
    assert sources == {
        key: "file:/run/secrets/s3",
        "FLOE_CONNECTION_MD_PASSWORD": "connection:md#password",
    }


@pytest.mark.parametrize(
    ("key", "field", "value", "seen"),
    [
        ("role", "role?", "", None),
        ("role", "role?", "123", "123"),
        ("role", "role?it's", "", "it's"),
        ("port", "port?5432", "", 5432),
        ("port", "port?5432", "6000", 6000),
        ("port", "port?", "", None),
        ("insecure_mode", "insecure_mode?False", "", False),
        ("insecure_mode", "insecure_mode?False", "True", True),
    ],
)
def test_dbt_sees_a_field_that_a_connection_may_lack_or_its_default(
    key: str, field: str, value: str, seen: object
) -> None:
    output, sources = refer_to_values({"type": "duckdb", key: f"connection:{field}"}, "wh")
    name = field.partition("?")[0]
    variable = f"FLOE_CONNECTION_WH_{name.upper()}"
    assert sources == {variable: f"connection:wh#{name}?"}
    for environment in ({variable: value}, {} if value == "" else {variable: value}):
        set_invocation_context(environment)
        found = ProfileRenderer({}).render_value(output[key])
        assert (found, type(found)) == (seen, type(seen))


@pytest.mark.parametrize("order", [("role", "again"), ("again", "role")])
def test_a_field_that_a_connection_may_lack_is_required_if_another_setting_needs_it(
    order: tuple[str, str],
) -> None:
    fields = {"role": "connection:role?", "again": "connection:role"}
    given = {"type": "snowflake", "database": "d", "schema": "s", **{n: fields[n] for n in order}}
    _, sources = refer_to_values(given, "wh")
    assert sources["FLOE_CONNECTION_WH_ROLE"] == "connection:wh#role"
    _, sources = refer_to_values({**given, "again": "x"}, "wh")
    assert sources["FLOE_CONNECTION_WH_ROLE"] == "connection:wh#role?"


@pytest.mark.parametrize("file", ["/run/a-b", "/run/a_b", "/run/A_b", "/run/a/b"])
def test_each_file_has_a_variable_of_its_own(file: str) -> None:
    others = {"/run/a-b", "/run/a_b", "/run/A_b", "/run/a/b"} - {file}

    def variable(path: str) -> str:
        return next(iter(refer_to_values({"type": "x", "token": f"file:{path}"}, "")[1]))

    assert variable(file) not in {variable(other) for other in others}


@pytest.mark.parametrize(
    "value", ["file:///run/x", "file:relative", "envy", "connections", 7, None]
)
def test_other_values_stay(value: Any) -> None:
    assert refer_to_values({"type": "x", "a": value}, "") == ({"type": "x", "a": value}, {})


def test_what_cannot_come_from_a_connection_is_refused_at_once(write_product: WriteProduct) -> None:
    manifest = MANIFEST.replace("{dbname: shop, schema: marts}", "{dbname: connection:schema}")
    with pytest.raises(InvalidProductError) as caught:
        compile_product(write_product(manifest=manifest, floe=FLOE))
    place = "manifest.yaml:6:3: "
    assert [line for line in str(caught.value).splitlines() if line.startswith(place)] == [
        f"{place}config.dbname: it is part of the names of tables, so it can't be "
        "'connection:schema'",
        f"{place}config lacks schema, which a connection does not decide",
    ]


def test_a_field_of_no_connection_is_refused(write_product: WriteProduct) -> None:
    manifest = MANIFEST.replace("    connection: warehouse\n", "").replace(
        "schema: marts", "schema: marts, user: connection:user"
    )
    with pytest.raises(InvalidProductError, match=r"'connection:user', but no connection is named"):
        compile_product(write_product(manifest=manifest))


def test_a_connection_that_nothing_uses_is_refused(write_product: WriteProduct) -> None:
    manifest = MANIFEST.replace("postgres", "duckdb").replace("dbname: shop, ", "")
    with pytest.raises(InvalidProductError, match="takes nothing from the connection 'warehouse'"):
        compile_product(write_product(manifest=manifest))


def test_each_environment_may_name_its_own(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = MANIFEST + "environments: {prod: {connection: prod_wh}, dev: {vars: {a: 1}}}\n"
    artifacts = compile_product(write_product(manifest=manifest))
    assert artifacts.dbt.connection_reader == "plain"
    assert {each.split("#")[0] for each in artifacts.dbt.value_sources.values()} == {
        "connection:warehouse"
    }
    prod = artifacts.environments["prod"]
    assert {each.split("#")[0] for each in prod.value_sources.values()} == {"connection:prod_wh"}
    assert prod.profile["user"] == "{{ env_var('FLOE_CONNECTION_PROD_WH_USER') }}"
    assert artifacts.environments["dev"].profile == {}
    monkeypatch.setenv("FLOE_ENV", "prod")
    chosen = artifacts.in_chosen_environment()
    assert chosen.dbt.value_sources == prod.value_sources
