"""The oracle is Cosmos itself: what its classes take, and what its selector selects."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from floe_core.compiler.profile_values import _OF_ADAPTER, _USUAL
from floe_import.cosmos.book import BOOK
from floe_import.cosmos.connections_file import named_part
from floe_import.cosmos.groups import POSITIONAL, RULES
from floe_import.cosmos.profile_mappings import MAPPINGS
from floe_import.drafts import GroupDraft
from floe_import.import_files import Request, import_files
from floe_import.python.values import Symbol
from floe_import.report import Place
from floe_import.writing import write_report

pytestmark = pytest.mark.long
assert RULES

SIGNATURES = """
import inspect, json
from airflow.sdk import DAG, BaseOperator, TaskGroup
from cosmos.airflow.dag import DbtDag
from cosmos.airflow.task_group import DbtTaskGroup
from cosmos.config import ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.converter import DbtToAirflowConverter
from cosmos.operators import local

def names(*classes):
    found = []
    for each in classes:
        for parameter in inspect.signature(each.__init__).parameters.values():
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                found.append(parameter.name)
    return [name for name in dict.fromkeys(found) if name != "self"]

operators = [
    parent
    for each in vars(local).values()
    if inspect.isclass(each) and each.__name__ in (
        "DbtRunLocalOperator", "DbtTestLocalOperator", "DbtSeedLocalOperator",
        "DbtSnapshotLocalOperator", "DbtBuildLocalOperator", "DbtSourceLocalOperator",
    )
    for parent in each.__mro__
    if parent.__module__.startswith("cosmos.")
]
found = {each.__name__: names(each) for each in (ProjectConfig, ProfileConfig, ExecutionConfig, RenderConfig)}
found["DbtDag"] = names(DbtToAirflowConverter, DAG)
found["DbtTaskGroup"] = names(DbtToAirflowConverter, TaskGroup)
found["operator_args"] = names(*operators, BaseOperator)
found["default_args"] = names(BaseOperator)
print(json.dumps(found))
"""
# What the reader of groups reads itself.
READ_APART = {
    *("project_config", "profile_config", "execution_config", "render_config", "operator_args"),
    *("default_args", "schedule", "dag"),
}

SELECTED = """
import json, sys
from pathlib import Path
from cosmos.config import ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import LoadMode
from cosmos.dbt.graph import DbtGraph

folder, wanted = Path(sys.argv[1]), json.loads(sys.argv[2])
graph = DbtGraph(
    project=ProjectConfig(folder, manifest_path=folder / "target" / "manifest.json"),
    profile_config=ProfileConfig("shop", "dev", profiles_yml_filepath=folder / "profiles.yml"),
    execution_config=ExecutionConfig(dbt_project_path=folder),
    render_config=RenderConfig(load_method=LoadMode.DBT_MANIFEST, dbt_project_path=folder, **wanted),
)
graph.load(method=LoadMode.DBT_MANIFEST, execution_mode=None)
print(json.dumps(sorted(i for i in graph.filtered_nodes if i.split(".")[0] in ("model", "seed", "snapshot"))))
"""

DAG = """
from cosmos import DbtTaskGroup, ProfileConfig, ProjectConfig, RenderConfig
from airflow.sdk import DAG

with DAG(dag_id="shop"):
    DbtTaskGroup(
        group_id="group",
        project_config=ProjectConfig({folder!r}, install_dbt_deps=False),
        profile_config=ProfileConfig("shop", "dev", {folder!r} + "/profiles.yml"),
        render_config=RenderConfig(**{wanted!r}),
    )
