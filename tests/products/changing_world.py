"""What surrounds the SQL of a random product: configuration, hooks, headers, functions and files.

The keys of a configuration are those that dbt and the adapter list for a model, so a key of a newer
version is tried too. Each is set to a value of its type; what dbt refuses fails on both sides.
"""

from __future__ import annotations

import json
import random
import typing
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dbt.adapters.factory import get_adapter_class_by_name, load_plugin
from dbt.artifacts.resources import (
    FunctionConfig,
    ModelConfig,
    SeedConfig,
    SnapshotConfig,
    SourceConfig,
    TestConfig,
    UnitTestConfig,
)

# Keys that say where a relation is and what it is: the histories change these by other edits.
_PLACES = {
    *("_extra", "enabled", "alias", "schema", "database", "materialized", "group", "tags"),
    *("pre_hook", "post_hook", "target_schema", "target_database", "loaded_at_field"),
}
# Values for keys that take only a few.
_VALUES: dict[str, tuple[object, ...]] = {
    "batch_size": ("day", "hour"),
    "begin": ("2026-01-01",),
    "check_cols": ("all", ["c1"]),
    "column_types": ({"c2": "bigint"}, {}),
    "contract": ({"enforced": False},),
    "dbt_valid_to_current": ("timestamp '9999-12-31'",),
    "delimiter": (",",),
    "docs": ({"show": False}, {"show": True}),
    "error_if": ("> 3", "!= 0"),
    "event_time": ("id",),
    "fail_calc": ("count(*)", "max(id)"),
    "freshness": ({"build_after": {"count": 1, "period": "day"}},),
    "full_refresh": (None,),  # It is for incremental models and seeds.
    "grants": ({"select": ["public"]}, {}),
    "hard_deletes": ("ignore", "invalidate", "new_record"),
    "incremental_strategy": ("append", "delete+insert"),
    "indexes": ([{"columns": ["id"]}],),
    "loaded_at_query": ("select timestamp '2026-01-01'",),
    "lookback": (1, 2),
    "meta": ({"owner": "a"}, {"owner": "b"}),
    "on_configuration_change": ("apply", "continue"),
    "on_schema_change": ("ignore", "append_new_columns"),
    "persist_docs": ({"relation": True}, {}),
    "quoting": ({"identifier": True}, {"identifier": False}),
    "access": ("public", "protected"),
    "severity": ("warn", "error"),
    "snapshot_meta_column_names": ({"dbt_valid_to": "until"}, {}),
    "static_analysis": ("off", "on"),
    "store_failures_as": ("table", "view"),
    "strategy": ("check", "timestamp"),
    "type": ("scalar", "aggregate"),
    "unique_key": ("id", ["id", "c1"]),
    "updated_at": ("seen_at",),
    "volatility": ("deterministic", "stable", "non-deterministic"),
    "warn_if": ("> 1", "!= 0"),
    "where": ("id > 2",),
}
_CONFIGS: dict[str, type] = {
    "function": FunctionConfig,
    "model": ModelConfig,
    "seed": SeedConfig,
    "snapshot": SnapshotConfig,
    "source": SourceConfig,
    "test": TestConfig,
    "unit_test": UnitTestConfig,
}
# dbt takes these for a snapshot, and doesn't list them.
_MORE = {"snapshot": {"hard_deletes": str, "invalidate_hard_deletes": bool}}
# Keys that say how an incremental model adds to its rows: a history says that itself.
OF_INCREMENTAL = frozenset(
    {"unique_key", "incremental_strategy", "batch_size", "begin", "lookback", "event_time"}
)
# The hooks that depend on nothing but the node's own rows, and the others.
OWN = ("cut", "cut_by_macro", "indexed")
FOREIGN = (
    *("filled", "filled_by_name", "filled_by_macro", "filled_by_cte", "filled_by_branch"),
    *("filled_by_text", "stamped", "notes"),
)
FUNCTION = "nvl2"  # sqlglot knows a function of this name.
DBT_FUNCTION = "adds"
_FUNCTION_FILES = {
    "functions/adds.sql": "select x + {added}",
    "functions/schema.yml": "functions: [{{name: adds, arguments: [{{name: x, data_type: bigint}}], "
    "returns: {{data_type: bigint}}, config: {config}}}]",
    "macros/functions.sql": "{{% macro duckdb__scalar_function_sql(target_relation) %}}"
    "create or replace macro {{{{ target_relation }}}}(x) as ({{{{ model.compiled_code }}}})"
    "{{% endmacro %}}",
}
MACROS = """\
{{% macro cut(into, number) %}}delete from {{{{ into }}}} where id = {{{{ number }}}} + {added}{{% endmacro %}}
{{% macro fill(into, name) %}}{{% if execute -%}}
insert into {{{{ into }}}} (id) select max(id) + {added} from {{{{ ref(name) }}}}
{{%- endif %}}{{% endmacro %}}
"""


