"""A product whose names and messages are not ASCII runs on each orchestrator as under plain dbt."""

from __future__ import annotations

import json
import subprocess

import pytest
from warm_floe import floe

FILES = {
    "floe.yaml": (
        "apiVersion: floe.dev/v1\nkind: FloeSpec\nmetadata: {name: shop, version: 1.0.0}\n"
        "platform: {manifest: manifest.yaml}\n"
    ),
    "manifest.yaml": (
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins:\n  orchestrator: {type: dagster}\n  compute: {type: duckdb}\n"
    ),
    "dbt_project.yml": (
        "name: shop\nversion: 1.0.0\nprofile: shop\n"
        "on-run-start: \"{{ log('Grüße von on-run-start', info=true) }}\"\n"
        "on-run-end: \"{{ print('Grüße von on-run-end') }}\"\n"
        "models: {+post-hook: \"{{ say('Grüße von ' ~ this.name) }}\"}\n"
    ),
    "macros/say.sql": (
        "{% macro say(what) %}{% if execute %}{{ log(what, info=true) }}"
        "{{ print(what ~ ', gedruckt') }}{% endif %}{% endmacro %}"
    ),
    "models/grüße.sql": "select 1 as id",
    "models/второй.sql": "select id from {{ ref('grüße') }}",
    "models/schema.yml": (
        "models: [{name: grüße, columns: [{name: id, data_tests: [{accepted_values: "
        "{name: warnt, arguments: {values: [2]}, config: {severity: warn}}}]}]}]\n"
    ),
}
WHO_SPEAKS = ["Grüße von grüße", "Grüße von второй"]
SAID = [
    "Grüße von on-run-start",
    "Grüße von on-run-end",
    *WHO_SPEAKS,
    *(f"{each}, gedruckt" for each in WHO_SPEAKS),
    "Got 1 result, configured to warn if != 0",
]


@pytest.fixture(scope="module", params=["dagster", "airflow", "prefect"])
def done(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> subprocess.CompletedProcess[str]:
    """Return a finished `floe run`."""
    folder = tmp_path_factory.mktemp(request.param)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return floe("run", folder, "--on", request.param, "--json")


@pytest.mark.timeout(600)
def test_the_run_succeeds(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    nodes = json.loads(done.stdout)["nodes"]
    [test] = [each for each in nodes if each.startswith("test.")]
    assert nodes == {"model.shop.grüße": "success", "model.shop.второй": "success", test: "warn"}


@pytest.mark.timeout(600)
def test_the_terminal_shows_once_what_macros_and_hooks_say_and_why_a_test_warns(
    done: subprocess.CompletedProcess[str],
) -> None:
    lines = [line.strip() for line in done.stderr.splitlines()]
    assert {each: lines.count(each) for each in SAID} == dict.fromkeys(SAID, 1), done.stderr