"""

SELECTIONS = [
    {},
    {"select": ["tag:daily"]},
    {"select": ["tag:daily", "path:models/marts"]},
    {"select": ["tag:daily,path:models/staging"]},
    {"select": ["+customers"]},
    {"select": ["1+customers"]},
    {"select": ["@stg_orders"]},
    {"select": ["config.materialized:view"]},
    {"select": ["path:models/staging"], "exclude": ["stg_orders"]},
    {"exclude": ["tag:daily"]},
    {"exclude": ["resource_type:seed"]},
    {"select": ["resource_type:model"]},
    {"select": ["stg_orders+"]},
    {"select": ["fqn:shop.marts.customers"]},
    {"select": ["package:shop"]},
]


@pytest.fixture(scope="module")
def taken(cosmos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return class -> the names of its arguments in the installed Cosmos and Airflow."""
    import os

    environment = os.environ | {
        "PYTHONPATH": str(cosmos),
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
    }
    done = subprocess.run(
        [sys.executable, "-c", SIGNATURES],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "owner",
    [
        "ProjectConfig",
        "ProfileConfig",
        "ExecutionConfig",
        "RenderConfig",
        "DbtDag",
        "DbtTaskGroup",
        "operator_args",
        "default_args",
    ],
)
def test_each_argument_that_cosmos_takes_has_a_rule(
    owner: str, taken: dict[str, list[str]]
) -> None:
    assert set(taken[owner]) - BOOK.fields(owner) - READ_APART == set()


@pytest.mark.parametrize(
    "owner", ["ProjectConfig", "ProfileConfig", "ExecutionConfig", "RenderConfig"]
)
def test_arguments_without_names_are_in_the_order_of_cosmos(
    owner: str, taken: dict[str, list[str]]
) -> None:
    ours = POSITIONAL[owner]
    assert tuple(taken[owner][: len(ours)]) == ours


DEFAULTS = """
import dataclasses, enum, inspect, json
from airflow.sdk import DAG, BaseOperator, TaskGroup
from cosmos.config import ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.operators import local

def defaults(*classes):
    found = {}
    for each in reversed(classes):
        for name, parameter in inspect.signature(each.__init__).parameters.items():
            value = parameter.default
            if type(value).__name__ == "_Nothing":
                continue
            if isinstance(value, enum.Enum) and not isinstance(value, str):
                value = f"cosmos.{type(value).__name__}.{value.name}"
            if value is None or isinstance(value, (bool, int, float, str, list, dict)):
                found[name] = value
    return found

operators = [parent for parent in local.DbtRunLocalOperator.__mro__ if parent.__module__.startswith("cosmos.")]
found = {each.__name__: defaults(each) for each in (ProjectConfig, ProfileConfig, ExecutionConfig, RenderConfig)}
found["DbtDag"], found["DbtTaskGroup"] = defaults(DAG), defaults(TaskGroup)
found["operator_args"] = defaults(*operators, BaseOperator)
found["default_args"] = defaults(BaseOperator)
print(json.dumps(found, default=str))
"""
# What floe does in another way whether a file says it or not: see docs/from-cosmos.md.
ALWAYS_OTHER = {
    ("RenderConfig", "emit_datasets"),
    ("RenderConfig", "enable_owner_inheritance"),
    ("RenderConfig", "group_nodes_by_folder"),
}


def test_what_cosmos_and_airflow_do_by_default_is_exact(ask_cosmos) -> None:
    said, count = [], 0
    for owner, defaults in json.loads(ask_cosmos(DEFAULTS)).items():
        for name, value in defaults.items():
            rule = BOOK.find(owner, name)
            is_member = isinstance(value, str) and value.startswith("cosmos.")
            given = Symbol(value) if is_member else value
            if rule is None or (owner, name) in ALWAYS_OTHER:
                continue
            count += 1
            verdict = rule.judge(given, GroupDraft(Place("x"), "group", rendered={}))
            if verdict.disposition != "exact":
                said.append(f"{owner}.{name} {given!r}: {verdict.disposition}")
    assert not said, "\n".join(said)
    assert count > 150


TASKS = """
import json, sys
from pathlib import Path
from airflow.sdk import DAG
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import LoadMode, TestBehavior

folder, behavior = Path(sys.argv[1]), sys.argv[2]
behavior = TestBehavior[behavior] if behavior.isupper() else behavior
with DAG("shop") as dag:
    DbtTaskGroup(
        group_id="group",
        project_config=ProjectConfig(folder, manifest_path=folder / "target" / "manifest.json"),
        profile_config=ProfileConfig("shop", "dev", profiles_yml_filepath=folder / "profiles.yml"),
        render_config=RenderConfig(load_method=LoadMode.DBT_MANIFEST, test_behavior=behavior),
    )
print(json.dumps(sorted(t.task_id for t in dag.tasks if type(t).__name__.startswith("DbtTest"))))
"""


