"""Files that are damaged or unusual: each is reported, and no import ends with a traceback."""

from __future__ import annotations

import ast
import os
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from floe_core.foundation.errors import FloeError
from floe_import.import_files import Request, import_files

TESTS, EXAMPLES = Path(__file__).parents[1], Path(__file__).parents[4] / "examples" / "import"
SOURCES = sorted(
    file
    for folder in (
        TESTS / "corpus",
        EXAMPLES / "dags",
        EXAMPLES / "definitions",
        EXAMPLES / "flows",
    )
    for file in folder.rglob("*.py")
    if file.stat().st_size
)
COMPONENT = """type: dagster_dbt.DbtProjectComponent
attributes:
  project:
    project_dir: ../shop
    target: prod
  select: tag:daily
  op:
    name: shop
    tags: {team: data}
  cli_args: [build, --full-refresh]
  include_metadata: [row_count, column_metadata]
  translation:
    group_name: shop
    owners: [team@example.com]
    key: "{{ node.name }}"
  translation_settings:
    enable_code_references: true
requirements:
  env: [TARGET]
"""
SEED = os.environ.get("SEED", "")
MUTATIONS = int(os.environ.get("MUTATIONS", "12"))


def imported(file: Path) -> dict[str, object]:
    """Import a file, and return the report; empty if floe refuses it."""
    with suppress(FloeError):
        report = import_files(Request([file], projects=[EXAMPLES / "shop"], out=file.parent / "o"))
        for path, text in report.files.items():
            if path.endswith(".py"):
                ast.parse(text)
        return report.as_dict([]) | {"files": report.files}
    return {}


def mutated(text: str, rng: random.Random) -> str:
    """Return a file with a few of its nodes deleted, repeated, exchanged or renamed."""
    tree = ast.parse(text)
    for _ in range(rng.randint(1, 3)):
        rng.choice((_change_list, _change_list, _exchange, _rename))(tree, rng)
    try:
        return ast.unparse(tree)
    except (AttributeError, ValueError, TypeError, IndexError):
        return text[: rng.randrange(len(text))]


def _lists(tree: ast.AST) -> Iterator[list[ast.AST]]:
    for node in ast.walk(tree):
        yield from (
            value for _, value in ast.iter_fields(node) if isinstance(value, list) and value
        )


def _change_list(tree: ast.AST, rng: random.Random) -> None:
    found = rng.choice([*_lists(tree)])
    at = rng.randrange(len(found))
    match rng.randrange(3):
        case 0 if len(found) > 1:
            del found[at]
        case 1:
            found.insert(at, found[at])
        case _:
            found.reverse()


def _exchange(tree: ast.AST, rng: random.Random) -> None:
    places = [
        (node, name)
        for node in ast.walk(tree)
        for name, value in ast.iter_fields(node)
        if isinstance(value, ast.expr) and isinstance(getattr(value, "ctx", ast.Load()), ast.Load)
    ]
    (one, name), (other, named) = rng.choice(places), rng.choice(places)
    first, second = getattr(one, name), getattr(other, named)
    if not any(inner in (one, other) for each in (first, second) for inner in ast.walk(each)):
        setattr(one, name, second)
        setattr(other, named, first)


def _rename(tree: ast.AST, rng: random.Random) -> None:
    node = rng.choice([*ast.walk(tree)])
    match node:
        case ast.Name():
            node.id = rng.choice(["x", "Path", "DbtDag", "os", node.id + "_"])
        case ast.Attribute():
            node.attr = rng.choice(["x", "cli", "run", "parent", "invoke"])
        case ast.keyword():
            node.arg = rng.choice([None, "pool", "retries", "schedule", "group_id", "select"])
        case ast.ImportFrom():
            node.level = rng.randrange(60)
        case ast.Constant():
            node.value = rng.choice(
                ["", "-", "{{ x }}", "é\u2028", -1, 10**9, None, True, b"x", ...]
            )
        case ast.alias():
            node.name = rng.choice(["*", "x", node.name])


@pytest.mark.parametrize("source", SOURCES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_mutated_file_is_reported_the_same_each_time(source: Path, tmp_path: Path) -> None:
    rng = random.Random(f"{SEED}{source.name}")
    for number in range(MUTATIONS):
        file = tmp_path / f"{source.stem}.py"
        file.write_text(mutated(source.read_text("utf-8"), rng), "utf-8")
        first = imported(file)
        if number == 0:
            assert imported(file) == first


def test_a_truncated_component_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "component" / "defs.yaml"
    file.parent.mkdir()
    rng = random.Random(1)
    for _ in range(60):
        lines = COMPONENT.splitlines()
        text = "\n".join(rng.sample(lines, rng.randint(1, len(lines))))
        whole = rng.choice([COMPONENT, text])
        at = rng.randrange(len(whole))
        file.write_text(
            rng.choice([whole[:at], whole[:at] + rng.choice("{[]}:-&*!#\t") + whole[at:]])
        )
        imported(file)


def test_a_name_that_floe_refuses_is_reported_and_nothing_is_written_for_it(tmp_path: Path) -> None:
    file = tmp_path / "dag.py"
    file.write_text(
        "from airflow.sdk import DAG\n"
        "from airflow.providers.standard.operators.bash import BashOperator\n"
        'with DAG("d"):\n'
        '    BashOperator(task_id="run", bash_command="cd /dbt && dbt run", pool="a\\nb")\n'
    )
    report = import_files(Request([file]))
    refused = [each for each in report.findings if each.code == "FLI012"]
    assert [(each.place.line, each.disposition) for each in refused] == [(4, "unknown")]
    assert report.files == {}


def test_a_file_that_would_not_be_python_is_reported_and_not_written(tmp_path: Path) -> None:
    file = tmp_path / "dag.py"
    file.write_text(
        "from airflow.sdk import DAG\n"
        "from airflow.providers.standard.operators.bash import BashOperator\n"
        'with DAG("d"):\n'
        '    BashOperator(task_id="a", bash_command="cd /d && dbt run", params={"b":'
        ' BashOperator(task_id="b", bash_command="cd /d && dbt test")})\n'
    )
    report = import_files(Request([file]))
    refused = [each for each in report.findings if each.code == "FLI012"]
    assert [(each.place.line, each.disposition) for each in refused] == [(4, "unknown")]
    assert not [path for path in report.files if path.endswith(".py")]
