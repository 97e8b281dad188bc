"""A product that reads secrets and fails with them: none is on disk, in a store, or in a terminal."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

FLOE = Path(sys.executable).with_name("floe")
SECRETS = {
    "SHOP_PASSWORD": "correct-horse-battery",
    "DBT_ENV_SECRET_AGENT": "agent-of-no-name-77",
    "PGPASSWORD": "hunter2-of-postgres",
}
FILES = {
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
""",
    "manifest.yaml": """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute:
    type: duckdb
    config: {config_options: {custom_user_agent: "{{ env_var('DBT_ENV_SECRET_AGENT') }}"}}
""",
    "dbt_project.yml": (
        "name: shop\nversion: 1.0.0\nprofile: shop\n"
        "vars: {key: \"{{ env_var('SHOP_PASSWORD') }}\"}\n"
    ),
    "models/first.sql": (
        "{{ config(materialized='table', meta={'k': env_var('SHOP_PASSWORD')}) }}\n"
        "{% do log('reads ' ~ env_var('PGPASSWORD'), info=true) %}"
        "{% do print('prints ' ~ env_var('PGPASSWORD')) %}"
        "select '{{ env_var('SHOP_PASSWORD') }}' as a, '{{ env_var('PWD', 'none') }}' as b"
    ),
    "models/broken.sql": (
        "{{ config(materialized='table') }}\nselect error('refused {{ env_var(\"SHOP_PASSWORD\") }}"
        " and {{ env_var(\"PGPASSWORD\") }}') from {{ ref('first') }}"
    ),
    "models/schema.yml": """\
models:
  - name: first
    description: "{{ env_var('SHOP_PASSWORD') }}"
    meta: {key: "{{ env_var('SHOP_PASSWORD') }}"}
""",
}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets") / "shop"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture(scope="module")
def said(product: Path) -> list[str]:
    """Compile and run twice; return what the terminal showed."""
    commands = [["compile"], ["run", "--json"], ["run"]]
    done = [
        subprocess.run(
            [FLOE, *command, str(product)],
            env={**os.environ, **SECRETS},
            capture_output=True,
            text=True,
        )
        for command in commands
    ]
    assert [each.returncode for each in done] == [0, 1, 1], done[0].stderr
    result = json.loads(done[1].stdout)
    assert result["nodes"]["model.shop.broken"] == "error"
    return [each.stdout + each.stderr for each in done]


def found_in(text: str) -> list[str]:
    return [name for name, value in SECRETS.items() if value in text]


def test_none_is_in_the_terminal(said: list[str]) -> None:
    assert found_in("".join(said)) == []
    assert "refused *** and ***" in "".join(said)


@pytest.mark.parametrize(
    "command",
    [
        ["ci", "BASE", "HEAD"],
        ["ci", "BASE", "HEAD", "--json"],
        ["plan", "BASE", "--markdown"],
        ["helm", "values", "HEAD"],
    ],
    ids=" ".join,
)
def test_none_is_in_what_is_said_of_a_change(
    product: Path, said: list[str], command: list[str]
) -> None:
    head = product.with_name("head")
    for name, text in FILES.items():
        (head / name).parent.mkdir(parents=True, exist_ok=True)
        (head / name).write_text(text.replace("as b", "as b, '{{ env_var(\"PGPASSWORD\") }}' as c"))
    places = {"BASE": str(product), "HEAD": str(head)}
    done = subprocess.run(
        [FLOE, *(places.get(word, word) for word in command)],
        env={**os.environ, **SECRETS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout
    assert found_in(done.stdout + done.stderr) == []


def test_none_is_on_disk_but_in_what_dbt_compiled_for_its_owner_alone(
    product: Path, said: list[str]
) -> None:
    holding = [
        path.relative_to(product)
        for path in product.rglob("*")
        if path.is_file() and found_in(path.read_bytes().decode("utf-8", errors="replace"))
    ]
    # The warehouse has what the model selects.
    others = [path for path in holding if path.suffix != ".duckdb" and not _is_of_an_attempt(path)]
    assert others == []
    compiled = [path for path in holding if _is_of_an_attempt(path)]
    assert compiled
    assert [path for path in compiled if _is_open_to_others(product / path)] == []


def test_the_cache_that_runs_load_is_there_and_holds_references(
    product: Path, said: list[str]
) -> None:
    assert b"floe-env:SHOP_PASSWORD" in (product / "target/partial_parse.msgpack").read_bytes()


def test_the_working_directory_is_no_secret(product: Path, said: list[str]) -> None:
    (compiled, *_) = product.glob(".floe/runs/*/attempt-1/compiled/shop/models/first.sql")
    assert "***" not in compiled.read_text()


def _is_of_an_attempt(path: Path) -> bool:
    return any(part.startswith("attempt-") for part in path.parts)


def _is_open_to_others(path: Path) -> bool:
    mode = stat.S_IMODE(path.stat().st_mode)
    attempt = next(each for each in path.parents if each.name.startswith("attempt-"))
    return bool(mode & 0o077 or stat.S_IMODE(attempt.stat().st_mode) & 0o077)