@pytest.mark.parametrize(
    ("behavior", "has_tests"),
    [("AFTER_EACH", True), ("AFTER_ALL", True), ("NONE", False)]
    + [(text, False) for text in ("after_each", "after_all", "none", "skip")],
)
def test_cosmos_makes_tasks_of_tests_for_members_only(
    behavior: str, has_tests: bool, shop: Path, tmp_path: Path, ask_cosmos
) -> None:
    from floe_core.compiler import compile_product

    folder = tmp_path / "shop"
    shutil.copytree(shop, folder)
    written = f"TestBehavior.{behavior}" if behavior.isupper() else repr(behavior)
    dag = tmp_path / "dags.py"
    text = DAG.format(folder=str(folder), wanted={})
    text = text.replace("RenderConfig(**{})", f"RenderConfig(test_behavior={written})")
    dag.write_text(f"from cosmos.constants import TestBehavior\n{text}")
    report = import_files(Request([dag], (), tmp_path / "out"))
    assert report.disposition == "exact", report.as_text()
    write_report(report)
    artifacts = compile_product(folder)
    [job] = [j for j in artifacts.jobs if j.name == "group"] or artifacts.jobs
    assert any(n.unique_id.startswith("test.") for n in artifacts.nodes_of(job)) == has_tests
    assert bool(json.loads(ask_cosmos(TASKS, str(folder), behavior))) == has_tests


PASSWORD = """
from airflow.sdk import Connection
from cosmos.profiles import PostgresUserPasswordProfileMapping as Mapping

made = Mapping("warehouse", {"schema": "s", "password": "from arguments"})
made._conn = Connection(conn_id="warehouse", conn_type="postgres", password="from connection")
print(*made.env_vars.values())
"""


def test_cosmos_takes_a_password_from_the_arguments_of_a_profile(ask_cosmos) -> None:
    assert ask_cosmos(PASSWORD) == "from arguments"


REQUIRED = """
import inspect, json
from cosmos import profiles
print(json.dumps({
    name: [value.dbt_profile_type, value.required_fields, [*value.airflow_param_mapping]]
    for name, value in vars(profiles).items()
    if inspect.isclass(value) and hasattr(value, "required_fields")
}))
"""


def test_a_compute_has_the_fields_that_cosmos_requires(ask_cosmos) -> None:
    theirs = json.loads(ask_cosmos(REQUIRED))
    for name, known in MAPPINGS.items():
        adapter, required, mapped = theirs[name]
        assert adapter == known.adapter
        usual = _OF_ADAPTER.get(adapter, _USUAL) if known.uses_connection else ()
        ours = {*usual, *known.named, *known.taken}
        assert set(required) <= ours, name
        assert not known.is_whole or set(mapped) <= ours, name
    assert sum(each.is_whole for each in MAPPINGS.values()) >= 5


