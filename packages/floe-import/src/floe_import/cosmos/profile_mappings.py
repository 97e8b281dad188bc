"""What a profile mapping of Cosmos becomes: a compute of manifest.yaml with a connection."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from floe_import.cosmos.connections_file import Connection, Connections, named_part
from floe_import.drafts import GroupDraft
from floe_import.python.arguments import arguments
from floe_import.python.conditions import as_given
from floe_import.python.objects import Made
from floe_import.python.values import REFERENCE, EnvText, Unknown, Value, first_unknown, is_plain
from floe_import.report import NO_EFFECT, Place, Verdict, changed, exact, unknown
from floe_import.rules.judging import cannot_read

Report = Callable[[str, str, Place, Verdict], None]
ARGUMENTS = ("conn_id", "profile_args", "disable_event_tracking", "dbt_config_vars")
# Never written: what a profile takes from the connection in any case.
_NUMBERS = {"port", "threads", "keepalives_idle", "connect_timeout"}
_SECRET = re.compile(r"password|passphrase|token|secret|keyfile_json|private_key(?!_path)")
_REFERENCE = re.compile(r"\{\{ env_var\('\w+'\) \}\}")


@dataclass(frozen=True)
class Mapping:
    """A mapping of Cosmos: the adapter, and what the profile needs beside floe's usual fields.

    `named` are parts of the names of tables, which a connection does not decide: dbt's field -> the
    field of the connection that Cosmos reads. `taken` are further fields and their sources.
    `is_whole`: with these, the profile has all that Cosmos takes from the connection.
    """

    adapter: str
    named: dict[str, str]
    taken: dict[str, Any]
    uses_connection: bool = True
    is_whole: bool = False
    note: str = ""


_BY_COSMOS = "install floe-orchestration[airflow-cosmos], which reads the key of the connection"
_OF_SNOWFLAKE: dict[str, Any] = {
    "warehouse": "connection:warehouse",
    **{name: f"connection:{name}?" for name in ("role", "authenticator", "query_tag")},
    "host": "connection:extra.host?",
    "port": "connection:extra.port?",
    "insecure_mode": "connection:insecure_mode?False",
    "client_session_keep_alive": "connection:client_session_keep_alive?False",
}
# The password of a connection with a key is the passphrase of the key, if it has any.
_KEY = {"private_key": "connection:private_key", "password": None}
_KEY_FILE = {"private_key_path": "connection:private_key_file", "password": None}
_PASSPHRASE = {"private_key_passphrase": "connection:password"}
_GOOGLE = {"project": "extra project", "dataset": "extra dataset"}
_KEYFILE = {
    name: f"connection:keyfile_json.{name}"
    for name in (
        *("type", "project_id", "private_key_id", "private_key", "client_email", "client_id"),
        *("auth_uri", "token_uri", "auth_provider_x509_cert_url", "client_x509_cert_url"),
    )
}
MAPPINGS: dict[str, Mapping] = {
    "PostgresUserPasswordProfileMapping": Mapping(
        "postgres",
        {"dbname": "schema", "schema": ""},
        {
            "port": "connection:port?5432",
            "keepalives_idle": "connection:keepalives_idle?0",
            "sslmode": "connection:sslmode?",
        },
        is_whole=True,
    ),
    "RedshiftUserPasswordProfileMapping": Mapping(
        "redshift",
        {"dbname": "schema", "schema": ""},
        {
            "port": "connection:port?5439",
            "timeout": "connection:timeout?",
            "sslmode": "connection:sslmode?prefer",
            "region": "connection:region?",
        },
        is_whole=True,
    ),
    "SnowflakeUserPasswordProfileMapping": Mapping(
        "snowflake",
        {"database": "extra database", "schema": "schema"},
        _OF_SNOWFLAKE,
        is_whole=True,
    ),
    **{
        f"Snowflake{kind}ProfileMapping": Mapping(
            "snowflake",
            {"database": "extra database", "schema": "schema"},
            _OF_SNOWFLAKE | of_key,
            is_whole=True,
            note=note,
        )
        for kind, of_key, note in (
            ("PrivateKeyPem", _KEY, _BY_COSMOS),
            ("EncryptedPrivateKeyPem", _KEY | _PASSPHRASE, _BY_COSMOS),
            ("PrivateKeyFilePem", _KEY_FILE, ""),
            ("EncryptedPrivateKeyFilePem", _KEY_FILE | _PASSPHRASE, ""),
        )
    },
    "DatabricksTokenProfileMapping": Mapping("databricks", {"schema": "schema"}, {}),
    "TrinoLDAPProfileMapping": Mapping("trino", {"database": "", "schema": ""}, {"method": "ldap"}),
    "GoogleCloudServiceAccountFileProfileMapping": Mapping(
        "bigquery",
        _GOOGLE,
        {"method": "service-account", "keyfile": "connection:key_path"},
        is_whole=True,
    ),
    "GoogleCloudServiceAccountDictProfileMapping": Mapping(
        "bigquery",
        _GOOGLE,
        {"method": "service-account-json", "keyfile_json": _KEYFILE},
        note=_BY_COSMOS,
    ),
    "GoogleCloudOauthProfileMapping": Mapping(
        "bigquery", _GOOGLE, {"method": "oauth"}, uses_connection=False, is_whole=True
    ),
    "DuckDBUserPasswordProfileMapping": Mapping(
        "duckdb", {"path": "host"}, {}, uses_connection=False, is_whole=True
    ),
}


def read_mapping(made: Made, connections: Connections, draft: GroupDraft, report: Report) -> None:
    """Put the compute of a profile mapping into a draft, and report each of its arguments.

    Names of tables that the mapping leaves to its connection are taken from `connections`.
    """
    known = MAPPINGS.get(made.last)
    given = {each.name: each for each in arguments(made, ARGUMENTS)}
    place = made.module.place(made.call)
    connection = given["conn_id"].value if "conn_id" in given else None
    variable = ""
    if isinstance(connection, EnvText):
        connection, variable = _given_or_default(connection, made)
    if known is not None and isinstance(connection, Unknown):
        report("COS204", made.last, place, unknown(cannot_read(connection)))
        return
    if known is None or not isinstance(connection, str):
        said = (
            f"{made.last} makes a profile of an Airflow connection: write a profiles.yml, or "
            "`plugins.compute` with `connection:`, and decide which fields it takes"
        )
        report("COS204", made.last, place, unknown(said))
        return
    profile = given["profile_args"].value if "profile_args" in given else {}
    fields = _fields_of(profile)
    if isinstance(fields, Unknown):
        report("COS205", "profile_args", given["profile_args"].place, unknown(fields.why))
        return
    config, taken, asked = _config(known, connection, fields, connections.get(connection, {}))
    draft.compute = {"type": known.adapter, "connection": connection, "config": config}
    if not known.uses_connection:
        del draft.compute["connection"]
    verdict = _verdict(known, connection, taken, asked)
    if variable and known.uses_connection:
        said = f"; where {variable} names another one, name that in `environments`"
        verdict = changed(verdict.sentence + said)
    report("COS204", f"{made.last}({connection})", place, verdict)
    for name in sorted(key for key in fields if fields[key] and _is_literal(key, fields[key])):
        said = "a secret is not written: store it in the connection, which floe reads"
        report("COS207", f"profile_args({name})", given["profile_args"].place, changed(said))
    for name, argument in given.items():
        if name not in ("conn_id", "profile_args"):
            _report_other(name, argument.value, argument.place, report)


def _given_or_default(named: EnvText, made: Made) -> tuple[Value, str]:
    """Return the id of a connection that a variable names, and the variable if it is its default's.

    It is unknown if the user gives no value, and the file no default.
    """
    found = as_given(named, made.call, made.module)
    whole = REFERENCE.fullmatch(named)
    if isinstance(found, Unknown) and whole and whole[2]:
        return whole[2], whole[1]
    return found, ""


def _report_other(name: str, value: Value, place: Place, report: Report) -> None:
    if name == "disable_event_tracking" or value is None:
        report("COS206", name, place, NO_EFFECT)
    elif name == "dbt_config_vars":
        report("COS206", name, place, changed("set these flags under `flags:` in dbt_project.yml"))
    else:
        report("COS206", name, place, unknown("no rule reads it: decide what it is to become"))


def _fields_of(profile: Value) -> dict[str, Any] | Unknown:
    if profile is None:
        return {}
    if hidden := first_unknown(profile):
        return hidden
    if not isinstance(profile, dict):
        return Unknown("it is not a dict: decide what the profile has", Place(""))
    fields = {str(key): _reference(value) for key, value in profile.items()}
    for key in _NUMBERS & fields.keys():
        fields[key] = str(fields[key]).replace(") }}", ") | as_number }}")
        fields[key] = int(fields[key]) if fields[key].isdecimal() else fields[key]
    if not is_plain(fields):
        return Unknown("it has more than plain values: decide what the profile has", Place(""))
    return fields


def _is_literal(field: str, value: Value) -> bool:
    """Return whether a field is a secret that does not come from an environment variable.

    >>> _is_literal("password", "x"), _is_literal("password", "{{ env_var('X') }}")
    (True, False)
    """
    return bool(_SECRET.search(field)) and not _REFERENCE.fullmatch(str(value))


def _reference(value: Value) -> Value:
    """Return a text of an environment variable as dbt refers to it.

    >>> _reference(EnvText("${SCHEMA}")), _reference(EnvText("${SCHEMA:-dev}"))
    ("{{ env_var('SCHEMA') }}", "{{ env_var('SCHEMA', 'dev') }}")
    """
    if not isinstance(value, EnvText):
        return value
    return REFERENCE.sub(_env_var, value)


def _env_var(found: re.Match[str]) -> str:
    default = "" if found[2] is None else f", '{found[2]}'"
    return f"{{{{ env_var('{found[1]}'{default}) }}}}"


def _config(
    known: Mapping, connection: str, fields: dict[str, Any], exported: Connection
) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Return the settings of the compute; what the connection says; variable -> what it has to be.

    `exported` are the fields of the connection, as far as they are known.
    """
    config = {**known.taken, **{k: v for k, v in fields.items() if not _is_literal(k, v)}}
    if "database" in config and "dbname" in known.named:
        config["dbname"] = config.pop("database")
    taken: dict[str, str] = {}
    asked: dict[str, str] = {}
    for field, source in known.named.items():
        if config.get(field):
            continue
        if source and (part := named_part(exported, source)):
            config[field] = taken[field] = part
        else:
            variable = re.sub(r"\W", "_", f"{connection}_{field}").upper()
            config[field] = f"{{{{ env_var('{variable}') }}}}"
            asked[variable] = source
    return config, taken, asked


def _verdict(
    known: Mapping, connection: str, taken: dict[str, str], asked: dict[str, str]
) -> Verdict:
    if known.uses_connection:
        said = f"`plugins.compute` with `connection: {connection}`, read in the run"
        if not known.is_whole:
            said += "; name what else the profile takes from it as `connection:FIELD` in `config`"
    else:
        said = f"`plugins.compute` of type {known.adapter}; no connection is read"
    if known.note:
        said += f"; {known.note}"
    for field, part in taken.items():
        said += f"; {field} is {part!r}, as the connection has it now"
    for variable, source in asked.items():
        origin = f", which the connection has as {source}," if source else ""
        said += f"; set {variable}{origin} where `floe compile` and the workers run"
    return exact(said) if known.is_whole and not asked and not known.note else changed(said)
