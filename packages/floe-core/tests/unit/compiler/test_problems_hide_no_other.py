"""All problems of a product are reported at once, whichever check finds them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pytest

from floe_core.compiler import compile_product
from floe_core.foundation.errors import InvalidProductError

WriteProduct = Callable[..., Path]

FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
schedule: {cron: '0 6 * * *', timezone: UTC}
deadline: '07:00'
execution: {retries: 1, reuse: 'off'}
transforms: [{name: first}]
jobs:
  - {name: hourly, select: first, schedule: {cron: '0 * * * *'}}
alerts: [{on: [failure], to: 'env:WHERE'}]
partitions: {by: day, start: '2026-01-01', select: second}
steps: [{name: send, command: [send], reads: [first]}]
outputPorts: [{model: first}]
inputPorts: []
waivers: []
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: plain}
  compute: {type: duckdb, config: {threads: 1}}
defaults: {timezone: UTC}
approved_plugins: {}
environments: {}
"""
MODELS = {"first": "select 1 as id", "second": "select 2 as id"}


class Mistake(NamedTuple):
    """What is right, what is written instead, and what compile says of it."""

    right: str
    wrong: str
    told: str


# Found as the files are read.
OF_FORM = {
    "name": Mistake("name: shop", "name: my shop", "metadata.name: 'my shop' is not a name"),
    "number": Mistake("retries: 1", "retries: many", "'many' is no whole number"),
    "key": Mistake("reuse: 'off'", "reus: 'off'", "unknown key 'reus'"),
    "missing": Mistake("platform, version: 1.0.0", "platform", "lacks the key 'version'"),
    "job's name": Mistake("hourly", "every hour", "'every hour' is not the name of a job"),
}
# dbt is given no literal secret.
SECRET = {"secret": Mistake("threads: 1", "token: hunter2", "token: a literal secret")}
# Found without dbt.
OF_VALUES = {
    "cron": Mistake("'0 6 * * *'", "'99 6 * * *'", "minute '99' is out of range"),
    "job's cron": Mistake("'0 * * * *'", "'0 77 * * *'", "hour '77' is out of range"),
    "zone": Mistake("UTC}\ndeadline", "Mars}\ndeadline", "no time zone named 'Mars'"),
    "default zone": Mistake("UTC}\napproved", "Io}\napproved", "no time zone named 'Io'"),
    "deadline": Mistake("'07:00'", "seven", "'seven' is not a time of day"),
    "orchestrator": Mistake("plain", "plian", "no orchestrator plugin named 'plian'"),
    "compute": Mistake(
        "approved_plugins: {}", "approved_plugins: {compute: []}", "'duckdb' is not"
    ),
    "alert": Mistake("'env:WHERE'", "'slack://a'", "the target is written out"),
    "waiver": Mistake("waivers: []", "waivers: [wings]", "there is no concept 'wings'"),
}
# Found in dbt's graph.
OF_GRAPH = {
    "transform": Mistake("{name: first}", "{name: frist}", "unknown transform 'frist'"),
    "selection": Mistake("select: first,", "select: 'foo:x',", "'foo' is not a valid method name"),
    "step": Mistake("reads: [first]", "reads: [fisrt]", "'fisrt' is not a dbt node"),
    "partitions": Mistake("second}", "scond}", "partitions.select: selects no node"),
    "port": Mistake("[{model: first}]", "[{model: firts}]", "is called 'firts'"),
    "read port": Mistake("inputPorts: []", "inputPorts: [{product: a, port: b}]", "has no 'a'"),
    "environment": Mistake(
        "environments: {}",
        "environments: {prod: {schedules: {jobs: {shop.daily: {enabled: false}}}}}",
        "shop has no job 'daily'",
    ),
}
MISTAKES = {**OF_FORM, **SECRET, **OF_VALUES, **OF_GRAPH}


def write(write_product: WriteProduct, names: tuple[str, ...]) -> Path:
    texts = [FLOE, MANIFEST]
    for right, wrong, _ in (MISTAKES[name] for name in names):
        assert sum(text.count(right) for text in texts) == 1, right
        texts = [text.replace(right, wrong) for text in texts]
    return write_product(floe=texts[0], manifest=texts[1], **MODELS)


def check_told(folder: Path, *names: str) -> None:
    """Check that compile reports these mistakes, each once, and nothing else."""
    with pytest.raises(InvalidProductError) as caught:
        compile_product(folder)
    told = [problem.what for problem in caught.value.problems]
    expected = [MISTAKES[name].told for name in names]
    assert [sum(text in what for what in told) for text in expected] == [1] * len(names), told
    assert len(told) == len(names), told


def test_without_a_mistake_it_compiles(write_product: WriteProduct) -> None:
    compile_product(write(write_product, ()))


def test_problems_of_form_and_of_values_are_told_together(write_product: WriteProduct) -> None:
    names = (*OF_FORM, *SECRET, *OF_VALUES)
    check_told(write(write_product, names), *names)


def test_problems_of_values_and_of_the_graph_are_told_together(write_product: WriteProduct) -> None:
    names = (*OF_VALUES, *OF_GRAPH)
    check_told(write(write_product, names), *names)


@pytest.mark.parametrize("problem", ["select {{ nope( }}", "select * from {{ ref('nope') }}"])
def test_what_dbt_cannot_parse_hides_nothing(write_product: WriteProduct, problem: str) -> None:
    folder = write(write_product, ("cron", "read port"))
    (folder / "models" / "second.sql").write_text(problem)
    with pytest.raises(InvalidProductError) as caught:
        compile_product(folder)
    told = [each.what.partition(":")[0] for each in caught.value.problems]
    assert sorted(told) == [
        "`products` of the manifest has no 'a'",
        "cron expression '99 6 * * *'",
        "dbt",
    ]


@pytest.mark.long
@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_told_alone(write_product: WriteProduct, name: str) -> None:
    check_told(write(write_product, (name,)), name)


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), combinations(MISTAKES, 2))
def test_no_problem_hides_another(write_product: WriteProduct, one: str, other: str) -> None:
    names = (one, other)
    # dbt is given no product that is not the one in the files.
    is_asked = not {*OF_FORM, *SECRET} & {*names}
    told = [name for name in names if is_asked or name not in OF_GRAPH]
    check_told(write(write_product, names), *told)