TAKEN = """
import json, sys
from airflow.sdk import Connection
from cosmos import profiles

found = {}
for name, fields, parts in json.loads(sys.argv[1]):
    made = getattr(profiles, name)("warehouse", {})
    made._conn = Connection(conn_id="warehouse", **fields)
    found[name] = {part: made.get_dbt_value(part) for part in parts}
print(json.dumps(found))
"""
CONNECTION = {"conn_type": "generic", "host": "h", "schema": "s", "login": "l", "password": "p"}


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("", ["database", "project", "dataset"]),
        # As older versions of Airflow wrote them.
        ("extra__snowflake__", ["database"]),
        ("extra__google_cloud_platform__", ["project", "dataset"]),
    ],
)
def test_databases_and_schemas_are_those_that_cosmos_takes(
    prefix: str, names: list[str], ask_cosmos
) -> None:
    extra = {f"{prefix}{name}": f"the {name}" for name in names}
    fields = {**CONNECTION, "extra": json.dumps(extra)}
    asked = [(name, fields, [*known.named]) for name, known in MAPPINGS.items()]
    theirs = json.loads(ask_cosmos(TAKEN, json.dumps(asked)))
    ours = {
        name: {
            part: named_part(fields, source) if source else ""
            for part, source in known.named.items()
        }
        for name, known in MAPPINGS.items()
    }
    assert {n: {p: v or "" for p, v in found.items()} for n, found in theirs.items()} == ours


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dbt project with folders, tags, a seed, a snapshot and tests."""
    folder = tmp_path_factory.mktemp("project") / "shop"
    files = {
        "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
        "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
        "seeds/raw_orders.csv": "id,customer\n1,a\n2,b\n",
        "models/staging/stg_orders.sql": "{{ config(tags=['daily']) }} select * from {{ ref('raw_orders') }}",
        "models/staging/stg_people.sql": "{{ config(materialized='table') }} select 1 as id",
        "models/marts/customers.sql": (
            "{{ config(tags=['daily'], materialized='table') }} "
            "select o.customer from {{ ref('stg_orders') }} o cross join {{ ref('stg_people') }}"
        ),
        "models/marts/report.sql": "select count(*) as n from {{ ref('customers') }}",
        "snapshots/orders_history.sql": (
            "{% snapshot orders_history %}{{ config(unique_key='id', strategy='check', check_cols='all', "
            "target_schema='s') }} select * from {{ ref('stg_orders') }}{% endsnapshot %}"
        ),
        "models/schema.yml": (
            "models:\n  - name: stg_orders\n    columns:\n      - {name: id, data_tests: [unique]}\n"
            "  - name: customers\n    columns:\n      - {name: customer, data_tests: [not_null]}\n"
        ),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("wanted", SELECTIONS, ids=str)
def test_a_job_has_the_nodes_that_cosmos_selects(
    wanted: dict[str, list[str]], shop: Path, tmp_path: Path, ask_cosmos
) -> None:
    from floe_core.compiler import compile_product

    folder = tmp_path / "shop"
    shutil.copytree(shop, folder)
    dag = tmp_path / "dags.py"
    dag.write_text(DAG.format(folder=str(folder), wanted=wanted))
    report = import_files(Request([dag], (), tmp_path / "out"))
    assert report.disposition == "exact", report.as_text()
    write_report(report)
    artifacts = compile_product(folder)
    [job] = [j for j in artifacts.jobs if j.name == "group"] or artifacts.jobs
    ours = sorted(
        node.unique_id
        for node in artifacts.nodes_of(job)
        if node.unique_id.split(".")[0] in ("model", "seed", "snapshot")
    )
    assert ours == json.loads(ask_cosmos(SELECTED, str(folder), json.dumps(wanted)))


READ = """
import json, os, re, sys
from cosmos import profiles
from floe_orchestrator_airflow.service.connection_fields import read_connection

def flat(profile, variables, prefix=""):
    for key, value in profile.items():
        if isinstance(value, dict):
            yield from flat(value, variables, f"{prefix}{key}.")
        elif found := re.fullmatch(r"\\{\\{\\s*env_var\\('(\\w+)'\\)\\s*\\}\\}", str(value)):
            yield f"{prefix}{key}", variables[found[1]]
        else:
            yield f"{prefix}{key}", value

found = {}
for name, adapter, connection in json.loads(sys.argv[1]):
    os.environ["AIRFLOW_CONN_WH"] = json.dumps(connection)
    made = getattr(profiles, name)("wh", {})
    found[name] = [dict(flat(made.profile, made.env_vars)), dict(read_connection("wh", adapter))]
