"""What a profile mapping of Cosmos becomes."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from types import MappingProxyType

import pytest

from floe_core.foundation.errors import InvalidProductError
from floe_import.cosmos.connections_file import Connections, read_connections
from floe_import.cosmos.profile_mappings import read_mapping
from floe_import.drafts import GroupDraft
from floe_import.python.evaluate import evaluate
from floe_import.python.given_values import GivenValues
from floe_import.python.modules import read_module
from floe_import.report import Place

ENV = "a variable"


def read(
    text: str,
    folder: Path,
    connections: Connections = MappingProxyType({}),
    given: GivenValues | None = None,
) -> tuple[dict, list[str]]:
    file = folder / "profile.py"
    file.write_text(
        f"import os\nfrom cosmos.profiles import *\nimport cosmos.profiles as p\np.{text}\n"
    )
    module = read_module(file, given=given)
    statement = module.tree.body[-1]
    assert isinstance(statement, ast.Expr)
    draft, said = GroupDraft(Place("x"), "group"), []
    read_mapping(
        evaluate(statement.value, module),
        connections,
        draft,
        lambda code, construct, place, verdict: said.append(f"{code} {verdict.disposition}"),
    )
    return draft.compute, said


@pytest.mark.parametrize(
    ("text", "compute"),
    [
        (
            "PostgresUserPasswordProfileMapping('wh', {'dbname': 'a', 'schema': 'b', 'password': os.environ['PW']})",
            {
                "type": "postgres",
                "connection": "wh",
                "config": {
                    "port": "connection:port?5432",
                    "keepalives_idle": "connection:keepalives_idle?0",
                    "sslmode": "connection:sslmode?",
                    "dbname": "a",
                    "schema": "b",
                    "password": "{{ env_var('PW') }}",
                },
            },
        ),
        (
            "SnowflakeUserPasswordProfileMapping(conn_id='wh', profile_args={'database': os.getenv('D'), "
            "'schema': os.environ.get('S', 'dev'), 'role': 'etl'})",
            {
                "type": "snowflake",
                "connection": "wh",
                "config": {
                    "warehouse": "connection:warehouse",
                    "authenticator": "connection:authenticator?",
                    "query_tag": "connection:query_tag?",
                    "host": "connection:extra.host?",
                    "port": "connection:extra.port?",
                    "insecure_mode": "connection:insecure_mode?False",
                    "client_session_keep_alive": "connection:client_session_keep_alive?False",
                    "database": "{{ env_var('D') }}",
                    "schema": "{{ env_var('S', 'dev') }}",
                    "role": "etl",
                },
            },
        ),
        (
            "SnowflakeEncryptedPrivateKeyFilePemProfileMapping('wh', {'database': 'd', 'schema': 's'})",
            {
                "type": "snowflake",
                "connection": "wh",
                "config": {
                    "warehouse": "connection:warehouse",
                    "role": "connection:role?",
                    "authenticator": "connection:authenticator?",
                    "query_tag": "connection:query_tag?",
                    "host": "connection:extra.host?",
                    "port": "connection:extra.port?",
                    "insecure_mode": "connection:insecure_mode?False",
                    "client_session_keep_alive": "connection:client_session_keep_alive?False",
                    "private_key_path": "connection:private_key_file",
                    "password": None,
                    "private_key_passphrase": "connection:password",
                    "database": "d",
                    "schema": "s",
                },
            },
        ),
        (
            "GoogleCloudOauthProfileMapping('g', {'project': 'p', 'dataset': 'd'})",
            {"type": "bigquery", "config": {"method": "oauth", "project": "p", "dataset": "d"}},
        ),
    ],
)
def test_a_mapping_becomes_a_compute(text: str, compute: dict, tmp_path: Path) -> None:
    assert read(text, tmp_path) == (compute, ["COS204 exact"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SnowflakePrivateKeyPemProfileMapping('wh')", ["COS204 changed"]),
        ("TrinoCertificateProfileMapping('wh')", ["COS204 unknown"]),
        ("PostgresUserPasswordProfileMapping(conn_id=os.getenv('C'))", ["COS204 unknown"]),
        (
            "PostgresUserPasswordProfileMapping(os.getenv('C', 'wh'), {'dbname': 'a', 'schema': 'b'})",
            ["COS204 changed"],
        ),
        (
            "PostgresUserPasswordProfileMapping(os.getenv('C', 'wh') + '_2', {'dbname': 'a', 'schema': 'b'})",
            ["COS204 unknown"],
        ),
        ("PostgresUserPasswordProfileMapping('wh', open('x'))", ["COS205 unknown"]),
        (
            "PostgresUserPasswordProfileMapping('wh', {'dbname': 'a', 'schema': 'b', 'password': 'x'})",
            ["COS204 exact", "COS207 changed"],
        ),
        (
            "PostgresUserPasswordProfileMapping('wh', {}, dbt_config_vars=p.DbtProfileConfigVars())",
            ["COS204 changed", "COS206 changed"],
        ),
        (
            "PostgresUserPasswordProfileMapping('wh', of_tomorrow=1)",
            ["COS204 changed", "COS206 unknown"],
        ),
    ],
)
def test_what_is_not_known_is_unknown(text: str, said: list[str], tmp_path: Path) -> None:
    assert read(text, tmp_path)[1] == said


EXPORTED = {
    "pg": {"conn_type": "postgres", "schema": "shop", "password": "hunter2", "extra": ""},
    "sf": {"schema": "raw", "extra": '{"database": "ANALYTICS"}'},
    "old": {"schema": "raw", "extra": '{"extra__snowflake__database": "ANALYTICS"}'},
    "bq": {"extra": '{"project": "acme", "dataset": "shop"}'},
    "broken": {"schema": "", "extra": "no json"},
}


@pytest.mark.parametrize(
    ("mapping", "connection", "said", "expected"),
    [
        ("PostgresUserPassword", "'pg', {'schema': 's'}", "exact", {"dbname": "shop"}),
        ("PostgresUserPassword", "'pg', {'schema': 's', 'dbname': 'd'}", "exact", {"dbname": "d"}),
        ("PostgresUserPassword", "'pg'", "changed", {"dbname": "shop", "schema": ENV}),
        ("SnowflakeUserPassword", "'sf'", "exact", {"database": "ANALYTICS", "schema": "raw"}),
        ("SnowflakeUserPassword", "'old'", "changed", {"database": ENV, "schema": "raw"}),
        ("GoogleCloudOauth", "'bq'", "exact", {"project": "acme", "dataset": "shop"}),
        ("PostgresUserPassword", "'other', {'schema': 's'}", "changed", {"dbname": ENV}),
        ("SnowflakeUserPassword", "'broken'", "changed", {"database": ENV, "schema": ENV}),
    ],
)
def test_names_of_tables_are_taken_from_exported_connections(
    mapping: str, connection: str, said: str, expected: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "connections.json"
    file.write_text(json.dumps(EXPORTED))
    text = f"{mapping}ProfileMapping({connection})"
    compute, found = read(text, tmp_path, read_connections(file))
    assert found == [f"COS204 {said}"]
    config = compute["config"]
    shown = {name: ENV if "env_var" in config[name] else config[name] for name in expected}
    assert shown == expected
    assert "hunter2" not in str(compute)


def test_the_connection_that_a_variable_names_is_its_default_or_what_is_given(
    tmp_path: Path,
) -> None:
    text = (
        "PostgresUserPasswordProfileMapping(os.getenv('C', 'wh'), {'dbname': 'a', 'schema': 'b'})"
    )
    assert read(text, tmp_path)[0]["connection"] == "wh"
    compute, said = read(text, tmp_path, given=GivenValues({"C": "prod"}))
    assert (compute["connection"], said) == ("prod", ["COS204 exact"])


def test_names_of_tables_are_taken_from_the_settings_of_the_astro_cli(tmp_path: Path) -> None:
    file = tmp_path / "airflow_settings.yaml"
    file.write_text(
        "airflow:\n  connections:\n"
        "    - {conn_id: pg, conn_type: postgres, conn_schema: shop, conn_password: hunter2}\n"
        "    - conn_id: bq\n      conn_extra: {project: acme, dataset: shop}\n"
        "    - conn_id:\n"
    )
    found = read_connections(file)
    text = "PostgresUserPasswordProfileMapping('pg', {'schema': 's'})"
    compute, said = read(text, tmp_path, found)
    assert (compute["config"]["dbname"], said) == ("shop", ["COS204 exact"])
    compute, said = read("GoogleCloudOauthProfileMapping('bq')", tmp_path, found)
    assert (compute["config"]["project"], said) == ("acme", ["COS204 exact"])
    assert "hunter2" not in str(compute)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"pg": "postgres://who:hunter2@db/shop", "other": {"schema": "x"}}',
            "'pg' is no mapping",
        ),
        ("PG=postgres://who:hunter2@db/shop", "not a mapping"),
        ("", "the file is empty"),
        (None, "there is no such file"),
    ],
)
def test_what_is_no_file_of_connections_is_refused(
    text: str | None, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "connections.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InvalidProductError) as raised:
        read_connections(file)
    assert said in str(raised.value)
    assert "--file-format json" in str(raised.value)
    assert "hunter2" not in str(raised.value)
