"""What a project can see while it runs: the whole Jinja context, key by key, beside plain dbt's."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, build
from floe_core.schemas import CompiledArtifacts

FILES = {
    "dbt_project.yml": """\
name: seen
version: 1.0.0
profile: seen
vars: {colour: red}
on-run-start: ["create or replace table seen_at_start as {{ dump_context(context) }}"]
on-run-end:
  - "create or replace table seen_at_end as {{ dump_context(context) }}"
  - "create or replace table results_seen as {{ dump_results(results) }}"
models:
  +post-hook:
    - "{% if this.name == 'in_a_model' %}create or replace table seen_in_a_hook as {{ dump_context(context) }}{% endif %}"
""",
    "profiles.yml": "seen: {target: dev, outputs: {dev: {type: duckdb, path: seen.duckdb, threads: 1}}}\n",
    "macros/dump.sql": """\
{% macro dump_context(seen) %}
{%- set rows = [] -%}
{%- for key in seen | list | sort if key not in ('graph', 'context', 'flags', 'invocation_args_dict', 'model') -%}
  {%- do rows.append(row(key, seen[key] | string)) -%}
{%- endfor -%}
{%- for name, value in (model or {}).items() if name not in ("compiled_code", "compiled_sql") -%}
  {%- do rows.append(row('model ' ~ name, value | string)) -%}
{%- endfor -%}
{%- for flag in (flags | string).split(', ') -%}{%- do rows.append(row('flags', flag)) -%}{%- endfor -%}
{%- for name, value in invocation_args_dict.items() -%}
  {%- do rows.append(row('invocation_args_dict ' ~ name, value | string)) -%}
{%- endfor -%}
{%- for section in graph | sort -%}{%- for id, entry in graph[section].items() -%}
  {%- do rows.append(row('graph ' ~ section ~ ' ' ~ id, entry | sort | join(' '))) -%}
{%- endfor -%}{%- endfor -%}
{{ rows | join(' union all ') }}
{% endmacro %}
{% macro row(key, value) %}select '{{ key }}' as key, '{{ value | replace("'", "''") }}' as value{% endmacro %}
{% macro dump_results(results) %}
{%- set rows = [] -%}
{%- for each in results -%}
  {%- do rows.append(row(each.node.unique_id, each.status ~ ' ' ~ ((each.failures or 0) > 0) ~ ' ' ~ (each.to_dict() | sort | join(' ')))) -%}
{%- endfor -%}
{{ rows | join(' union all ') if rows else row('none', '') }}
{% endmacro %}
""",
    "models/in_a_model.sql": "{{ config(materialized='table') }} {{ dump_context(context) }}\n",
    "models/counts.sql": (
        "{{ config(materialized='table') }} select {{ graph.nodes | length }} as nodes, "
        "'{{ env_var('COLOUR_OF_THE_DAY', 'none') }}' as colour -- {{ ref('numbers') }}\n"
    ),
    "models/from_a_file.sql": (
        "{{ config(materialized='table') }} select * from read_csv_auto('./seeds/numbers.csv')\n"
    ),
    "tests/in_a_test.sql": (
        "{{ config(store_failures=true, severity='warn') }} {{ dump_context(context) }}"
        " -- {{ ref('in_a_model') }}\n"
    ),
    "seeds/numbers.csv": "id\n1\n2\n",
}
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: seen, version: 1.0.0}
platform: {manifest: manifest.yaml}
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins: {orchestrator: {type: plain}}
"""
SEEN = {
    "model": "main.in_a_model",
    "hook": "main.seen_in_a_hook",
    "test": "main_dbt_test__audit.in_a_test",
    "on-run-start": "main.seen_at_start",
    "on-run-end": "main.seen_at_end",
}
# What is of one run alone, holds this very text, or holds all the other keys once more.
OF_ONE_RUN = {"invocation_id", "run_started_at", "sql", "compiled_code", "builtins", "results"}
# Where dbt writes, and how it logs there.
OF_ONE_CALL = {
    *("INVOCATION_COMMAND", "LOG_PATH", "PROFILES_DIR", "PROJECT_DIR", "TARGET_PATH", "PROFILE"),
    *("TARGET", "QUIET", "USE_COLORS", "LOG_LEVEL", "SEND_ANONYMOUS_USAGE_STATS"),
    *("LOG_LEVEL_FILE", "USE_COLORS_FILE"),
}
_VARIES = (
    (re.compile(r"Thread-\d+"), "Thread-N"),
    (re.compile(r"0x[0-9a-f]+"), "ADDRESS"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "UUID"),
    (re.compile(r"\d{10}\.\d+"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*"), "TIME"),
    (re.compile(r"(FOLDER/)?\.floe/runs/r/attempt-1"), "target"),
)

Context = dict[tuple[str, str], list[str]]


def write_project(folder: Path) -> Path:
    for place, text in FILES.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def run_plain_dbt(folder: Path) -> None:
    """Run `dbt build` as a person does: a process of its own, in the project's folder."""
    dbt("--quiet", "build", cwd=folder)


def run_floe(folder: Path) -> None:
    (folder / "floe.yaml").write_text(FLOE)
    (folder / "manifest.yaml").write_text(MANIFEST)
    compile_product(folder)
    artifacts = CompiledArtifacts.load(folder)
    *_, end = build(artifacts, BuildRequest(job="seen", run_id="r"))
    assert end == BuildEnded(True)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, plain_site: Path) -> Iterator[list[Path]]:
    """Return the folders of two runs of one project: plain dbt's, and floe's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(plain_site))
        patch.setenv("COLOUR_OF_THE_DAY", "green")
        plain, ours = (write_project(tmp_path_factory.mktemp(n) / "seen") for n in ("dbt", "floe"))
        run_plain_dbt(plain)
        # Anywhere but in the product's folder, as a worker of an orchestrator is.
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        run_floe(ours)
        yield [plain, ours]


def context_of(folder: Path) -> Context:
    """Return (place, key) -> the words of its value, sorted, without what varies by itself."""
    found: Context = {}
    with duckdb.connect(str(folder / "seen.duckdb"), read_only=True) as connection:
        for place, table in SEEN.items():
            for key, value in connection.execute(f"select key, value from {table}").fetchall():
                if key == "flags":
                    value = value.removeprefix("Namespace(")
                    key = f"flags {value.partition('=')[0]}"
                if not is_of_one_call(key):
                    found[place, key] = words_of(value, folder)
    return found


def is_of_one_call(key: str) -> bool:
    is_argument = key.startswith(("flags ", "invocation_args_dict "))
    return key in OF_ONE_RUN or (is_argument and key.rpartition(" ")[2].upper() in OF_ONE_CALL)


def words_of(value: str, folder: Path) -> list[str]:
    text = value.replace(str(folder), "FOLDER")
    for pattern, name in _VARIES:
        text = pattern.sub(name, text)
    return sorted(re.findall(r"[\w./'-]+", text))


def test_every_key_of_the_context_has_the_value_that_it_has_in_plain_dbt(
    folders: list[Path],
) -> None:
    plain, ours = map(context_of, folders)
    assert plain.keys() == ours.keys()
    different = {
        key: (Counter(plain[key]) - Counter(ours[key]), Counter(ours[key]) - Counter(plain[key]))
        for key in plain
        if plain[key] != ours[key]
    }
    assert different == {}, str(different)
    assert len(plain) > 2500


def test_the_graph_is_there(folders: list[Path]) -> None:
    counts = [rows(folder, "select nodes from counts") for folder in folders]
    assert counts == [[(8,)], [(8,)]]


def test_a_relative_path_is_read_from_the_products_folder(folders: list[Path]) -> None:
    assert [rows(folder, "select sum(id) from from_a_file") for folder in folders] == [[(3,)]] * 2


def test_hooks_at_the_end_see_the_same_results(folders: list[Path]) -> None:
    query = "select key, value from results_seen order by key"
    plain, ours = (rows(folder, query) for folder in folders)
    assert plain == ours
    assert len(plain) >= 5


def artifacts_of(folder: Path, run_folder: str) -> dict[str, Any]:
    """Return file -> what dbt wrote to it, without ids, times, and the one text of its own."""
    found: dict[str, Any] = {}
    for path in sorted((folder / run_folder).rglob("*")):
        place = str(path.relative_to(folder / run_folder))
        if path.suffix not in (".json", ".sql") or ".floe" in place:
            continue
        text = path.read_text()
        if path.suffix == ".json":
            text = json.dumps(without_what_varies(json.loads(text)), sort_keys=True)
        found[place] = words_of(text, folder)
    return found


def without_what_varies(value: Any) -> Any:
    """Leave out how long it took, how dbt was called, and how many keys the context has."""
    varies = {"metadata", "args", "elapsed_time", "timing", "execution_time", "thread_id"}
    varies |= {"created_at", "root_path", "compiled_code", "raw_code", "checksum"}
    if isinstance(value, dict):
        if "in_a_test" in str(value.get("unique_id")):
            varies |= {"message", "failures"}
        return {k: without_what_varies(v) for k, v in value.items() if k not in varies}
    return [without_what_varies(each) for each in value] if isinstance(value, list) else value


def test_dbts_files_are_those_of_plain_dbt(folders: list[Path]) -> None:
    plain, ours = folders
    theirs, found = artifacts_of(plain, "target"), artifacts_of(ours, ".floe/runs/r/attempt-1")
    assert theirs.keys() == found.keys()
    assert {"run_results.json", "manifest.json", "semantic_manifest.json"} <= found.keys()
    # Those hold the whole context as a text.
    holds_context = ("in_a_model.sql", "in_a_test.sql", "-0.sql", "-1.sql")
    for place in found:
        if not place.endswith(holds_context):
            assert found[place] == theirs[place], place


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "seen.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_variable_that_shapes_the_graph_is_read_anew_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_project(tmp_path / "seen")
    (folder / "models" / "placed.sql").write_text(
        "{{ config(schema=env_var('PLACE')) }} select 1 as id\n"
    )
    monkeypatch.setenv("PLACE", "north")
    (folder / "floe.yaml").write_text(FLOE)
    (folder / "manifest.yaml").write_text(MANIFEST)
    compile_product(folder)
    monkeypatch.setenv("PLACE", "south")
    events = list(build(CompiledArtifacts.load(folder), BuildRequest(job="seen", run_id="r")))
    assert events[-1] == BuildEnded(True)
    told = [getattr(event, "text", "") for event in events]
    assert "PLACE has another value than at compile time, so dbt parses the project again" in told
    query = "select table_schema from information_schema.tables where table_name = 'placed'"
    assert rows(folder, query) == [("main_south",)]


def test_no_value_of_a_variable_is_kept_with_the_parse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLOUR_OF_THE_DAY", "a-value-that-is-nowhere-else")
    folder = write_project(tmp_path / "seen")
    (folder / "floe.yaml").write_text(FLOE)
    (folder / "manifest.yaml").write_text(MANIFEST)
    compile_product(folder)
    kept = (folder / "target" / "partial_parse.msgpack").read_bytes()
    assert b"COLOUR_OF_THE_DAY" in kept
    assert b"a-value-that-is-nowhere-else" not in kept