@dataclass
class Surroundings:
    """What surrounds one model's SQL; `hook` is one of `OWN` or `FOREIGN`, "" for none."""

    hook: str = ""
    number: int = 0
    header: str = ""
    options: dict[str, object] = field(default_factory=dict)

    @property
    def is_foreign(self) -> bool:
        """Whether a hook depends on more than the node's own rows."""
        return self.hook in FOREIGN

    @property
    def changes_rows(self) -> bool:
        """Whether the hook is more than one that changes no rows."""
        return self.hook not in ("", "indexed")


def write_function(folder: Path, added: int, options: dict[str, object]) -> None:
    """Write the function of dbt that models call; dbt-duckdb has no statement of its own for it."""
    (folder / "functions").mkdir(exist_ok=True)
    for name, text in _FUNCTION_FILES.items():
        (folder / name).write_text(text.format(added=added, config=json.dumps(options)))


def option_names(adapter: str, kind: str = "model") -> dict[str, Any]:
    """Return key -> type, of all that dbt lists for a kind of node, and the adapter for a relation."""
    load_plugin(adapter)
    own = typing.get_type_hints(get_adapter_class_by_name(adapter).AdapterSpecificConfigs)
    general = {each.name: each.type for each in fields(_CONFIGS[kind])} | _MORE.get(kind, {})
    listed = own | general if kind in ("model", "seed", "snapshot") else general
    return {k: v for k, v in listed.items() if k not in _PLACES and not k.isupper() and k[0] != "_"}


def value_of(name: str, kind: Any, chance: random.Random) -> object:
    """Return a value for a key, by what is known of it or by its type."""
    if name in _VALUES:
        return chance.choice(_VALUES[name])
    text = str(kind)
    if "bool" in text:
        return chance.choice([True, False])
    if "int" in text or "float" in text:
        return chance.randint(1, 3)
    if "Dict" in text or "dict" in text:
        return {}
    return [] if "List" in text or "list" in text else f"v{chance.randint(1, 3)}"


def hook_sql(around: Surroundings, parent: str, relation: str) -> str:
    """Return the hook of a model, which reads this parent, or its relation, where it is foreign."""
    number = around.number
    return {
        "": "",
        "cut": f"delete from {{{{ this }}}} where id = {number}",
        "cut_by_macro": f"{{{{ cut(this, {number}) }}}}",
        "indexed": "create index if not exists by_id on {{ this }} (id)",
        "filled": f"insert into {{{{ this }}}} (id) select max(id) + {number} from {{{{ ref('{parent}') }}}}",
        "filled_by_name": f"insert into {{{{ this }}}} (id) select max(id) + {number} from {relation}",
        "filled_by_macro": f"{{{{ fill(this, '{parent}') }}}}",
        "filled_by_cte": f"insert into {{{{ this }}}} (id) with {parent} as (select id from {relation}) "
        f"select max(id) + {number} from {parent}",
        "filled_by_branch": "{% set from = this %}{% if execute %}"
        f"{{% set from = ref('{parent}') %}}{{% endif %}}"
        f"insert into {{{{ this }}}} (id) select max(id) + {number} from {{{{ from }}}}",
        "filled_by_text": f"{{% set top = run_query('select max(id) from {relation}') %}}"
        f"insert into {{{{ this }}}} (id) select {number} + length('{{{{ top.columns[0][0] if execute }}}}')",
        "notes": f"insert into {{{{ ref('{parent}') }}}} (id) values ({number})",
        "stamped": "delete from {{ this }} where now() < timestamptz '2020-01-01'",
    }[around.hook]