print(json.dumps(found))
"""
PEM = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
SNOWFLAKE = {"account": "acme", "region": "eu", "database": "d", "warehouse": "w", "role": "r"}
GOOGLE = {"project": "p", "dataset": "d"}
KEY = {
    **{"type": "service_account", "project_id": "p", "private_key_id": "i", "private_key": PEM},
    **{"client_email": "e", "client_id": "c", "auth_uri": "a", "token_uri": "t"},
    **{"auth_provider_x509_cert_url": "x", "client_x509_cert_url": "y"},
}
BY_NAME = {"conn_type": "postgres", "host": "h", "schema": "s", "login": "l", "password": "p"}
# Mapping -> a connection that it takes.
TAKING: dict[str, dict[str, object]] = {
    "PostgresUserPasswordProfileMapping": BY_NAME | {"port": 5433, "extra": {"sslmode": "require"}},
    "RedshiftUserPasswordProfileMapping": BY_NAME | {"conn_type": "redshift", "port": 5439},
    "DatabricksTokenProfileMapping": {
        **{"conn_type": "databricks", "host": "https://h", "password": "p", "schema": "s"},
        "extra": {"http_path": "/x"},
    },
    "TrinoLDAPProfileMapping": BY_NAME | {"conn_type": "trino", "host": "http://h", "port": 8080},
    "GoogleCloudServiceAccountFileProfileMapping": {
        "conn_type": "google_cloud_platform",
        "extra": GOOGLE | {"key_path": "/key.json"},
    },
    "GoogleCloudServiceAccountDictProfileMapping": {
        "conn_type": "google_cloud_platform",
        "extra": GOOGLE | {"keyfile_dict": json.dumps(KEY)},
    },
    **{
        f"Snowflake{kind}ProfileMapping": {
            **{"conn_type": "snowflake", "login": "l", "schema": "s"},
            **({"password": "p"} if "Private" not in kind or "Encrypted" in kind else {}),
            "extra": SNOWFLAKE | key,
        }
        for kind, key in {
            "UserPassword": {},
            "PrivateKeyPem": {"private_key_content": b64encode(PEM.encode()).decode()},
            "EncryptedPrivateKeyPem": {"private_key_content": PEM},
            "PrivateKeyFilePem": {"private_key_file": "/key.pem"},
            "EncryptedPrivateKeyFilePem": {"private_key_file": "/key.pem"},
        }.items()
    },
}
NOT_OF_CONNECTION = ("type", "threads", "method")
DEFAULTS_OF_DBT = ("keepalives_idle", "port", "sslmode")


def test_a_compute_takes_from_a_connection_what_cosmos_takes(ask_cosmos) -> None:
    asked = [(name, MAPPINGS[name].adapter, taken) for name, taken in TAKING.items()]
    said = json.loads(ask_cosmos(READ, json.dumps(asked)))
    assert said.keys() == {name for name, known in MAPPINGS.items() if known.uses_connection}
    for name, (theirs, fields) in said.items():
        known = MAPPINGS[name]
        usual = _OF_ADAPTER.get(known.adapter, _USUAL)
        exported = TAKING[name] | {"extra": json.dumps(TAKING[name].get("extra", {}))}
        ours = {each: fields.get(each) for each in usual} | {
            part: named_part(exported, source) for part, source in known.named.items() if source
        }
        ours |= dict(_taken(known.taken, fields))
        wanted = {k: v for k, v in theirs.items() if k not in NOT_OF_CONNECTION}
        found = {key: ours.get(key) for key in wanted}
        assert {k: str(v) for k, v in found.items()} == {k: str(v) for k, v in wanted.items()}, name
        # Nothing that Cosmos leaves out, such as the password of a connection with a key.
        given = {key for key, value in ours.items() if value not in (None, "", "False")}
        assert given - {*theirs, *NOT_OF_CONNECTION, *DEFAULTS_OF_DBT} == set(), name


def _taken(config: dict, fields: dict, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield what a compute's settings are with the fields of a connection."""
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _taken(value, fields, f"{prefix}{key}.")
        elif str(value).startswith("connection:"):
            field, _, default = value.removeprefix("connection:").partition("?")
            yield f"{prefix}{key}", fields.get(field, default)
        else:
            yield f"{prefix}{key}", value
